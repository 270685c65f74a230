"""`drain.media`: rows per second landed and folded, against a plain JSONEachRow insert of the same rows.

The drain reads the queue, commits its batches, removes duplicates, looks up places, inserts, folds sessions and stalls,
and acknowledges. The floor only inserts the finished rows into a table of the same shape.
"""

from __future__ import annotations

import random
import statistics
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import orjson

from bench.figures import Figure, note
from telemetry_platform.contracts.landing import stream_name
from telemetry_platform.stores import redis
from telemetry_platform.usecases.drain.run import drain
from telemetry_platform.usecases.drain.stores import open_stores

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.settings import ClickHouseSettings, Settings

SESSIONS = 1_200
EVENTS_PER_SESSION = 50
ROUNDS = 3
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


class FloorTable:
    """A table of the same shape, and plain inserts into it."""

    def __init__(self, settings: ClickHouseSettings) -> None:
        """Connect; `rows` holds what the drain stored last, as JSONEachRow."""
        self._http = httpx.Client(
            base_url=settings.url,
            timeout=120,
            headers={"X-ClickHouse-User": settings.user, "X-ClickHouse-Key": settings.password.get_secret_value()},
            params={"database": settings.database},
        )

    def _post(self, query: str, body: bytes = b"", **parameters: int) -> bytes:
        named = {f"param_{name}": str(value) for name, value in parameters.items()}
        answer = self._http.post("/", params={"query": query, **named}, content=body)
        answer.raise_for_status()
        return answer.content

    def make(self) -> None:
        """Create the table anew."""
        self._post("DROP TABLE IF EXISTS media_events_floor")
        self._post("CREATE TABLE media_events_floor AS media_events")

    def rows_of(self, received_at_ms: int) -> bytes:
        """The rows that were received since, as they are stored."""
        return self._post(
            "SELECT * FROM media_events WHERE toUnixTimestamp64Milli(received_at) >= {since:Int64} FORMAT JSONEachRow",
            since=received_at_ms,
        )

    def insert(self, rows: bytes) -> float:
        """Seconds that one plain insert of all rows takes."""
        began = time.perf_counter()
        self._post("INSERT INTO media_events_floor FORMAT JSONEachRow", rows)
        return time.perf_counter() - began


def measure(settings: Settings) -> Figure:
    """Both in turns, the median of the rounds each."""
    floor_table = FloorTable(settings.clickhouse)
    floor_table.make()
    rng = random.Random(7)  # noqa: S311 - the same load on every run
    drained: list[float] = []
    inserted: list[float] = []
    seq = 1
    with open_stores(settings, log_comment="bench") as stores:
        for _ in range(ROUNDS):
            since = int(datetime.now(UTC).timestamp() * 1000)
            entries = fill_queue(settings, rng, seq)
            seq += entries
            began = time.perf_counter()
            report = drain(stores, settings, holder="bench", until_idle=True)
            seconds = time.perf_counter() - began
            stored = report.tables["media_events"].stored
            if stored != entries:
                raise ValueError(f"{entries} entries, {stored} stored: nothing to compare")
            drained.append(entries / seconds)
            rows = floor_table.rows_of(since)
            inserted.append(entries / floor_table.insert(rows))
            note(f"drain {drained[-1]:,.0f} rows/s, plain insert {inserted[-1]:,.0f} rows/s")
    return Figure("drain.media", statistics.median(drained), "rows/s", statistics.median(inserted))
