"""What has gone wrong with sessions in the field, each case with its own input, on the real engine."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from telemetry_platform.usecases.fold_sessions import fold_sessions
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


def test_e01_a_session_delivered_in_four_batches_is_one_session(warehouse: Warehouse) -> None:
    view = UUID("550e8400-e29b-41d4-a716-446655440000")
    beats = [
        event(
            view, "heartbeat", 10.0 * n, buffering_count=n, buffering_duration_ms=100.0 * n, position_seconds=10.0 * n
        )
        for n in (1, 2, 3)
    ]
    store_and_fold(warehouse, [event(view, "session_start", 0)], *([beat] for beat in beats))

    stats = warehouse.client.query_arrow(
        "SELECT count() AS total_sessions, avg(buffering_count) AS avg_buffering_count "
        "FROM media_sessions_current WHERE session_id = {id:UUID}",
        {"id": str(view)},
    ).to_pylist()
    assert stats == [{"total_sessions": 1, "avg_buffering_count": 3.0}]
    assert session_row(warehouse, view)["event_count"] == 4


def test_e04_a_later_message_does_not_empty_what_it_does_not_carry(warehouse: Warehouse) -> None:
    view = uuid4()
    store_and_fold(
        warehouse,
        [event(view, "session_start", 0, ttfb_ms=340.0, total_duration_seconds=120.5, connection_type="wifi")],
        [event(view, "heartbeat", 10, buffering_count=0)],
        [event(view, "session_end", 20, position_seconds=20.0)],
    )
    row = session_row(warehouse, view)
    assert (row["ttfb_ms"], row["total_duration_seconds"], row["connection_type"]) == (340.0, 120.5, "wifi")


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_e05_the_state_is_that_of_the_latest_event_whatever_the_order_of_arrival(
    warehouse: Warehouse, order: tuple[int, ...]
) -> None:
    view = uuid4()
    beats = [
        event(
            view,
            "heartbeat",
            at,
            buffering_count=count,
            buffering_duration_ms=ms,
            position_seconds=float(at),
            current_bitrate=rate,
        )
        for at, count, ms, rate in ((10, 1, 800.0, 2_500_000), (30, 3, 2400.0, 1_200_000), (20, 2, 1600.0, 2_500_000))
    ]
    store_and_fold(warehouse, *([beats[position]] for position in order))

    row = session_row(warehouse, view)
    assert (row["buffering_count"], row["buffering_duration_ms"]) == (3, 2400.0)
    assert (row["position_seconds"], row["last_bitrate"]) == (30.0, 1_200_000)
    assert row["last_event_at"] >= row["occurred_at"]
    assert row["avg_bitrate"] == 2_500_000
    assert row["watched_seconds"] == 20.0


def test_e07_of_two_outcomes_completed_stays_and_the_other_is_counted(warehouse: Warehouse) -> None:
    view = uuid4()
    completed = event(view, "session_end", 100, reason="completed")
    abandoned = event(view, "session_end", 105, reason="abandoned")
    store_and_fold(warehouse, [event(view, "session_start", 0), completed], [completed.again(3.0)], [abandoned])
    row = session_row(warehouse, view)
    assert (row["state"], row["ended_at"]) == ("completed", clock(100))
    assert row["conflicting_terminals"] == 1
    assert row["event_count"] == 3
    rate = warehouse.client.scalar(
        "SELECT countIf(state = 'completed') / count() FROM media_sessions_current WHERE session_id = {id:UUID}",
        {"id": str(view)},
    )
    assert rate == 1.0


def test_e26_a_session_without_an_end_has_no_end(warehouse: Warehouse) -> None:
    open_view, ended_view = uuid4(), uuid4()
    store_and_fold(
        warehouse,
        [
            event(open_view, "session_start", 0),
            event(ended_view, "session_start", 0),
            event(ended_view, "session_end", 60, reason="completed"),
        ],
    )
    assert session_row(warehouse, open_view)["ended_at"] is None
    assert session_row(warehouse, ended_view)["ended_at"] == clock(60)
    impossible = warehouse.client.scalar(
        "SELECT countIf(toYear(ended_at) IN (1970, 2106) OR toYear(started_at) IN (1970, 2106)) "
        "FROM media_sessions_current"
    )
    assert impossible == 0


def test_e32_a_start_of_1970_is_corrected_and_does_not_stretch_the_session(warehouse: Warehouse) -> None:
    view = uuid4()
    received = clock(0)
    start = replace(
        event(view, "session_start", 0),
        client_at=datetime(1970, 1, 1, 1, 30, 27, 383_000, UTC),
        occurred_at=received,
        received_at=received,
        skewed=True,
    )
    store_and_fold(warehouse, [start, event(view, "session_end", 120)])

    row = session_row(warehouse, view)
    assert row["started_at"] == received
    assert (row["ended_at"] - row["started_at"]).total_seconds() == 120
    assert row["skewed"]
    kept = warehouse.client.scalar("SELECT count() FROM media_events WHERE session_id = {id:UUID}", {"id": str(view)})
    assert kept == 2


def test_e75_stalled_time_does_not_grow_faster_than_time(warehouse: Warehouse) -> None:
    view = uuid4()
    store_and_fold(
        warehouse,
        [
            event(view, "session_start", 0),
            event(view, "heartbeat", 10, buffering_duration_ms=0.0),
            event(view, "heartbeat", 20, buffering_duration_ms=17_750.0),
        ],
    )
    row = session_row(warehouse, view)
    assert row["buffering_duration_ms"] == 10_000.0
    wall_ms = (row["last_event_at"] - row["started_at"]).total_seconds() * 1000
    assert row["buffering_duration_ms"] / wall_ms <= 1.0


def test_e76_a_pause_within_a_stall_is_not_buffering(warehouse: Warehouse) -> None:
    view = uuid4()
    store_and_fold(
        warehouse,
        [
            event(view, "session_start", 0),
            event(view, "play", 1, position_seconds=0.0),
            event(view, "buffering_start", 20, position_seconds=19.0),
            event(view, "pause", 21, position_seconds=19.0),
            event(view, "buffering_end", 23),
            event(view, "play", 300, position_seconds=19.0),
        ],
    )
    (stall,) = stall_rows(warehouse, view)
    assert (stall["duration_ms"], stall["closed_by"]) == (3000.0, "buffering_end")
    assert session_row(warehouse, view)["stall_ms"] == 3000.0


@pytest.mark.parametrize("end_at", [None, 300.0], ids=["no end", "end with the play"])
def test_e76_a_stall_that_ends_no_sooner_than_the_next_play_ends_at_the_pause(
    warehouse: Warehouse, end_at: float | None
) -> None:
    view = uuid4()
    events = [
        event(view, "session_start", 0),
        event(view, "play", 1, position_seconds=0.0),
        event(view, "buffering_start", 20, position_seconds=19.0),
        event(view, "pause", 21, position_seconds=19.0),
        event(view, "play", 300, position_seconds=19.0),
    ]
    store_and_fold(warehouse, events if end_at is None else [*events, event(view, "buffering_end", end_at)])

    (stall,) = stall_rows(warehouse, view)
    assert (stall["duration_ms"], stall["closed_by"]) == (1000.0, "pause")


def test_e78_initial_loading_is_startup_and_no_stall(warehouse: Warehouse) -> None:
    view = uuid4()
    store_and_fold(
        warehouse,
        [
            event(view, "session_start", 0),
            event(view, "buffering_start", 0, position_seconds=0.0),
            event(view, "play", 1.2, position_seconds=0.0),
            event(view, "buffering_end", 1.2),
        ],
    )
    row = session_row(warehouse, view)
    assert (row["startup_ms"], row["stall_count"], row["stall_ms"]) == (1200.0, 0, 0.0)
    (stall,) = stall_rows(warehouse, view)
    assert (stall["cause"], stall["duration_ms"]) == ("startup", 1200.0)


def test_e80_watched_time_leaves_out_pauses_and_completion_ends_at_one(warehouse: Warehouse) -> None:
    view = uuid4()
    store_and_fold(
        warehouse,
        [
            event(view, "session_start", 0, total_duration_seconds=120.5),
            event(view, "play", 0, position_seconds=0.0),
            event(view, "seek", 60, from_position=60.0, to_position=0.0),
            event(view, "seek", 120, from_position=60.0, to_position=0.0),
            event(view, "pause", 150, position_seconds=30.0),
            event(view, "play", 750, position_seconds=30.0),
            event(view, "session_end", 850, position_seconds=130.0, reason="completed"),
        ],
    )
    row = session_row(warehouse, view)
    assert row["completion"] == 1.0
    assert row["watched_seconds"] == 250.0
    assert (row["ended_at"] - row["started_at"]).total_seconds() == 850


def test_the_same_batch_folded_twice_leaves_the_same_rows(warehouse: Warehouse) -> None:
    view = uuid4()
    events = [event(view, "session_start", 0), event(view, "buffering_start", 9), event(view, "buffering_end", 11)]
    batch = store(warehouse, events)
    for _ in range(2):
        fold_sessions(warehouse, [events[0].session], batch_id=batch, now=clock(100), since=clock(0))
    stored = warehouse.client.query(
        "SELECT (SELECT count() FROM media_sessions WHERE session_id = {id:UUID}), "
        "(SELECT count() FROM media_buffering_events WHERE session_id = {id:UUID})",
        {"id": str(view)},
    )
    assert list(stored[0]) == [1, 1]
