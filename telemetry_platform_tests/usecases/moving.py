"""Entries of pose frames as the API would add them, for tests of the drain."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from telemetry_platform.processing.frames import PACK, pack
from telemetry_platform.simulate.movement import sequence
from telemetry_platform_tests.usecases.landing import MEDIUM, entry, milliseconds

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray

    from telemetry_platform.contracts.landing import LandingEntry

FRAME = timedelta(milliseconds=33)


def points_of(seed: int, frames: int) -> NDArray[np.float32]:
    """A movement: frames, landmarks, axes."""
    return sequence(seed, frames).points


def pose_body(
    session: str, start: datetime, numbers: Sequence[int], movement: NDArray[np.float32], **fields: object
) -> dict[str, Any]:
    """The frames of a session with these numbers, out of its whole movement."""
    times = [milliseconds(start + number * FRAME) for number in numbers]
    return {
        "device_type": "tablet",
        "browser_family": "Safari",
        "os_family": "iOS",
        "session_id": session,
        "exercise_id": MEDIUM,
        "frame_no": list(numbers),
        "occurred_at": times,
        "client_at": times,
        "skewed": [False] * len(times),
        PACK: pack(movement[list(numbers)]),
        **fields,
    }


def pose_entry(
    session: str, start: datetime, numbers: Sequence[int], movement: NDArray[np.float32], **fields: object
) -> LandingEntry:
    """An entry of one request; fields beside the body and in it, by name."""
    beside = {name: fields.pop(name) for name in ("org_id", "actor_hash", "key_epoch", "producer") if name in fields}
    return entry("pose", pose_body(session, start, numbers, movement, **fields), start, session, **beside)
