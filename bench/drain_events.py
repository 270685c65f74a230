"""`drain.analytics`, `drain.api_metrics`: rows per second landed, against a plain insert of the same rows in columns.

Unlike media, most of these events belong to no session: whether an id is known is looked up among all rows of the late
window. The floor inserts the finished rows, as Arrow, into a table of the same shape.
"""

from __future__ import annotations

import random
import statistics
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from bench.figures import Figure, note
from telemetry_platform.contracts.landing import stream_name
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.stores import redis
from telemetry_platform.usecases.drain.run import drain
from telemetry_platform.usecases.drain.stores import open_stores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from telemetry_platform.settings import Settings

ROWS = 60_000
ROUNDS = 3
_PEOPLE = 2_000
_ROUTES = tuple(f"/{area}/{{id}}/{part}" for area in ("patients", "plans", "teams") for part in ("", "exams", "notes"))
_PAGES = ("/dashboard", "/exercises", "/exercises/:x", "/plans/:x", "/messages", "/settings")
_DEVICE = {
    "ip_truncated": "203.0.113.0",
    "device_type": "mobile",
    "browser_family": "Chrome",
    "os_family": "Android",
    "is_bot": False,
}


def _used(rng: random.Random) -> dict[str, Any]:
    """A page view or a click, a third of them within a visit."""
    clicked = rng.random() < 0.4
    return _DEVICE | {
        "kind": "click" if clicked else "page_view",
        "route": rng.choice(_PAGES),
        "element": "start_exercise" if clicked else None,
        "session_id": str(uuid.UUID(int=rng.getrandbits(128), version=4)) if rng.random() < 1 / 3 else None,
        "properties": orjson.dumps({"tab": rng.choice(("today", "week")), "count": rng.randrange(20)}).decode(),
    }


def _answered(rng: random.Random) -> dict[str, Any]:
    """A request of the Core API."""
    return {
        "method": rng.choice(("GET", "GET", "GET", "POST")),
        "route": rng.choice(_ROUTES),
        "status_code": rng.choice((200, 200, 200, 201, 404, 500)),
        "duration_ms": round(rng.lognormvariate(3.5, 0.8), 2),
        "request_bytes": rng.randrange(2_000),
        "response_bytes": rng.randrange(60_000),
        "instance": f"core-api-{rng.randrange(4)}",
    }


BODIES: dict[str, Callable[[random.Random], dict[str, Any]]] = {"analytics": _used, "api_metrics": _answered}


def _entries(kind: str, rng: random.Random, first_seq: int) -> Iterator[dict[str, bytes | str | int]]:
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    people = [rng.randbytes(32).hex() for _ in range(_PEOPLE)]
    is_nobodys = kinds()[kind].on_behalf is not None
    for number in range(ROWS):
        occurred = now_ms - rng.randrange(20 * 3_600_000)
        body = {"occurred_at": occurred, "client_at": occurred, "skewed": False, **BODIES[kind](rng)}
        yield {
            "v": 1,
            "kind": kind,
            "event_id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
            "received_at": now_ms,
            "org_id": "bench",
            "actor_hash": "" if is_nobodys else rng.choice(people),
            "key_epoch": 0 if is_nobodys else 1,
            "consent_level": 2,
            "producer": "bench",
            "producer_seq": first_seq + number,
            "trace_id": "",
            "body": orjson.dumps(body),
        }


def fill_queue(settings: Settings, kind: str, rng: random.Random, first_seq: int) -> None:
    """Add ROWS entries."""
    entries = list(_entries(kind, rng, first_seq))
    with redis.connect(settings.redis) as client:
        for start in range(0, len(entries), 1_000):
            pipe = client.pipeline(transaction=False)
            for entry in entries[start : start + 1_000]:
                pipe.xadd(stream_name(kind, 0), entry)
            pipe.execute()


def measure(settings: Settings, kind: str) -> Figure:
    """Both in turns, the median of the rounds each."""
    table = kinds()[kind].table.name
    floor = f"{table}_floor"
    rng = random.Random(7)  # noqa: S311 - the same load on every run
    drained: list[float] = []
    inserted: list[float] = []
    with open_stores(settings, log_comment="bench") as stores:
        client = stores.warehouse.client
        client.command(f"DROP TABLE IF EXISTS {floor}")
        client.command(f"CREATE TABLE {floor} AS {table}")
        for number in range(ROUNDS):
            fill_queue(settings, kind, rng, first_seq=1 + number * ROWS)
            began, since = time.perf_counter(), datetime.now(UTC)
            report = drain(stores, settings, holder="bench", until_idle=True)
            seconds = time.perf_counter() - began
            if report.tables[table].stored != ROWS:
                raise ValueError(f"{ROWS} entries, {report.tables[table].stored} stored: nothing to compare")
            drained.append(ROWS / seconds)
            rows = client.query_arrow(
                "SELECT * FROM {t:Identifier} WHERE ingested_at >= {since:DateTime64(3, 'UTC')}",
                {"t": table, "since": since},
            )
            began = time.perf_counter()
            stores.warehouse.insert(floor, rows, token=f"floor-{number}")
            inserted.append(rows.num_rows / (time.perf_counter() - began))
            note(f"drain {drained[-1]:,.0f} rows/s, plain insert {inserted[-1]:,.0f} rows/s")
    return Figure(f"drain.{kind}", statistics.median(drained), "rows/s", statistics.median(inserted))
