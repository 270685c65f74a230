"""Whoever writes into the queue: consent, pseudonyms and bounds hold at rest, and in what is put aside."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from telemetry_platform.stores import dead_letters, redis
from telemetry_platform.stores.landing_queue import LandingQueue
from telemetry_platform.usecases.replay_dead_letters import ReplayReport, replay
from telemetry_platform_tests.usecases.landing import (
    ACTOR,
    an_id,
    count,
    drain_all,
    entry,
    just_now,
    left_behind,
    looking,
    media_body,
    media_entry,
    queue,
    quick,
)

if TYPE_CHECKING:
    from datetime import datetime

    from telemetry_platform.contracts.landing import LandingEntry
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection

SESSION = an_id("rules")
BESIDE: tuple[dict[str, Any], ...] = (
    {"consent_level": 0},
    {"consent_level": 1},
    {"consent_level": "three"},
    {"actor_hash": "", "key_epoch": 0},
    {"actor_hash": "ana@example.com"},
    {"key_epoch": "?"},
    {"org_id": "ana@example.com"},
    {"event_id": "ana@example.com"},
)
BODIES: tuple[dict[str, Any], ...] = (
    {"ip_truncated": "203.0.113.9"},
    {"media_id": "Knee Squat"},
    {"media_type": "ana@example.com"},
    {"event": "nonsense"},
    {"position_seconds": -5},
)


def good(number: int, start: datetime) -> list[LandingEntry]:
    return [media_entry(SESSION, "heartbeat", start, an_id("good", beat)) for beat in range(number)]


def replayed(settings: Settings, conn: Connection, letters: list[int], body: str | None = None) -> ReplayReport:
    landing = LandingQueue(redis.connect(settings.redis))
    try:
        return replay(conn, landing, letters, shards=1, now=just_now(), body=body)
    finally:
        landing.close()


def test_what_breaks_a_rule_is_put_aside_without_naming_anybody(platform: Settings) -> None:
    settings, start = quick(platform), just_now()
    body = media_body(SESSION, "heartbeat", start)
    bad = [
        *(entry("media", body, start, fields.pop("event_id", an_id("beside", n)), **fields) for n, fields in
          enumerate(map(dict, BESIDE))),
        *(entry("media", body | changes, start, an_id("body", n)) for n, changes in enumerate(BODIES)),
    ]  # fmt: skip
    queue(settings, [*bad, *good(40, start)])
    report = drain_all(settings).tables["media_events"]
    assert (report.stored, report.dead_lettered) == (40, len(bad))
    assert left_behind(settings) == 0
    with looking(settings) as (warehouse, conn):
        assert count(warehouse, "media_events") == (40, 40)
        letters = dead_letters.waiting(conn, limit=50)
        assert [letter.detail for letter in letters] == [
            *("consent_level", "consent_level", "consent_level", "actor_hash", "actor_hash", "key_epoch", "org_id"),
            "event_id",
            *(name for changes in BODIES for name in changes),
        ]
        assert {letter.reason for letter in letters} == {"invalid_field"}
        rest = str(conn.execute("SELECT dead_letters::text FROM privacy.dead_letters").fetchall())
        for secret in ("ana@example.com", "203.0.113.9", "Knee Squat"):
            assert secret not in rest


def test_a_letter_whose_consent_key_or_owner_is_unknown_is_not_replayed(platform: Settings) -> None:
    settings, start = quick(platform), just_now()
    body = media_body(SESSION, "heartbeat", start)
    unknown: tuple[dict[str, Any], ...] = (
        {"consent_level": "three"},
        {"consent_level": 300},
        {"key_epoch": ""},
        {"org_id": "ana@example.com"},
    )
    bad = [entry("media", body, start, an_id("unknown", n), **fields) for n, fields in enumerate(unknown)]
    # A tenant that is put aside for its body's sake: what stands beside it is whole, whatever form its id has.
    bad += [
        entry("media", b"{}", start, an_id("whole", n), org_id=org)
        for n, org in enumerate(("clinic-2", an_id("org"), "0721234567"))
    ]
    bad[3] = entry("media", b"{}", start, an_id("unknown", 3), **unknown[3])
    queue(settings, [*bad, *good(40, start)])
    assert drain_all(settings).tables["media_events"].dead_lettered == 7
    with looking(settings) as (warehouse, conn):
        letters = dead_letters.waiting(conn, limit=10)
        assert [(letter.consent_level, letter.key_epoch, letter.org_id) for letter in letters] == [
            (-1, 1, "clinic-1"),
            (-1, 1, "clinic-1"),
            (2, -1, "clinic-1"),
            (2, 1, ""),
            (2, 1, "clinic-2"),
            (2, 1, an_id("org")),
            (2, 1, "0721234567"),
        ]
        assert {letter.actor_hash for letter in letters} == {ACTOR}
        mended = letters[0].body
        assert replayed(settings, conn, [each.id for each in letters[:4]], mended) == ReplayReport(refused=4)
        assert left_behind(settings) == 0
        assert replayed(settings, conn, [each.id for each in letters[4:]], mended) == ReplayReport(queued=3)
        assert drain_all(settings).tables["media_events"].stored == 3
        assert len(dead_letters.waiting_ids(conn)) == 4
        assert count(warehouse, "media_events") == (43, 43)


@pytest.mark.parametrize("start_first", [True, False])
def test_a_start_and_what_comes_a_day_later_in_one_batch(platform: Settings, *, start_first: bool) -> None:
    settings, start = quick(platform), just_now() - timedelta(hours=30)
    events = [
        media_entry(SESSION, "session_start", start),
        media_entry(SESSION, "play", start + timedelta(hours=24)),
        media_entry(SESSION, "pause", start + timedelta(hours=24, seconds=1)),
        media_entry(an_id("other"), "play", start + timedelta(hours=25)),
    ]
    queue(settings, events if start_first else events[::-1])
    report = drain_all(settings).tables["media_events"]
    assert (report.stored, report.too_late) == (3, 1)
    # The same again, whether the start is new or known.
    queue(settings, events)
    again = drain_all(settings).tables["media_events"]
    assert (again.stored, again.duplicate, again.too_late) == (0, 3, 1)


def test_a_second_start_does_not_make_a_session_younger(platform: Settings) -> None:
    settings, start = quick(platform), just_now() - timedelta(hours=30)
    queue(settings, [media_entry(SESSION, "session_start", start)])
    drain_all(settings)
    later = start + timedelta(hours=20)
    queue(
        settings,
        [media_entry(SESSION, "session_start", later), media_entry(SESSION, "play", start + timedelta(hours=25))],
    )
    report = drain_all(settings).tables["media_events"]
    assert (report.stored, report.too_late) == (1, 1)
