"""Rollups on the real engines: a day is what its base says, whatever arrives, is killed, is sent again or erased."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from telemetry_platform.contracts.rollup_registry import of_base
from telemetry_platform.errors import PermanentError, TransientError
from telemetry_platform.stores import ingest_ledger, rollup_marks, rollup_tables
from telemetry_platform.usecases.rollups.rebuild import rebuild_day
from telemetry_platform.usecases.rollups.touched import rebuild_due
from telemetry_platform.usecases.rollups.verify import days_of, verify_day
from telemetry_platform_tests.usecases.rollup_making import (
    HEALTH,
    LONG,
    NOW,
    TODAY,
    a_day,
    agree,
    at,
    is_due,
    put,
    rebuild,
    session,
    total,
    touch,
)

if TYPE_CHECKING:
    from telemetry_platform.usecases.drain.stores import DrainStores


def test_e02_a_session_stored_twice_counts_once_in_every_rollup(stores: DrainStores, day: date) -> None:
    row = session(1, at(day), watched_seconds=60.0)
    put(stores, "media_sessions", [row])
    put(stores, "media_sessions", [row])
    rebuild(stores, "media_sessions", day)
    for rollup in of_base("media_sessions"):
        assert total(stores, rollup.name, day, "sessions") == 1
        assert total(stores, rollup.name, day, "watched_seconds") == 60
    agree(stores, "media_sessions", day)


def test_e09_a_late_event_raises_its_own_days_total_exactly_once(stores: DrainStores, day: date) -> None:
    put(stores, "media_sessions", [session(901, at(day))])
    rebuild_due(stores, now=NOW, budget=LONG)
    assert not is_due(stores, day)
    put(stores, "media_sessions", [session(902, at(day, 23, 59), received_at=at(day + timedelta(days=3)))])
    assert is_due(stores, day)
    for _ in range(2):
        rebuild_due(stores, now=NOW, budget=LONG)
        assert (total(stores, HEALTH.name, day, "sessions"), is_due(stores, day)) == (2, False)


def test_e10_averages_and_percentiles_of_days_are_those_of_all_sessions(stores: DrainStores, day: date) -> None:
    next_day = a_day()
    put(stores, "media_sessions", [session(903, at(day), ttfb_ms=1000.0)])
    put(stores, "media_sessions", [session(number, at(next_day), ttfb_ms=100.0) for number in range(100, 199)])
    for each in (day, next_day):
        rebuild(stores, "media_sessions", each)
    ((average, p50, p995),) = stores.warehouse.client.query(
        "SELECT sum(ttfb_ms_sum) / sum(ttfb_ms_count), histogram_quantile(0.5, sumForEach(ttfb_ms_histogram)), "
        "histogram_quantile(0.995, sumForEach(ttfb_ms_histogram)) FROM video_health_hourly "
        "WHERE dimension = 'all' AND _partition_id IN ({one:String}, {other:String})",
        {"one": rollup_tables.partition(day), "other": rollup_tables.partition(next_day)},
    )
    assert average == pytest.approx(109)
    assert p50 == pytest.approx(100, rel=0.045)
    assert p995 == pytest.approx(1000, rel=0.045)


def test_e12_a_batch_delivered_four_times_counts_once(stores: DrainStores, day: date) -> None:
    figure = {
        "event_id": UUID(int=12), "org_id": "clinic-1", "occurred_at": at(day), "metric": "m", "unit": "min",
        "value": 999.0, "team_id": "t", "actor_hash": "a" * 64, "key_epoch": 1, "batch_id": "b",
    }  # fmt: skip
    for _ in range(4):
        put(stores, "staff_metrics", [figure])
    rebuild(stores, "staff_metrics", day)
    assert (total(stores, "staff_daily", day, "figures"), total(stores, "staff_daily", day, "value_sum")) == (1, 999)
    agree(stores, "staff_metrics", day)


def test_e27_a_local_evening_counts_on_its_utc_day(stores: DrainStores, day: date) -> None:
    evening = datetime.fromisoformat(f"{day - timedelta(days=1)}T23:30:00-08:00")
    put(stores, "media_sessions", [session(27, evening.astimezone(UTC))])
    rebuild(stores, "media_sessions", day)
    ((hour,),) = stores.warehouse.client.query(
        "SELECT hour FROM video_health_hourly WHERE dimension = 'all' AND _partition_id = {day:String}",
        {"day": rollup_tables.partition(day)},
    )
    assert hour == at(day, 7)


def test_e34_the_repeated_local_hour_is_two_hours_of_one_day(stores: DrainStores) -> None:
    day = date(2026, 10, 25) if date(2026, 10, 25) < TODAY else TODAY - timedelta(days=1)
    put(stores, "media_sessions", [session(3400 + hour, at(day, hour, 30)) for hour in (0, 1)])
    rebuild(stores, "media_sessions", day)
    ours = stores.warehouse.client.query(
        "SELECT hour, sum(sessions) FROM video_health_hourly WHERE dimension = 'all' AND hour IN "
        "({one:DateTime64(3, 'UTC')}, {other:DateTime64(3, 'UTC')}) GROUP BY hour ORDER BY hour",
        {"one": at(day, 0), "other": at(day, 1)},
    )
    assert [tuple(row) for row in ours] == [(at(day, 0), 1), (at(day, 1), 1)]
    put(stores, "media_sessions", [session(3400 + hour, at(day, hour, 30)) for hour in range(24)])
    rebuild(stores, "media_sessions", day)
    assert total(stores, HEALTH.name, day, "1") == 24


def test_a_session_that_moves_leaves_its_old_day_empty(stores: DrainStores, day: date) -> None:
    new_day = a_day()
    put(stores, "media_sessions", [session(5, at(day))])
    rebuild(stores, "media_sessions", day)
    put(stores, "media_sessions", [session(5, at(new_day), version=2)])
    touch(stores, "media_sessions", {day, new_day})
    rebuild_due(stores, now=NOW, budget=LONG)
    assert (total(stores, HEALTH.name, day, "sessions"), total(stores, HEALTH.name, new_day, "sessions")) == (0, 1)
    agree(stores, "media_sessions", day)


class _Killed(Exception):  # noqa: N818 - stands for the end of a process
    """Somebody ended the process."""


@pytest.mark.parametrize("point", ["mark read", "filled", "swap begun", "swapped"])
def test_a_rebuild_that_is_killed_leaves_the_day_due_and_is_made_again(
    stores: DrainStores, day: date, point: str
) -> None:
    def kill(where: str) -> None:
        if where == point:
            raise _Killed

    put(stores, "media_sessions", [session(6 + 100 * day.toordinal(), at(day))])
    rebuild(stores, "media_sessions", day)
    put(stores, "media_sessions", [session(7 + 100 * day.toordinal(), at(day))])
    with pytest.raises(_Killed):
        rebuild_day(stores, HEALTH, day, run_id="killed", now=NOW, checkpoint=kill)
    assert is_due(stores, day)
    assert total(stores, HEALTH.name, day, "sessions") == (2 if point == "swapped" else 1)
    rebuild_due(stores, now=NOW, budget=LONG)
    assert (total(stores, HEALTH.name, day, "sessions"), is_due(stores, day)) == (2, False)


@pytest.mark.parametrize("point", ["mark read", "filled", "swapped"])
def test_what_arrives_during_a_rebuild_leaves_the_day_due(stores: DrainStores, day: date, point: str) -> None:
    def arrive(where: str) -> None:
        if where == point:
            put(stores, "media_sessions", [session(9 + 100 * day.toordinal(), at(day))])

    put(stores, "media_sessions", [session(8 + 100 * day.toordinal(), at(day))])
    rebuild_day(stores, HEALTH, day, run_id="test", now=NOW, checkpoint=arrive)
    assert is_due(stores, day)
    agree(stores, "media_sessions", day)
    assert (total(stores, HEALTH.name, day, "sessions"), is_due(stores, day)) == (2, False)


def test_two_rebuilds_of_one_day_are_kept_apart(stores: DrainStores, day: date) -> None:
    put(stores, "media_sessions", [session(10, at(day))])
    with stores.postgres() as other, rollup_marks.day_locked(other, HEALTH.name, day), stores.postgres() as conn:
        conn.execute("SET lock_timeout = '50ms'")
        with (
            pytest.raises(TransientError, match="somebody else rebuilds"),
            rollup_marks.day_locked(conn, HEALTH.name, day),
        ):
            pytest.fail("two were let in")
    rebuild(stores, "media_sessions", day)
    agree(stores, "media_sessions", day)


def test_a_day_that_differs_from_its_base_is_found(stores: DrainStores, day: date) -> None:
    put(stores, "media_sessions", [session(11, at(day))])
    rebuild(stores, "media_sessions", day)
    # Past the drain, and so without a mark.
    put(stores, "media_sessions", [session(12, at(day))], mark=False)
    verdict = verify_day(stores, HEALTH, day)
    assert not verdict.matches
    assert any("sessions differs" in sentence for sentence in verdict.differences)


def test_a_day_of_which_rows_have_expired_is_neither_rebuilt_nor_due(stores: DrainStores) -> None:
    long_ago = TODAY - timedelta(days=800)
    touch(stores, "media_sessions", {long_ago})
    assert not is_due(stores, long_ago)
    assert long_ago not in days_of(stores, HEALTH)
    with pytest.raises(PermanentError, match="have expired"):
        rebuild_day(stores, HEALTH, long_ago, run_id="test", now=NOW)


def test_staging_tables_are_gone_and_forgotten_ones_go(stores: DrainStores, day: date) -> None:
    put(stores, "media_sessions", [session(13, at(day))])
    rebuild(stores, "media_sessions", day)
    assert not stores.warehouse.rows("select_stagings")
    stores.warehouse.client.command(f"CREATE TABLE staged_{HEALTH.name}_left AS {HEALTH.name}")
    assert rollup_tables.drop_forgotten(stores.warehouse, NOW) == 0
    assert rollup_tables.drop_forgotten(stores.warehouse, NOW + timedelta(days=1)) == 1


def test_a_rebuild_clears_what_a_killed_one_of_its_day_has_left(stores: DrainStores, day: date) -> None:
    mine, other = (rollup_tables.partition(each) for each in (day, day - timedelta(days=1)))
    for each in (mine, other):
        stores.warehouse.client.command(f"CREATE TABLE staged_{HEALTH.name}_{each}_dead AS {HEALTH.name}")
    put(stores, "media_sessions", [session(16, at(day))])
    rebuild(stores, "media_sessions", day)
    assert [name for name, _ in stores.warehouse.rows("select_stagings")] == [f"staged_{HEALTH.name}_{other}_dead"]
    assert rollup_tables.drop_stagings_of(stores.warehouse, HEALTH, day - timedelta(days=1)) == 1


def test_a_day_that_nobody_marked_is_found_by_looking_at_the_base(stores: DrainStores, day: date) -> None:
    put(stores, "media_sessions", [session(17, at(day))], mark=False)
    assert day in days_of(stores, HEALTH)
    assert verify_day(stores, HEALTH, day).matches
    assert total(stores, HEALTH.name, day, "sessions") == 1, "it was built to be compared"


def test_a_sample_has_older_days_and_always_those_that_differed(stores: DrainStores) -> None:
    days = sorted(a_day() for _ in range(6))
    for number, each in enumerate(days):
        put(stores, "media_sessions", [session(20 + number, at(each))])
        rebuild(stores, "media_sessions", each)
    chance = random.Random(3)  # noqa: S311 - the same days in every run
    seen = {each for _ in range(60) for each in days_of(stores, HEALTH, sample=2, chance=chance)}
    assert seen >= set(days), "no day is left out for ever"
    stores.warehouse.client.command(f"ALTER TABLE {HEALTH.name} DROP PARTITION {rollup_tables.partition(days[0])}")
    assert not verify_day(stores, HEALTH, days[0]).matches
    assert all(days[0] in days_of(stores, HEALTH, sample=2, chance=chance) for _ in range(10))
    rebuild(stores, "media_sessions", days[0])
    assert verify_day(stores, HEALTH, days[0]).matches
    assert not all(days[0] in days_of(stores, HEALTH, sample=2, chance=chance) for _ in range(10))


def test_a_day_that_matches_is_right_whatever_comes_meanwhile(stores: DrainStores, day: date) -> None:
    put(stores, "media_sessions", [session(18, at(day))])
    rebuild(stores, "media_sessions", day)
    with stores.postgres() as conn:
        before = rollup_marks.mark_of(conn, HEALTH.base, day)
    touch(stores, "media_sessions", {day})
    assert verify_day(stores, HEALTH, day).matches
    with stores.postgres() as conn:
        assert rollup_marks.mark_of(conn, HEALTH.base, day) == before + 1


def test_a_difference_that_an_open_batch_may_explain_is_not_called_wrong(stores: DrainStores, day: date) -> None:
    put(stores, "media_sessions", [session(14, at(day))])
    rebuild(stores, "media_sessions", day)
    put(stores, "media_sessions", [session(15, at(day))], mark=False)
    batch = ingest_ledger.Batch("s", "b", "b", "media", "open", 1, (b"1-0",))
    with stores.postgres() as conn:
        ingest_ledger.open_batch(conn, batch, run_id="test", now=NOW)

        def close(_: float) -> None:
            touch(stores, "media_sessions", {day})
            conn.execute("UPDATE ingest.batches SET state = 'split', closed_at = %s WHERE batch_id = 'b'", (NOW,))

        assert verify_day(stores, HEALTH, day, sleep=close).matches
    assert total(stores, HEALTH.name, day, "sessions") == 2
