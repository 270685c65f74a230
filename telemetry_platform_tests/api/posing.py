"""Pose frames as a browser posts them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from telemetry_platform.simulate.movement import sequence
from telemetry_platform_tests.api.serving import NOW, Api, at

POSE = "/v1/pose/frames"
AGREED: dict[str, Any] = {"purposes": ["pose"]}
AXES = ("x", "y", "z", "visibility")


def landmarks(number: int = 0, seed: int = 1) -> list[dict[str, float]]:
    """The points of one frame of a movement, with the digits that a browser sends of single precision."""
    points = sequence(seed, number + 1).points[number].tolist()
    return [dict(zip(AXES, point, strict=True)) for point in points]


def frame(number: int = 0, moment: Any = NOW, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON values
    """A valid frame; None leaves a field out."""
    found = {"frame_no": number, "timestamp": at(number / 30 - 1, moment), "landmarks": landmarks(number)} | fields
    return {key: value for key, value in found.items() if value is not None}


def exercise(*frames: Any, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON values
    """Frames of a new session; None leaves a field out."""
    found = {"session_id": str(uuid4()), "exercise_id": "squat-2", "frames": list(frames)} | fields
    return {key: value for key, value in found.items() if value is not None}


def post(api: Api, body: Any, headers: dict[str, str] | None = None, **claims: Any) -> Any:  # noqa: ANN401 - JSON
    """The answer to somebody who agreed to pose tracking."""
    return api.post_to(POSE, body, headers, **(AGREED | claims))


def results(answer: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - a response
    """The verdicts in an answer."""
    found: list[dict[str, Any]] = answer.json()["results"]
    return found
