"""Entries as the API would add them, for tests of the drain: synthetic ids only."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson

from telemetry_platform.contracts.landing import LandingEntry, stream_name
from telemetry_platform.stores import postgres, redis
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform.usecases.drain.run import drain
from telemetry_platform.usecases.drain.stores import open_stores

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.warehouse import Warehouse
    from telemetry_platform.usecases.drain.report import DrainReport

ACTOR = "a" * 64
MEDIUM = "b" * 64
NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")
STREAMS = tuple(stream_name(kind, 0) for kind in ("media", "errors", "drops", "audit"))


def an_id(*parts: object) -> str:
    """The same UUID for the same parts."""
    return str(uuid.uuid5(NAMESPACE, "/".join(map(str, parts))))


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def just_now() -> datetime:
    """A moment in whole seconds, a little ago: entries are never received in the future."""
    return datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)


def media_body(session: str, event: str, at: datetime, **data: object) -> dict[str, Any]:
    return {
        "occurred_at": milliseconds(at),
        "client_at": milliseconds(at),
        "skewed": False,
        "ip_truncated": "203.0.113.0",
        "device_type": "desktop",
        "browser_family": "Firefox",
        "os_family": "Linux",
        "is_bot": False,
        "session_id": session,
        "media_id": MEDIUM,
        "media_type": "video",
        "event": event,
        **data,
    }


def media_entry(session: str, event: str, at: datetime, event_id: str | None = None, **data: object) -> LandingEntry:
    return entry("media", media_body(session, event, at, **data), at, event_id or an_id(session, event, at))


def audit_entry(number: int, at: datetime) -> LandingEntry:
    body = {
        "occurred_at": milliseconds(at),
        "actor_type": "patient",
        "action": "media.view",
        "resource_type": "media",
        "resource_id_hash": MEDIUM,
        "method": "POST",
        "path": "/v1/media/events",
        "status_code": 202,
        "outcome": "success",
        "ip_truncated": "203.0.113.0",
        "device_type": "desktop",
    }
    return entry("audit", body, at, an_id("audit", number))


def drop_entry(number: int, at: datetime) -> LandingEntry:
    body = {"kind": "media", "event": "heartbeat", "reason": "consent_too_low"}
    return entry("drops", body, at, an_id("drop", number), actor_hash="", key_epoch=0, consent_level=1)


def error_entry(session: str, at: datetime, event_id: str) -> LandingEntry:
    said = {"source": "video", "error_code": "MEDIA_ERR_NETWORK", "fingerprint": "0" * 32, "fatal": False}
    body = media_body(session, "error", at, **said)
    return entry("errors", {name: body[name] for name in body if name not in {"event", "media_type"}}, at, event_id)


def entry(kind: str, body: dict[str, Any] | bytes, at: datetime, event_id: str, **fields: object) -> LandingEntry:
    plain = LandingEntry(
        kind=kind,
        event_id=event_id,
        received_at=milliseconds(at),
        org_id="clinic-1",
        actor_hash=ACTOR,
        key_epoch=1,
        consent_level=2,
        producer="",
        producer_seq=0,
        trace_id="",
        body=body if isinstance(body, bytes) else orjson.dumps(body),
    )
    return replace(plain, **fields)  # type: ignore[arg-type]  # names and types are the caller's, and are checked there


def a_session(number: int, start: datetime, heartbeats: int = 3) -> list[LandingEntry]:
    """A view from its start to its end: 3 + `heartbeats` events."""
    session = an_id("session", number)
    data: list[tuple[str, dict[str, Any]]] = [
        ("session_start", {"total_duration_seconds": 120.5, "ttfb_ms": 340.0}),
        ("play", {"position_seconds": 0.0}),
        *(("heartbeat", {"position_seconds": 10.0 * beat, "buffering_count": beat}) for beat in range(heartbeats)),
        ("session_end", {"position_seconds": 120.5, "reason": "completed"}),
    ]
    return [
        media_entry(session, event, start + timedelta(seconds=10 * place), **fields)
        for place, (event, fields) in enumerate(data)
    ]


def queue(settings: Settings, entries: Iterable[LandingEntry]) -> None:
    """Add entries to the streams of their kinds, in their order."""
    with redis.connect(settings.redis) as client:
        pipe = client.pipeline(transaction=False)
        for each in entries:
            pipe.xadd(stream_name(each.kind, 0), asdict(each))
        pipe.execute()


def quick(settings: Settings, **drain_settings: object) -> Settings:
    """The same settings, without waiting for batches to grow."""
    part = {"linger_ms": 0, "block_ms": 50} | drain_settings
    return settings.model_copy(update={"drain": settings.drain.model_copy(update=part)})


def drain_all(settings: Settings, **options: Any) -> DrainReport:  # noqa: ANN401 - whatever `drain` is told
    """Drain until nothing is left."""
    with open_stores(settings) as stores:
        return drain(stores, settings, holder="test", until_idle=True, **options)


def expire_lease(settings: Settings) -> None:
    """What 20 seconds without a sign of life do to the lease of a killed drain."""
    with postgres.connect(settings.postgres, autocommit=True) as conn:
        conn.execute("UPDATE ingest.leases SET expires_at = clock_timestamp()")


@contextmanager
def looking(settings: Settings) -> Iterator[tuple[Warehouse, Connection]]:
    """Both databases, to look at what is stored."""
    with open_warehouse(settings.clickhouse) as warehouse, postgres.connect(settings.postgres, autocommit=True) as conn:
        yield warehouse, conn


def count(warehouse: Warehouse, table: str) -> tuple[int, int]:
    """Rows, and distinct event ids."""
    rows = warehouse.client.query("SELECT count(), uniqExact(event_id) FROM {t:Identifier}", {"t": table})
    return int(rows[0][0]), int(rows[0][1])


def left_behind(settings: Settings) -> int:
    """Entries in the streams, claimed or not, and pending ones."""
    with redis.connect(settings.redis) as client:
        waiting = sum(client.xlen(stream) for stream in STREAMS)
        groups = (stream for stream in STREAMS if client.exists(stream))
        pending = sum(client.xpending(stream, "drain")["pending"] for stream in groups)
    return int(waiting + pending)


def batch_sums(conn: Connection) -> dict[str, tuple[int, ...]]:
    """By kind: entries, stored, duplicate, id_conflict, too_late, dead_lettered, missing over all ended batches."""
    rows = conn.execute(
        "SELECT kind, sum(entries), sum(stored), sum(duplicate), sum(id_conflict), sum(too_late), sum(dead_lettered), "
        "sum(missing) FROM ingest.batches WHERE state IN ('closed', 'acked') GROUP BY kind"
    ).fetchall()
    return {kind: tuple(map(int, sums)) for kind, *sums in rows}
