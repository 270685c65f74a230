"""Entries of the landing queue as the API writes them, for views that nobody watched."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from telemetry_platform.contracts.landing import LandingEntry, stream_name
from telemetry_platform.stores import redis

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry_platform.settings import Settings

NAMESPACE = UUID("6f1f6a52-6d9e-4a34-9d6e-0f3c9c1f2a10")


def digest(text: str) -> str:
    """Looks like a pseudonym."""
    return hashlib.sha256(text.encode()).hexdigest()


def media(number: int, *, event: str = "play", moment: datetime | None = None) -> LandingEntry:
    """One event of view number `number // 10`."""
    milliseconds = int((moment or datetime.now(UTC)).timestamp() * 1000)
    view = number // 10
    body = {
        **_common(milliseconds),
        "session_id": str(uuid5(NAMESPACE, f"view {view}")),
        "media_id": digest("medium"),
        "media_type": "video",
        "event": event,
        "position_seconds": 1.5,
    }
    return _entry("media", f"event {number}", person=f"person {view}", at=milliseconds, number=number, body=body)


def drop(number: int) -> LandingEntry:
    """A dropped event: no person, no payload."""
    milliseconds = int(datetime.now(UTC).timestamp() * 1000)
    body = {"kind": "media", "event": "play", "reason": "consent_too_low"}
    entry = _entry("drops", f"drop {number}", person="", at=milliseconds, number=number, body=body)
    return replace(entry, actor_hash="", key_epoch=0, consent_level=1)


def access(number: int) -> LandingEntry:
    """The access record of a view."""
    milliseconds = int(datetime.now(UTC).timestamp() * 1000)
    body = {
        "occurred_at": milliseconds,
        "actor_type": "patient",
        "action": "media.view",
        "resource_type": "media",
        "resource_id_hash": digest("medium"),
        "method": "POST",
        "path": "/v1/media/events",
        "status_code": 202,
        "outcome": "success",
        "ip_truncated": "198.51.100.0",
        "device_type": "mobile",
    }
    return _entry("audit", f"access {number}", person=f"auditor {number}", at=milliseconds, number=number, body=body)


def add(settings: Settings, *entries: LandingEntry) -> None:
    """Put entries into their streams."""
    with redis.connect(settings.redis) as client:
        pipe = client.pipeline(transaction=True)
        for entry in entries:
            pipe.xadd(stream_name(entry.kind, 0), {**asdict(entry)})
        pipe.execute()


def _common(milliseconds: int) -> dict[str, object]:
    return {
        "occurred_at": milliseconds,
        "client_at": milliseconds,
        "skewed": False,
        "ip_truncated": "198.51.100.0",
        "device_type": "mobile",
        "browser_family": "other",
        "os_family": "other",
        "is_bot": False,
    }


def _entry(  # noqa: PLR0913 - the parts of an entry, by name
    kind: str, name: str, *, person: str, at: int, number: int, body: Mapping[str, object]
) -> LandingEntry:
    return LandingEntry(
        kind=kind,
        event_id=str(uuid5(NAMESPACE, name)),
        received_at=at,
        org_id="clinic-1",
        actor_hash=digest(person),
        key_epoch=1,
        consent_level=2,
        producer="test",
        producer_seq=number + 1,
        trace_id="0" * 32,
        body=json.dumps(body).encode(),
    )
