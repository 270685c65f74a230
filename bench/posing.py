"""Exercise sessions for the measurements: movements, the JSON that brought them, and their entries in the queue."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from telemetry_platform.contracts.landing import stream_name
from telemetry_platform.contracts.payloads.pose import AXES
from telemetry_platform.processing.frames import PACK, pack
from telemetry_platform.simulate.movement import Sequence, sequence
from telemetry_platform.stores import redis

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.settings import Settings

FRAMES_PER_REQUEST = 150
"""Five seconds of a camera."""


@dataclass(frozen=True)
class Exercise:
    """One session of one person."""

    session_id: str
    began: int
    movement: Sequence

    @property
    def frames(self) -> int:
        """How many there are."""
        return len(self.movement.frame_numbers)


def exercises(count: int, frames: int, *, first: int = 0) -> list[Exercise]:
    """Sessions with movements of their own, begun one after the other within the last day."""
    now = int(datetime.now(UTC).timestamp() * 1000)
    return [
        Exercise(
            str(uuid.UUID(int=(number << 64) + number, version=4)), now - 80_000_000 + number, sequence(number, frames)
        )
        for number in range(first, first + count)
    ]


def json_bytes(exercise: Exercise, *, doubles: bool) -> int:
    """Bytes of the session's frames as a browser sends them, all in one compact body.

    MediaPipe computes in 32 bits. A browser shows such a number as a double, with 17 digits; a frontend that rounds
    shows the nine that say the same.
    """
    found: list[dict[str, Any]] = []
    for number, points in zip(exercise.movement.frame_numbers.tolist(), exercise.movement.points, strict=True):
        at = datetime.fromtimestamp((exercise.began + 33 * number) / 1000, UTC)
        values = points.astype(float).tolist() if doubles else [[float(str(one)) for one in point] for point in points]
        found.append(
            {
                "frame_no": number,
                "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "landmarks": [dict(zip((axis.name for axis in AXES), point, strict=True)) for point in values],
            }
        )
    return len(orjson.dumps({"session_id": exercise.session_id, "exercise_id": "knee-squat-2", "frames": found}))


def fill_queue(settings: Settings, given: list[Exercise], *, first_seq: int) -> int:
    """Add the sessions' requests in the order in which they would come; how many entries they are."""
    entries = [entry for each in given for entry in _entries(each)]
    entries.sort(key=lambda entry: entry["received_at"])
    with redis.connect(settings.redis) as client:
        pipe = client.pipeline(transaction=False)
        for place, entry in enumerate(entries):
            pipe.xadd(stream_name("pose", 0), entry | {"producer_seq": first_seq + place})
        pipe.execute()
    return len(entries)


def _entries(exercise: Exercise) -> Iterator[dict[str, Any]]:
    movement = exercise.movement
    actor = uuid.uuid5(uuid.UUID(exercise.session_id), "actor").hex * 2
    for start in range(0, exercise.frames, FRAMES_PER_REQUEST):
        part = slice(start, start + FRAMES_PER_REQUEST)
        times = (exercise.began + movement.offsets_ms[part]).tolist()
        body = {
            "device_type": "tablet", "browser_family": "Safari", "os_family": "iOS", "session_id": exercise.session_id,
            "exercise_id": "b" * 64, "frame_no": movement.frame_numbers[part].tolist(), "occurred_at": times,
            "client_at": times, "skewed": [False] * len(times), PACK: pack(movement.points[part]),
        }  # fmt: skip
        yield {
            "v": 1, "kind": "pose", "event_id": exercise.session_id, "received_at": times[-1], "org_id": "bench",
            "actor_hash": actor, "key_epoch": 1, "consent_level": 2, "producer": "bench", "trace_id": "",
            "body": orjson.dumps(body),
        }  # fmt: skip
