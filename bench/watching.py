"""Views of a video for the measurements: their entries in the queue, written without the API.

A media event becomes up to three entries; here each is one, so that rows per second are those of one table.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson

from telemetry_platform.contracts.landing import stream_name
from telemetry_platform.stores import redis

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from telemetry_platform.settings import Settings

SESSIONS = 1_200
EVENTS_PER_SESSION = 50
_HEX = "0123456789abcdef"


def _session(rng: random.Random, now_ms: int, producer_seq: int) -> Iterator[dict[str, bytes | str | int]]:
    """Queue entries of one view: start, play, heartbeats with a stall now and then, end."""
    session_id = uuid.UUID(int=rng.getrandbits(128), version=4)
    actor = "".join(rng.choices(_HEX, k=64))
    media = "".join(rng.choices(_HEX, k=64))
    began = now_ms - rng.randrange(3_600_000, 20 * 3_600_000)
    for number in range(EVENTS_PER_SESSION):
        occurred = began + number * 10_000
        body: dict[str, object] = {
            "occurred_at": occurred, "client_at": occurred, "skewed": False, "ip_truncated": "203.0.113.0",
            "device_type": "mobile", "browser_family": "Chrome Mobile", "os_family": "Android", "is_bot": False,
            "session_id": str(session_id), "media_id": media, "media_type": "video",
        }  # fmt: skip
        if number == 0:
            body |= {"event": "session_start", "ttfb_ms": rng.uniform(50, 900), "total_duration_seconds": 480.0}
        elif number == 1:
            body |= {"event": "play", "position_seconds": 0.0}
        elif number == EVENTS_PER_SESSION - 1:
            body |= {"event": "session_end", "position_seconds": 480.0, "reason": "completed"}
        elif number % 12 == 5:
            body |= {"event": "buffering_start", "position_seconds": number * 10.0, "bitrate_before": 2_500_000}
        elif number % 12 == 6:
            body |= {"event": "buffering_end", "position_seconds": number * 10.0, "duration_ms": 9_000.0}
        else:
            body |= {
                "event": "heartbeat", "position_seconds": number * 10.0, "buffering_count": number // 12,
                "buffering_duration_ms": number * 100.0, "current_bitrate": 2_500_000, "resolution": "720p",
                "dropped_frames": number,
            }  # fmt: skip
        yield {
            "v": 1, "kind": "media", "event_id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
            "received_at": now_ms, "org_id": "bench", "actor_hash": actor, "key_epoch": 1, "consent_level": 2,
            "producer": "bench", "producer_seq": producer_seq + number, "trace_id": "", "body": orjson.dumps(body),
        }  # fmt: skip


def fill_queue(settings: Settings, rng: random.Random, first_seq: int) -> int:
    """Add the entries of SESSIONS views, interleaved as they would come; how many there are."""
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    entries = [
        entry for number in range(SESSIONS) for entry in _session(rng, now_ms, first_seq + number * EVENTS_PER_SESSION)
    ]
    entries.sort(key=lambda entry: (rng.random(), entry["event_id"]))
    entries = [entry | {"producer_seq": first_seq + place} for place, entry in enumerate(entries)]
    with redis.connect(settings.redis) as client:
        for start in range(0, len(entries), 1_000):
            pipe = client.pipeline(transaction=False)
            for entry in entries[start : start + 1_000]:
                pipe.xadd(stream_name("media", 0), entry)
            pipe.execute()
    return len(entries)
