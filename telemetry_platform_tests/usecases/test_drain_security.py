"""Security events through the drain: a bad entry costs itself alone, and a killed drain leaves no half of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from telemetry_platform.stores import dead_letters, postgres
from telemetry_platform_tests.usecases.crashing_drain import crash
from telemetry_platform_tests.usecases.landing import (
    ACTOR,
    an_id,
    batch_sums,
    drain_all,
    entry,
    just_now,
    looking,
    milliseconds,
    queue,
    quick,
)

if TYPE_CHECKING:
    from datetime import datetime

    from telemetry_platform.contracts.landing import LandingEntry
    from telemetry_platform.settings import Settings

EVENTS = 24


def security_entry(number: int, at: datetime, **changed: object) -> LandingEntry:
    body: dict[str, Any] = {
        "occurred_at": milliseconds(at),
        "type": "auth.failed",
        "severity": "medium",
        "details": f'{{"attempts":{number},"note":"\\\\u0000"}}',
        "ip_truncated": "203.0.113.0",
        "address_hash": ACTOR,
        "address_key_epoch": 1,
    }
    return entry("security", body | changed, at, an_id("security", number))


def rows(settings: Settings) -> list[tuple[Any, ...]]:
    assert settings.postgres.read_url is not None
    with postgres.connect(settings.postgres.read_url.get_secret_value()) as conn:
        return conn.execute(
            "SELECT event_id::text, details FROM security.security_events WHERE type = 'auth.failed'"
        ).fetchall()


def test_a_killed_drain_leaves_no_half_and_an_entry_that_jsonb_refuses_is_put_aside(platform: Settings) -> None:
    settings, start = quick(platform), just_now()
    events = [security_entry(number, start) for number in range(EVENTS)]
    # What the API never sends: only a queue that somebody else wrote into has it.
    bad = security_entry(EVENTS, start, details='{"note":"\\u0000"}')
    queue(settings, [*events, events[3], bad, security_entry(5, start, severity="low")])

    crash(settings, "security.before_commit")
    with looking(settings) as (_, conn):
        assert conn.execute("SELECT state, stored FROM ingest.batches").fetchall() == [("open", 0)]
    assert rows(settings) == []

    drain_all(settings)
    expected = [(an_id("security", number), {"attempts": number, "note": "\\u0000"}) for number in range(EVENTS)]
    assert sorted(rows(settings)) == sorted(expected)
    with looking(settings) as (_, conn):
        assert batch_sums(conn) == {"security": (EVENTS + 3, EVENTS, 1, 1, 0, 1, 0)}
        (letter,) = dead_letters.waiting(conn, limit=10)
    assert (letter.reason, letter.detail, letter.event_id) == ("invalid_field", "details", bad.event_id)
