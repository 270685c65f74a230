"""What a patient's browser posts while MediaPipe follows an exercise: frames of 33 landmarks.

Invariants: the numbers of a landmark are bounded, never clipped: normalised coordinates legitimately leave [0, 1] when a
joint leaves the picture. A visibility that is missing is unknown, neither 0 nor 1.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

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
"""MediaPipe's landmarks of a body, in the order in which it gives them."""
MAX_FRAMES = 300
"""Of one request: ten seconds at 30 frames a second."""
FARTHEST = 10.0
"""A joint ten pictures away is no joint: the tracker or its caller is broken (pixels instead of shares of the picture)."""

Coordinate = Annotated[float, Field(ge=-FARTHEST, le=FARTHEST)]
Visibility = Annotated[float, Field(ge=0.0, le=1.0)]
"""MediaPipe's sigmoid: whatever lies outside is no visibility."""
FrameNumber = Annotated[int, Field(ge=0, le=4_294_967_295)]


class Landmark(Payload):
    """One joint in one frame."""

    x: Annotated[Coordinate, Kept(), Field(description="share of the picture's width, from the left", examples=[0.512])]
    y: Annotated[Coordinate, Kept(), Field(description="share of the picture's height, from the top", examples=[0.387])]
    z: Annotated[
        Coordinate, Kept(), Field(description="depth from the middle of the hips, in widths", examples=[-0.214])
    ]
    visibility: Annotated[
        Visibility | None, Kept(), Field(description="likelihood that the joint is seen", examples=[0.998])
    ] = None


class Frame(Payload):
    """One picture."""

    frame_no: Annotated[FrameNumber, Kept(), Field(description="number of the frame within its session")]
    timestamp: Annotated[
        Timestamp, NotStored(), Field(description="the client's clock at the frame, RFC 3339 with zone")
    ]
    landmarks: Annotated[
        list[Landmark],
        NotStored(),
        Field(min_length=len(LANDMARKS), max_length=len(LANDMARKS), description="MediaPipe's 33 landmarks, in its order"),
    ]


class PoseSession(Payload):
    """What the frames of a request share."""

    session_id: Annotated[
        Identifier, Kept(), Field(description="UUID of the exercise session, made by the frontend")
    ]
    exercise_id: Annotated[
        RawId, Hashed(Domain.RESOURCE), Field(description="id of the exercise, stored as its pseudonym")
    ]
    client: ClientHints = ClientHints()
    sent_at: Annotated[
        Timestamp | None, NotStored(), Field(description="the client's clock when it sent the frames")
    ] = None


class PoseFrames(PoseSession):
    """Frames of one session."""

    frames: Annotated[
        list[Frame], NotStored(), Field(min_length=1, max_length=MAX_FRAMES, description="frames, at most 300 a request")
    ]
