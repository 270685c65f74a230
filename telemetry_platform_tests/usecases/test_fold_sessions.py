"""Which sessions are folded, what silence means, and what a later event takes back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from telemetry_platform.usecases.fold_sessions import SETTLED_AFTER, fold_sessions, fold_silent_sessions
from telemetry_platform_tests.usecases.media_log import (
    clock,
    event,
    session_row,
    stall_rows,
    store,
    store_and_fold,
)

if TYPE_CHECKING:
    from telemetry_platform.stores.warehouse import Warehouse


def test_a_session_silent_for_a_minute_is_abandoned_until_a_later_event_revokes_it(warehouse: Warehouse) -> None:
    view = uuid4()
    store_and_fold(warehouse, [event(view, "session_start", 0), event(view, "play", 1)])
    fold_silent_sessions(warehouse, clock(60), now=clock(60))
    assert session_row(warehouse, view)["state"] == "active"

    fold_silent_sessions(warehouse, clock(62), now=clock(62))
    silent = session_row(warehouse, view)
    assert (silent["state"], silent["end_derived"], silent["ended_at"]) == ("abandoned", True, clock(1))

    store_and_fold(warehouse, [event(view, "heartbeat", 90)])
    back = session_row(warehouse, view)
    assert (back["state"], back["end_derived"], back["ended_at"]) == ("active", False, None)


def test_after_a_pause_silence_is_half_an_hour(warehouse: Warehouse) -> None:
    view = uuid4()
    store_and_fold(warehouse, [event(view, "session_start", 0), event(view, "play", 1), event(view, "pause", 9)])
    fold_silent_sessions(warehouse, clock(1800), now=clock(1800))
    assert session_row(warehouse, view)["state"] == "paused"
    fold_silent_sessions(warehouse, clock(1810), now=clock(1810))
    assert session_row(warehouse, view)["state"] == "abandoned"


def test_a_derived_end_is_found_once(warehouse: Warehouse) -> None:
    view = uuid4()
    store_and_fold(warehouse, [event(view, "play", 1)])
    assert fold_silent_sessions(warehouse, clock(20_000), now=clock(20_000)).sessions >= 1
    assert fold_silent_sessions(warehouse, clock(20_000), now=clock(20_000)).sessions == 0


def test_a_client_s_own_end_is_not_taken_back_by_later_events(warehouse: Warehouse) -> None:
    view = uuid4()
    store_and_fold(warehouse, [event(view, "session_end", 50, reason="abandoned")], [event(view, "heartbeat", 60)])
    row = session_row(warehouse, view)
    assert (row["state"], row["end_derived"], row["ended_at"]) == ("abandoned", False, clock(50))


def test_a_session_without_a_start_is_flagged_and_its_timings_are_unknown(warehouse: Warehouse) -> None:
    view = uuid4()
    store_and_fold(warehouse, [event(view, "play", 5), event(view, "heartbeat", 15, position_seconds=10.0)])
    row = session_row(warehouse, view)
    assert not row["start_seen"]
    assert [row[name] for name in ("started_at", "startup_ms", "ttfb_ms", "load_ms", "completion")] == [None] * 5
    store_and_fold(warehouse, [event(view, "session_start", 4, ttfb_ms=300.0)])
    row = session_row(warehouse, view)
    assert (row["started_at"], row["startup_ms"], row["ttfb_ms"]) == (clock(4), 1000.0, 300.0)


def test_an_end_without_a_reason_is_judged_by_how_far_the_patient_came(warehouse: Warehouse) -> None:
    near, far = uuid4(), uuid4()
    for view, position in ((near, 50.0), (far, 96.0)):
        start = event(view, "session_start", 0, total_duration_seconds=100.0)
        store_and_fold(warehouse, [start, event(view, "session_end", 99, position_seconds=position)])
    assert session_row(warehouse, near)["state"] == "abandoned"
    assert session_row(warehouse, far)["state"] == "completed"


def test_a_stall_that_a_late_start_explains_is_taken_back(warehouse: Warehouse) -> None:
    view = uuid4()
    late_start = event(view, "buffering_start", 10, position_seconds=9.0)
    end = event(view, "buffering_end", 12, duration_ms=1500.0)
    store_and_fold(warehouse, [event(view, "session_start", 0), event(view, "play", 1), end])
    (alone,) = stall_rows(warehouse, view)
    assert (alone["closed_by"], alone["duration_ms"], alone["started_at"]) == ("end_only", 1500.0, clock(10.5))

    store_and_fold(warehouse, [late_start])
    (paired,) = stall_rows(warehouse, view)
    assert (paired["closed_by"], paired["duration_ms"], paired["started_at"]) == ("buffering_end", 2000.0, clock(10))
    assert session_row(warehouse, view)["stall_count"] == 1


def test_a_stall_beside_a_seek_is_reported_apart(warehouse: Warehouse) -> None:
    view = uuid4()
    store_and_fold(
        warehouse,
        [
            event(view, "play", 0, position_seconds=0.0),
            event(view, "seek", 10, from_position=10.0, to_position=60.0),
            event(view, "buffering_start", 10.4, position_seconds=60.0),
            event(view, "buffering_end", 12.4),
        ],
    )
    row = session_row(warehouse, view)
    assert (row["stall_count"], row["stall_ms"], row["seek_stall_ms"]) == (0, 0.0, 2000.0)


def test_a_lost_end_of_a_stall_costs_no_more_than_the_time_to_the_next_mark(warehouse: Warehouse) -> None:
    view = uuid4()
    store_and_fold(
        warehouse,
        [
            event(view, "play", 0, position_seconds=0.0),
            event(view, "buffering_start", 10, position_seconds=10.0),
            event(view, "buffering_start", 14, position_seconds=12.0),
            event(view, "play", 16),
            event(view, "buffering_start", 20, position_seconds=15.0),
        ],
    )
    assert [(one["closed_by"], one["duration_ms"]) for one in stall_rows(warehouse, view)] == [
        ("next_stall", 4000.0),
        ("play", 2000.0),
        ("open", None),
    ]


def test_a_session_that_began_over_sixty_days_ago_is_left_alone(warehouse: Warehouse) -> None:
    view = uuid4()
    store_and_fold(warehouse, [event(view, "session_start", 0)])
    late = event(view, "heartbeat", 10)
    batch = store(warehouse, [late])
    after = clock(0) + SETTLED_AFTER + timedelta(seconds=1)
    report = fold_sessions(warehouse, [late.session], batch_id=batch, now=after, since=late.occurred_at)
    assert (report.sessions, report.settled) == (0, 1)
    assert session_row(warehouse, view)["event_count"] == 1


def test_a_late_event_of_an_earlier_week_is_folded_with_the_rest(warehouse: Warehouse) -> None:
    view = uuid4()
    eight_days = 8 * 86_400.0
    store_and_fold(warehouse, [event(view, "session_start", -eight_days)], [event(view, "heartbeat", -eight_days + 10)])
    store_and_fold(warehouse, [event(view, "heartbeat", 0)])
    assert session_row(warehouse, view)["event_count"] == 3


def test_readers_see_one_row_while_every_version_still_lies_there(warehouse: Warehouse) -> None:
    view = uuid4()
    warehouse.client.command("SYSTEM STOP MERGES media_sessions")
    try:
        store_and_fold(warehouse, *([event(view, "heartbeat", 10.0 * n)] for n in range(4)))
        lying = warehouse.client.scalar(
            "SELECT count() FROM media_sessions WHERE session_id = {id:UUID}", {"id": str(view)}
        )
    finally:
        warehouse.client.command("SYSTEM START MERGES media_sessions")
    assert lying == 4
    assert session_row(warehouse, view)["event_count"] == 4
