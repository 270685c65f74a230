"""Tombstones in the drain, on the real stores: what is from before is counted, and neither stored nor put aside."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from telemetry_platform.stores import erasures, postgres, redis
from telemetry_platform.stores.erasures import Erasure
from telemetry_platform.stores.landing_queue import LandingQueue
from telemetry_platform.usecases.replay_dead_letters import ReplayReport, replay
from telemetry_platform_tests.processing.test_erased import security
from telemetry_platform_tests.usecases.landing import (
    ACTOR,
    an_id,
    audit_entry,
    drain_all,
    entry,
    error_entry,
    just_now,
    left_behind,
    looking,
    media_body,
    media_entry,
    queue,
    quick,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.contracts.landing import LandingEntry
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection

MINUTE = timedelta(minutes=1)


@pytest.fixture
def settings(module_platform: Settings) -> Iterator[Settings]:
    """The module's databases, with nobody erased, no letters and no media events in them."""
    found = quick(module_platform)
    with looking(found) as (warehouse, conn):
        for table in ("media_events", "media_sessions", "error_events"):
            warehouse.client.command(f"TRUNCATE TABLE {table}")
        conn.execute("DELETE FROM privacy.tombstones")
        conn.execute("DELETE FROM privacy.dead_letters")
        conn.execute("DELETE FROM ingest.batches")
    with redis.connect(found.redis) as client:
        for key in client.scan_iter("session:*"):
            client.delete(key)
    yield found
    assert left_behind(found) == 0


def bury(conn: Connection, erased_at: datetime, *, status: str = erasures.REQUESTED, org_id: str = "clinic-1") -> None:
    """The tombstone of the person behind ACTOR."""
    with conn.transaction():
        erasure = Erasure(uuid4(), org_id, status, erased_at, erased_at)
        erasures.add(conn, erasure, "e" * 64, {1: ACTOR}, erased_at + timedelta(days=30))


def views(number: int, at: datetime) -> list[LandingEntry]:
    """One event of each of so many sessions."""
    return [media_entry(an_id("view", each, at), "heartbeat", at, position_seconds=1.0) for each in range(number)]


def begun(settings: Settings, entries: list[LandingEntry]) -> list[LandingEntry]:
    """The same entries, of sessions that the API has just seen for the first time."""
    with redis.connect(settings.redis) as client:
        for each in entries:
            client.set(f"session:clinic-1:{json.loads(each.body)['session_id']}", f"1:{ACTOR}", ex=172_800)
    return entries


def stored(settings: Settings) -> int:
    with looking(settings) as (warehouse, _):
        return int(warehouse.client.scalar("SELECT count() FROM media_events"))


def test_what_was_queued_before_is_counted_and_gone(settings: Settings) -> None:
    now = just_now()
    with looking(settings) as (_, conn):
        bury(conn, now)
        other = media_entry(an_id("other"), "heartbeat", now - MINUTE, position_seconds=1.0)
        queue(
            settings,
            [
                *views(3, now - MINUTE),
                *begun(settings, views(2, now + MINUTE)),
                error_entry(an_id("e"), now, an_id("e")),
            ],
        )
        queue(settings, [entry("media", other.body, now - MINUTE, an_id("other"), actor_hash="c" * 64)])
        report = drain_all(settings)
        sums = conn.execute(
            "SELECT kind, sum(events), sum(stored), sum(erased) FROM ingest.batches GROUP BY kind ORDER BY kind"
        ).fetchall()
    assert (report.tables["media_events"].stored, report.tables["media_events"].erased) == (3, 3)
    assert report.tables["error_events"].erased == 1
    assert [tuple(map(int, row[1:])) for row in sums] == [(1, 0, 1), (6, 3, 3)]
    assert stored(settings) == 3


def test_a_session_that_had_begun_goes_with_what_came_later(settings: Settings) -> None:
    """Told by its pin, which the API made when it first saw the session."""
    began, goes_on = an_id("began"), an_id("goes on")
    with looking(settings) as (_, conn), redis.connect(settings.redis) as client:
        # Pins live two days: this one has lived for ten minutes, that one for a few moments.
        client.set(f"session:clinic-1:{began}", f"1:{ACTOR}", ex=172_800 - 600)
        client.set(f"session:clinic-1:{goes_on}", f"1:{ACTOR}", ex=172_800)
        bury(conn, datetime.now(UTC) - 5 * MINUTE)
        later = datetime.now(UTC) - MINUTE
        queue(settings, [media_entry(each, "heartbeat", later, position_seconds=1.0) for each in (began, goes_on)])
        report = drain_all(settings).tables["media_events"]
    assert (report.stored, report.erased) == (1, 1)


@pytest.mark.parametrize(("status", "org_id"), [(erasures.HELD, "clinic-1"), (erasures.REQUESTED, "clinic-2")])
def test_a_held_erasure_and_another_tenants_keep_nothing_away(settings: Settings, status: str, org_id: str) -> None:
    now = just_now()
    with looking(settings) as (_, conn):
        bury(conn, now, status=status, org_id=org_id)
        queue(settings, views(2, now - MINUTE))
        assert drain_all(settings).tables["media_events"].stored == 2


def test_security_events_stay_without_the_person_and_the_trail_with_them(settings: Settings) -> None:
    now = just_now()
    with looking(settings) as (_, conn):
        bury(conn, now)
        early = security(1, timedelta(), timedelta())
        body = early.body.replace(b'"low"', b'"high"')
        queue(settings, [entry("security", body, now - MINUTE, an_id("attack")), audit_entry(1, now - MINUTE)])
        report = drain_all(settings)
    assert report.tables["security.security_events"].stored == 1
    assert report.tables["audit.audit_logs"].stored == 1
    assert settings.postgres.read_url is not None
    with postgres.connect(settings.postgres.read_url.get_secret_value()) as reader:
        rows = reader.execute(
            "SELECT actor_hash, key_epoch, address_hash, ip_truncated FROM security.security_events"
        ).fetchall()
        actors = reader.execute("SELECT actor_hash FROM audit.audit_logs").fetchall()
    assert rows == [("", 0, None, "203.0.113.0")]
    assert actors == [(ACTOR,)]


def test_what_cannot_be_read_becomes_no_letter_and_letters_from_before_are_not_replayed(settings: Settings) -> None:
    now = just_now()
    bad = [
        entry(
            "media", media_body(an_id("bad", n), "heartbeat", now - MINUTE, position_seconds="abc"), now, an_id("b", n)
        )
        for n in range(2)
    ]
    with looking(settings) as (_, conn):
        queue(settings, [bad[0], *views(9, now)])
        assert drain_all(settings).tables["media_events"].dead_lettered == 1
        bury(conn, now)
        queue(settings, [bad[1], *begun(settings, views(9, now + MINUTE))])
        report = drain_all(settings).tables["media_events"]
        assert (report.stored, report.erased, report.dead_lettered) == (9, 1, 0)
        waiting = LandingQueue(redis.connect(settings.redis))
        try:
            ids = [row[0] for row in conn.execute("SELECT id FROM privacy.dead_letters").fetchall()]
            assert replay(conn, waiting, ids, shards=1, now=now) == ReplayReport(erased=1)
        finally:
            waiting.close()
        left = conn.execute("SELECT actor_hash, body, dropped_by FROM privacy.dead_letters").fetchall()
    assert left == [("", "", "erasure")]
