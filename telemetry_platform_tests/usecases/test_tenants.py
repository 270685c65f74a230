"""Tenants never share a session or an event, whatever ids their clients choose: by accident, or to do harm."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from telemetry_platform.stores import dead_letters
from telemetry_platform.usecases.fold_sessions import SETTLED_AFTER, fold_sessions, fold_silent_sessions
from telemetry_platform_tests.usecases import landing
from telemetry_platform_tests.usecases.landing import an_id, drain_all, just_now, left_behind, looking, queue, quick
from telemetry_platform_tests.usecases.media_log import (
    CLINIC,
    Event,
    clock,
    event,
    session_row,
    stall_rows,
    store,
    store_and_fold,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from telemetry_platform.contracts.landing import LandingEntry
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.warehouse import Warehouse

OTHER = "clinic-2"
SESSION = an_id("a session of two tenants")
TENANTS_OF = "SELECT org_id, count(), uniqExact(event_id) FROM {table:Identifier} GROUP BY org_id ORDER BY org_id"


def two_views(view: UUID) -> tuple[list[Event], list[Event]]:
    """A view of each tenant with the same ids of session and events: one is played and stalls, the other breaks."""
    ids = [uuid4() for _ in range(4)]
    mine = [
        event(view, "session_start", 0, ids[0], total_duration_seconds=100.0, ttfb_ms=300.0),
        event(view, "play", 1, ids[1], position_seconds=0.0),
        event(view, "buffering_start", 20, ids[2], position_seconds=19.0),
        event(view, "buffering_end", 22, ids[3], duration_ms=2000.0),
        event(view, "session_end", 60, position_seconds=57.0, reason="completed"),
    ]
    theirs = [
        event(view, "session_start", 5, ids[0], total_duration_seconds=40.0, ttfb_ms=80.0),
        event(view, "error", 7, ids[1], error_code="E1", fatal=True),
        event(view, "buffering_start", 8, ids[2], position_seconds=0.0),
    ]
    return mine, [replace(one, org_id=OTHER, country_code="DE") for one in theirs]


def check_two_views(warehouse: Warehouse, view: UUID) -> None:
    mine, theirs = session_row(warehouse, view), session_row(warehouse, view, OTHER)
    assert (mine["event_count"], mine["state"], mine["ttfb_ms"], mine["country_code"]) == (5, "completed", 300.0, "RO")
    assert (mine["stall_count"], mine["stall_ms"], mine["watched_seconds"]) == (1, 2000.0, 57.0)
    assert (mine["started_at"], mine["error_count"], mine["fatal_error"]) == (clock(0), 0, False)
    assert (theirs["event_count"], theirs["state"], theirs["ttfb_ms"], theirs["country_code"]) == (
        3,
        "active",
        80.0,
        "DE",
    )
    assert (theirs["stall_count"], theirs["watched_seconds"], theirs["startup_ms"]) == (0, 0.0, None)
    assert (theirs["started_at"], theirs["error_count"], theirs["fatal_error"]) == (clock(5), 1, True)
    assert [(one["closed_by"], one["cause"]) for one in stall_rows(warehouse, view)] == [("buffering_end", "rebuffer")]
    assert [(one["closed_by"], one["cause"]) for one in stall_rows(warehouse, view, OTHER)] == [("open", "startup")]


def test_two_tenants_sessions_under_one_id_fold_apart_in_one_batch_and_in_several(warehouse: Warehouse) -> None:
    together, apart = uuid4(), uuid4()
    mine, theirs = two_views(together)
    store_and_fold(warehouse, [*theirs, *mine])
    check_two_views(warehouse, together)

    mine, theirs = two_views(apart)
    store_and_fold(warehouse, theirs[1:], mine[1:], theirs[:1], mine[:1], [mine[2].again(60)])
    check_two_views(warehouse, apart)
    warehouse.client.command("OPTIMIZE TABLE media_sessions FINAL")
    warehouse.client.command("OPTIMIZE TABLE media_buffering_events FINAL")
    check_two_views(warehouse, apart)


def test_a_stall_that_is_taken_back_is_its_own_tenant_s(warehouse: Warehouse) -> None:
    view, end_id = uuid4(), uuid4()
    end = event(view, "buffering_end", 12, end_id, duration_ms=1500.0)
    theirs = replace(end, org_id=OTHER)
    store_and_fold(warehouse, [end, theirs], [event(view, "buffering_start", 10, position_seconds=9.0)])
    assert [one["closed_by"] for one in stall_rows(warehouse, view)] == ["buffering_end"]
    assert [(one["closed_by"], one["event_id"]) for one in stall_rows(warehouse, view, OTHER)] == [("end_only", end_id)]


def test_another_tenant_s_event_neither_revokes_nor_causes_silence(warehouse: Warehouse) -> None:
    view = uuid4()
    theirs = replace(event(view, "heartbeat", 300), org_id=OTHER)
    store_and_fold(warehouse, [event(view, "play", 1)], [theirs])
    fold_silent_sessions(warehouse, clock(320), now=clock(320))
    assert session_row(warehouse, view)["state"] == "abandoned"
    assert session_row(warehouse, view, OTHER)["state"] == "active"
    store_and_fold(warehouse, [replace(event(view, "heartbeat", 330), org_id=OTHER)])
    assert session_row(warehouse, view)["state"] == "abandoned"


def test_a_settled_session_stays_settled_when_another_tenant_uses_its_id(warehouse: Warehouse) -> None:
    view, after = uuid4(), clock(0) + SETTLED_AFTER + timedelta(seconds=1)
    store_and_fold(warehouse, [event(view, "session_start", 0)])
    late, theirs = event(view, "heartbeat", 10), replace(event(view, "play", 20), org_id=OTHER)
    batch = store(warehouse, [late, theirs])
    report = fold_sessions(warehouse, [late.session, theirs.session], batch_id=batch, now=after, since=late.occurred_at)
    assert (report.sessions, report.settled) == (1, 1)
    assert session_row(warehouse, view)["event_count"] == 1
    assert session_row(warehouse, view, OTHER)["event_count"] == 1


def of_other(entries: Sequence[LandingEntry]) -> list[LandingEntry]:
    return [replace(one, org_id=OTHER, actor_hash="c" * 64) for one in entries]


def heartbeats(number: int) -> list[LandingEntry]:
    start = just_now()
    return [
        landing.media_entry(SESSION, "heartbeat", start, an_id("beat", beat), position_seconds=float(beat))
        for beat in range(number)
    ]


@pytest.mark.parametrize("batches", [1, 2])
def test_the_drain_stores_both_tenants_events_under_the_same_ids(platform: Settings, batches: int) -> None:
    settings, start = quick(platform), just_now()
    mine = [*heartbeats(10), landing.error_entry(SESSION, start, an_id("error"))]
    theirs = of_other(mine)
    for entries in ([theirs + mine], [theirs, mine])[batches - 1]:
        queue(settings, entries)
        drain_all(settings)
    with looking(settings) as (warehouse, conn):
        for table, rows in (("media_events", 10), ("error_events", 1)):
            found = [tuple(row) for row in warehouse.client.query(TENANTS_OF, {"table": table})]
            assert found == [(CLINIC, rows, rows), (OTHER, rows, rows)]
        sessions = "SELECT org_id, event_count, actor_hash FROM media_sessions_current ORDER BY org_id"
        found = [tuple(row) for row in warehouse.client.query(sessions)]
        assert found == [(CLINIC, 10, landing.ACTOR), (OTHER, 10, "c" * 64)]
        sums = landing.batch_sums(conn)
        assert (sums["media"], sums["errors"]) == ((20, 20, 0, 0, 0, 0, 0), (2, 2, 0, 0, 0, 0, 0))
    queue(settings, [*mine, *theirs])
    again = drain_all(settings).tables
    assert [(again[table].stored, again[table].duplicate) for table in ("media_events", "error_events")] == [
        (0, 20),
        (0, 2),
    ]


def test_another_tenant_s_session_start_makes_nothing_too_late(platform: Settings) -> None:
    settings, start = quick(platform), just_now() - timedelta(hours=30)
    queue(settings, of_other([landing.media_entry(SESSION, "session_start", start)]))
    drain_all(settings)
    late = landing.media_entry(SESSION, "play", start + timedelta(hours=25))
    queue(settings, [late, *of_other([late])])
    report = drain_all(settings).tables["media_events"]
    assert (report.stored, report.too_late) == (1, 1)
    with looking(settings) as (warehouse, _):
        assert session_row(warehouse, UUID(SESSION))["event_count"] == 1


def test_a_row_lost_inside_an_insert_is_added_again_though_the_other_tenant_s_is_there(platform: Settings) -> None:
    settings = quick(platform)
    queue(settings, [*heartbeats(5), *of_other(heartbeats(5))])

    def lose_theirs(point: str) -> None:
        if point == "media.after_clickhouse_insert":
            with looking(settings) as (warehouse, _):
                warehouse.client.command(
                    "DELETE FROM media_events WHERE org_id = {org:String}",
                    {"org": OTHER},
                    {"lightweight_deletes_sync": 2},
                )

    assert drain_all(settings, checkpoint=lose_theirs).tables["media_events"].stored == 10
    with looking(settings) as (warehouse, _):
        found = [tuple(row) for row in warehouse.client.query(TENANTS_OF, {"table": "media_events"})]
        assert found == [(CLINIC, 5, 5), (OTHER, 5, 5)]


def test_a_poison_event_takes_no_other_tenant_s_event_of_the_same_id_with_it(platform: Settings) -> None:
    settings = quick(platform)
    with looking(settings) as (warehouse, _):
        warehouse.client.command("ALTER TABLE media_events ADD CONSTRAINT poison CHECK media_type != 'poison'")
    events = heartbeats(60)
    poison = landing.media_entry(SESSION, "heartbeat", just_now(), events[41].event_id, media_type="poison")
    queue(settings, [*events, *of_other([poison])])
    report = drain_all(settings).tables["media_events"]
    assert (report.stored, report.dead_lettered) == (60, 1)
    with looking(settings) as (_, conn):
        (letter,) = dead_letters.waiting(conn, limit=10)
        assert (letter.org_id, letter.event_id) == (OTHER, events[41].event_id)
    assert left_behind(settings) == 0
