"""What a frontend posts of a movement: frames of one exercise session, each with MediaPipe's 33 landmarks.

Coordinates are MediaPipe's own: x and y in parts of the picture's width and height, z in the scale of x. A joint that
has left the picture lies outside [0, 1], which is no fault. Invariant: the order of LANDMARKS is the order in which
landmarks come, are packed and become columns.
"""

from __future__ import annotations

from typing import Annotated, Any, NotRequired

from pydantic import ConfigDict, Field
from typing_extensions import TypedDict

from telemetry_platform.contracts.event_kind import Axis
from telemetry_platform.contracts.payloads.envelope import ClientHints
from telemetry_platform.contracts.pii import Domain, Hashed, Kept, NotStored
from telemetry_platform.contracts.types import Identifier, Payload, RawId, Timestamp

LANDMARKS = (
    "nose",
    "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer",
    "left_ear", "right_ear", "mouth_left", "mouth_right",
    "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
    "left_pinky", "right_pinky", "left_index", "right_index", "left_thumb", "right_thumb",
    "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
    "left_heel", "right_heel", "left_foot_index", "right_foot_index",
)  # fmt: skip
# A joint ten pictures away is no joint: pixels were sent instead of shares, or the tracker is broken.
_FARTHEST = 10.0
# MediaPipe's landmarks jitter by about a thousandth of the picture from frame to frame, and miss the joint by more: a
# tenth of that jitter loses nothing. Visibilities near 0 differ by their first digit that is not 0: one digit more.
AXES = (
    Axis("x", "across the picture, from its left", -_FARTHEST, _FARTHEST, 4, unit="picture widths"),
    Axis("y", "down the picture, from its top", -_FARTHEST, _FARTHEST, 4, unit="picture heights"),
    Axis("z", "depth, towards the camera from the hips: negative", -_FARTHEST, _FARTHEST, 4, unit="picture widths"),
    Axis("visibility", "how likely it is seen, NULL when not said", 0.0, 1.0, 5, optional=True),
)

_Coordinate = Field(ge=-_FARTHEST, le=_FARTHEST)


class Landmark(TypedDict):
    """One joint of one frame."""

    __pydantic_config__ = ConfigDict(  # type: ignore[misc]  # how pydantic is told of a TypedDict's rules
        strict=True, extra="ignore", hide_input_in_errors=True, allow_inf_nan=False
    )

    x: Annotated[float, _Coordinate, Field(description="share of the picture's width, from its left")]
    y: Annotated[float, _Coordinate, Field(description="share of the picture's height, from its top")]
    z: Annotated[float, _Coordinate, Field(description="depth from the middle of the hips, in widths of the picture")]
    visibility: NotRequired[
        Annotated[Annotated[float, Field(ge=0, le=1)] | None, Field(description="likelihood that the joint is seen")]
    ]


_STANDING: list[dict[str, Any]] = [
    {"x": round(0.42 + 0.005 * (number % 7), 3), "y": round(0.12 + 0.025 * number, 3), "z": -0.2, "visibility": 0.98}
    for number in range(len(LANDMARKS))
]


class PoseFrame(Payload):
    """One frame."""

    frame_no: Annotated[
        Annotated[int, Field(ge=0, le=4_294_967_295)], Kept(), Field(description="number of the frame in its session")
    ]
    timestamp: Annotated[
        Timestamp, NotStored(), Field(description="the client's clock at the frame, RFC 3339 with zone")
    ]
    landmarks: Annotated[
        Annotated[list[Landmark], Field(min_length=len(LANDMARKS), max_length=len(LANDMARKS))],
        NotStored(),
        Field(description="MediaPipe's 33 landmarks, in its order", examples=[_STANDING]),
    ]


class PoseEnvelope(Payload):
    """What the frames of one object share."""

    session_id: Annotated[Identifier, Kept(), Field(description="UUID of the exercise session, made by the frontend")]
    # Hashed like a medium, which an exercise's video is: a view and the movement made to it can be put side by side.
    exercise_id: Annotated[RawId, Hashed(Domain.MEDIA), Field(description="pseudonym of the exercise")]
    sent_at: Annotated[
        Timestamp | None, NotStored(), Field(description="the client's clock when it sent the frames")
    ] = None
    client: ClientHints = ClientHints()


class PoseFrames(PoseEnvelope):
    """Frames of one exercise session."""

    frames: Annotated[
        Annotated[list[PoseFrame], Field(min_length=1, max_length=300)],
        NotStored(),
        Field(description="frames in any order; a number again in the same session is the same frame, sent again"),
    ]
