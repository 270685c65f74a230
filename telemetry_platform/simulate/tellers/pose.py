"""Frames of pose tracking: the first seconds of an exercise in front of a camera, at 15 frames a second.

A view has about 27 frames where the source has 200 (a million a day for its five thousand sessions), so that a day is
sent in seconds. Every joint of every fifth frame is compared, and of the others a few.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid5

from telemetry_platform.simulate.breakages import NO_ZONE, Breakage
from telemetry_platform.simulate.chance import happens
from telemetry_platform.simulate.events import Outgoing, Request, Row
from telemetry_platform.simulate.mishaps import Mishaps, disturbed
from telemetry_platform.simulate.movement import sequence
from telemetry_platform.simulate.people import ANALYTICS, POSE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from random import Random

    from telemetry_platform.simulate.visits import Visit

    Landmarks = Sequence[Mapping[str, float]]

KIND = "pose"
BREAKAGES: Mapping[str, Breakage] = {
    "pixels": Breakage("landmarks.0.x", lambda frame: frame | {"landmarks": _changed(frame["landmarks"], x=412.0)}),
    "thirty_two": Breakage("landmarks", lambda frame: frame | {"landmarks": frame["landmarks"][:-1]}),
    "too_visible": Breakage(
        "landmarks.0.visibility", lambda frame: frame | {"landmarks": _changed(frame["landmarks"], visibility=7.0)}
    ),
    "zoneless": NO_ZONE,
}
LANDMARKS = (
    "nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer",
    "left_ear", "right_ear", "mouth_left", "mouth_right", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_pinky", "right_pinky", "left_index", "right_index", "left_thumb",
    "right_thumb", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle", "left_heel",
    "right_heel", "left_foot_index", "right_foot_index",
)  # fmt: skip
"""What MediaPipe calls the 33 points, in its order."""
_AXES = ("x", "y", "z", "visibility")
_NOT_KEPT = frozenset({"ip_truncated", "country_code", "region", "is_bot"})
"""Of health data no more rests than is asked for."""
_CAMERAS = frozenset({"desktop", "mobile", "tablet"})
_FILMED = 60
_A_REQUEST = 30
_EVERY_SECOND = 2
_DIGITS = 7
"""Of a number in the truth: a hundred times finer than what rests."""
_WHOLE = 5
_FEW = frozenset({"nose", "left_wrist", "right_knee"})


def tell(visit: Visit, random: Random) -> list[Request]:
    """The frames of one exercise, sent while it goes on."""
    if visit.patient.device.device_type not in _CAMERAS or not happens(random, 0.5):
        return []
    frames = list(_frames(visit, random))
    requests = [
        Request(group[-1].at + timedelta(milliseconds=200), visit.number, tuple(group))
        for group in (frames[start : start + _A_REQUEST] for start in range(0, len(frames), _A_REQUEST))
    ]
    shares = Mishaps(answer_lost=0.04, reloaded=0.03, doubled=0.005, contradicted=0.015, broken=0.12, too_late=0.03)
    return disturbed(requests, random, breakages=BREAKAGES, contradict=contradict, shares=shares, late=_renumbered)


def contradict(event: Outgoing) -> Outgoing:
    """Another pose in the same frame."""
    return replace(event, data={**event.data, "landmarks": _changed(event.data["landmarks"], x=0.125)})


def _renumbered(event: Outgoing) -> Outgoing:
    """A frame of another time is another frame."""
    return replace(event, data={**event.data, "frame_no": event.data["frame_no"] + 1_000_000})


def _frames(visit: Visit, random: Random) -> Iterator[Outgoing]:
    """Every second picture of a movement; of some cameras nobody says what is seen."""
    moved = sequence(random.randrange(2**32), _FILMED * _EVERY_SECOND, with_visibility=not happens(random, 0.25))
    session_id = uuid5(visit.session_id, "pose")
    refusal = visit.patient.refusal(visit.number, ANALYTICS, POSE)
    for number, (offset, points) in enumerate(
        zip(moved.offsets_ms[::_EVERY_SECOND].tolist(), moved.points[::_EVERY_SECOND].tolist(), strict=True)
    ):
        at = visit.started_at + timedelta(seconds=5, milliseconds=offset)
        landmarks = [
            {axis: value for axis, value in zip(_AXES, point, strict=True) if not math.isnan(value)} for point in points
        ]
        origin = {name: value for name, value in visit.origin(at).items() if name not in _NOT_KEPT}
        columns = {**origin, "session_id": str(session_id), "frame_no": number}
        columns |= _columns(landmarks, _FEW if number % _WHOLE else frozenset(LANDMARKS))
        alike = {"actor_hash": f"actor:{visit.patient.user_id}", "exercise_id": f"media:{visit.medium.media_id}"}
        yield Outgoing(
            kind=KIND,
            key=f"pose:{visit.number}:{number}",
            event="",
            org_id=visit.patient.org_id,
            at=at,
            data={"frame_no": number, "landmarks": landmarks},
            level=visit.level,
            session_id=session_id,
            media_id=visit.medium.media_id,
            rows={KIND: Row(columns, alike)},
            drop=refusal,
            derives_id=True,
        )


def _columns(landmarks: Landmarks, names: frozenset[str]) -> dict[str, Any]:
    """The columns of these landmarks; a visibility that nobody said is unknown."""
    return {
        f"{name}_{axis}": None if axis not in point else round(point[axis], _DIGITS)
        for name, point in zip(LANDMARKS, landmarks, strict=True)
        if name in names
        for axis in _AXES
    }


def _changed(landmarks: Landmarks, **values: float) -> Landmarks:
    """The same pose with another first landmark."""
    return [{**landmarks[0], **values}, *landmarks[1:]]
