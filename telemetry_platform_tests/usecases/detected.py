"""Security entries for tests of detection, and what was detected. Synthetic ids only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from telemetry_platform.contracts.detection import DETECTED
from telemetry_platform.stores import postgres, redis
from telemetry_platform_tests.usecases.landing import an_id, entry, milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from telemetry_platform.contracts.landing import LandingEntry
    from telemetry_platform.settings import Settings

NETWORK = "203.0.113.0"


class Found(NamedTuple):
    """One detection."""

    rule: str
    severity: str
    episode: str
    measure: int
    org_id: str
    actor_hash: str
    ip_truncated: str | None


def failed(number: int, at: datetime, actor: str = "", **changed: Any) -> LandingEntry:  # noqa: ANN401 - columns
    """A failed sign-in, as a service posts it."""
    body: dict[str, Any] = {
        "occurred_at": milliseconds(at),
        "type": "auth.failed",
        "severity": "low",
        "ip_truncated": NETWORK,
        "address_hash": f"{number % 3:064x}",
        "address_key_epoch": 1,
    }
    who = {"actor_hash": actor, "key_epoch": 1 if actor else 0}
    return entry("security", body | changed, at, an_id("failed", number), **who)


def detections(settings: Settings) -> list[Found]:
    """What was detected, in order of rule and severity."""
    assert settings.postgres.read_url is not None
    with postgres.connect(settings.postgres.read_url.get_secret_value()) as conn:
        rows = conn.execute(
            "SELECT rule_id, severity, details->>'episode_id', (details->>'count')::int, org_id, actor_hash, "
            "ip_truncated FROM security.security_events WHERE type = %s "
            "ORDER BY rule_id, array_position(ARRAY['low', 'medium', 'high', 'critical'], severity), occurred_at",
            (DETECTED,),
        ).fetchall()
    return [Found(*row) for row in rows]


def of_rule(settings: Settings, rule: str) -> list[tuple[str, int]]:
    """Severity and count of a rule's detections."""
    return [(found.severity, found.measure) for found in detections(settings) if found.rule == rule]


def in_redis(settings: Settings) -> Iterator[str]:
    """Names and contents of everything that detection keeps in Redis."""
    with redis.connect(settings.redis) as client:
        for name in client.scan_iter("detection:*"):
            kind = client.type(name)
            content = client.zrange(name, 0, -1) if kind == b"zset" else client.get(name)
            yield f"{name!r} {content!r}"
