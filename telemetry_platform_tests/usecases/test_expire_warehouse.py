"""Retention of the warehouse's tables on the real engine: partitions first, then rows, also when merges are stopped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from telemetry_platform.contracts.retention import Retention
from telemetry_platform.processing.calendar_cutoff import cut_off
from telemetry_platform.stores import expiry_warehouse
from telemetry_platform.usecases.drain.holding import held
from telemetry_platform.usecases.drain.stores import open_stores
from telemetry_platform.usecases.expire.past_retention import standings
from telemetry_platform.usecases.expire.targets import targets
from telemetry_platform.usecases.retention_policy import in_force
from telemetry_platform_tests.usecases.erased_person import ORG
from telemetry_platform_tests.usecases.expiring import both, count, days_ago, patient, put, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.warehouse import Warehouse
    from telemetry_platform.usecases.expire.past_retention import Standing

_HOUR = timedelta(hours=1)


def _standing(settings: Settings, table: str) -> Standing:
    with both(settings) as (warehouse, conn):
        (found,) = standings(warehouse, conn, [targets(in_force(settings))[table]], datetime.now(UTC))
    return found


def _boundary(settings: Settings, table: str) -> datetime:
    return cut_off(in_force(settings)[table], datetime.now(UTC))


def _versions(warehouse: Warehouse, rows: Sequence[tuple[str, datetime, int]]) -> None:
    """Versions of sessions: id, time and version."""
    values = ", ".join(f"('{session}', '{ORG}', {at.timestamp():.3f}, {version})" for session, at, version in rows)
    warehouse.client.command(
        f"INSERT INTO media_sessions (session_id, org_id, occurred_at, fold_version) VALUES {values}"  # noqa: S608 - ids of ours
    )


def test_e41_expired_rows_go_although_merges_are_stopped(platform: Settings) -> None:
    settings = patient(platform)
    with both(settings) as (warehouse, _):
        for table in ("analytics_events", "media_buffering_events"):
            warehouse.client.command("SYSTEM STOP MERGES {table:Identifier}", {"table": table})
        put(warehouse, "analytics_events", days_ago(731), days_ago(730.01), days_ago(1))
        # One part, one partition, and it takes new rows too: nothing of it can be dropped whole.
        put(warehouse, "media_buffering_events", days_ago(366), days_ago(1))
        assert count(warehouse, "media_buffering_events") == 2
        proofs = {one.table_name: one for one in run(settings).proofs}
        expected = {"analytics_events": (3, 1, 2), "media_buffering_events": (2, 1, 1)}
        for table, figures in expected.items():
            proof = proofs[table]
            assert (proof.rows_before, proof.rows_after, proof.rows_dropped) == figures, table
            assert (proof.status, proof.expired_after) == ("done", 0), table
            assert proof.oldest_remaining is not None
            assert proof.oldest_remaining >= proof.cut_off
            assert count(warehouse, table) == figures[1]
        assert expiry_warehouse.open_mutations(warehouse) == []
        assert not warehouse.client.query("SELECT name FROM system.tables WHERE name LIKE '%_survivors'")


def test_while_a_drain_is_at_work_nothing_is_put_in_place_and_the_check_says_which_rows_stay(
    platform: Settings,
) -> None:
    settings = patient(platform, wait_seconds=0.5)
    with both(settings) as (warehouse, _), open_stores(settings) as stores:
        warehouse.client.command("SYSTEM STOP MERGES media_buffering_events")
        oldest = days_ago(400)
        put(warehouse, "media_buffering_events", oldest, days_ago(1))
        with held(stores, settings.drain, holder="a drain", run_id="", wait_seconds=1.0):
            (proof,) = run(settings, only="media_buffering_events").proofs
        assert (proof.status, proof.rows_dropped, proof.expired_after) == ("stalled", 0, 1)
        assert count(warehouse, "media_buffering_events") == 2
        assert expiry_warehouse.open_mutations(warehouse) == []
        found = _standing(settings, "media_buffering_events")
        assert not found.is_clean
        assert found.sentence == (
            "media_buffering_events: 1 rows are past 1 year after occurred_at, the oldest of "
            f"{oldest:%Y-%m-%d}; the newest run: stalled"
        )
        warehouse.client.command("SYSTEM START MERGES media_buffering_events")
        assert run(settings, only="media_buffering_events").proofs[0].status == "done"
        assert _standing(settings, "media_buffering_events").is_clean


def test_e43_a_partition_that_nobody_ever_touched_fails_the_check(module_platform: Settings) -> None:
    oldest = days_ago(3 * 366)
    with both(module_platform) as (warehouse, _):
        put(warehouse, "error_events", oldest, oldest + _HOUR, days_ago(1))
    found = _standing(module_platform, "error_events")
    assert not found.is_clean
    assert found.last_run is None
    assert found.sentence == (
        "error_events: 2 rows are past 1 year after occurred_at, the oldest of "
        f"{oldest:%Y-%m-%d}; no run has worked on it"
    )


def test_whole_partitions_go_first_and_rows_after(module_platform: Settings) -> None:
    settings = patient(module_platform)
    boundary = _boundary(settings, "pose_tracking_frames")
    week = timedelta(weeks=1)
    with both(settings) as (warehouse, _):
        put(warehouse, "pose_tracking_frames", boundary - 9 * week, boundary - 8 * week, boundary - 8 * week - _HOUR)
        put(warehouse, "pose_tracking_frames", boundary - timedelta(minutes=2), boundary + _HOUR, days_ago(1))
        (proof,) = run(settings, only="pose_tracking_frames").proofs
        # The two near the boundary share a week, or the boundary is the end of one.
        whole = 2 if boundary.weekday() or boundary.hour else 3
        assert proof.partitions_dropped in {2, whole}
        assert (proof.rows_before, proof.rows_dropped, proof.rows_after) == (6, 4, 2)
        assert count(warehouse, "pose_tracking_frames") == 2


def test_a_row_goes_at_its_calendar_moment_and_not_before(module_platform: Settings) -> None:
    settings = patient(module_platform)
    boundary = _boundary(settings, "api_metrics")
    with both(settings) as (warehouse, _):
        put(warehouse, "api_metrics", boundary - timedelta(milliseconds=1), boundary + _HOUR)
        (proof,) = run(settings, only="api_metrics").proofs
        assert (proof.rows_dropped, proof.rows_after) == (1, 1)


def test_of_a_session_whose_newest_version_has_expired_nothing_is_left(module_platform: Settings) -> None:
    settings = patient(module_platform)
    boundary = _boundary(settings, "media_sessions")
    moved_back, moved_on, fresh = (str(uuid4()) for _ in range(3))
    with both(settings) as (warehouse, _):
        warehouse.client.command("SYSTEM STOP MERGES media_sessions")
        _versions(warehouse, [(moved_back, boundary + _HOUR, 1), (moved_on, boundary - _HOUR, 1)])
        _versions(warehouse, [(moved_back, boundary - _HOUR, 2), (moved_on, boundary + _HOUR, 2)])
        _versions(warehouse, [(fresh, days_ago(3), 1)])
        warehouse.client.command("SYSTEM START MERGES media_sessions")
        (proof,) = run(settings, only="media_sessions").proofs
        assert proof.status == "done"
        rows = warehouse.client.query(
            "SELECT toString(session_id), fold_version FROM media_sessions ORDER BY fold_version, session_id"
        )
    # The older version of the one that moved back would else be its newest from now on.
    assert sorted(map(tuple, rows)) == sorted([(fresh, 1), (moved_on, 2)])


def test_versions_go_alike_when_survivors_are_put_in_place(platform: Settings) -> None:
    settings = patient(platform)
    boundary = _boundary(settings, "media_sessions")
    moved_back, moved_on = str(uuid4()), str(uuid4())
    with both(settings) as (warehouse, _):
        warehouse.client.command("SYSTEM STOP MERGES media_sessions")
        _versions(warehouse, [(moved_back, boundary + _HOUR, 1), (moved_on, boundary - _HOUR, 1)])
        _versions(warehouse, [(moved_back, boundary - _HOUR, 2), (moved_on, boundary + _HOUR, 2)])
        assert run(settings, only="media_sessions").proofs[0].status == "done"
        rows = warehouse.client.query("SELECT toString(session_id), fold_version FROM media_sessions")
        assert list(map(tuple, rows)) == [(moved_on, 2)]
        # A table of which nothing stays.
        _versions(warehouse, [(str(uuid4()), boundary - _HOUR, 1)])
        warehouse.client.command("ALTER TABLE media_sessions DROP PARTITION tuple()")
        _versions(warehouse, [(str(uuid4()), boundary - _HOUR, 1)])
        assert run(settings, only="media_sessions").proofs[0].status == "done"
        assert count(warehouse, "media_sessions") == 0


def test_a_rewrite_stops_at_its_cap_and_the_next_run_goes_on(module_platform: Settings) -> None:
    settings = patient(module_platform, max_rows_per_run=3)
    with both(settings) as (warehouse, _):
        put(warehouse, "media_buffering_events", *(days_ago(400 + number) for number in range(5)), days_ago(1))
        first = run(settings, only="media_buffering_events").proofs[0]
        assert (first.rows_dropped, first.expired_after, first.status) == (3, 2, "partial")
        second = run(settings, only="media_buffering_events").proofs[0]
        assert (second.rows_dropped, second.expired_after, second.status) == (2, 0, "done")


def test_rows_of_one_moment_do_not_hold_a_capped_run_up(module_platform: Settings) -> None:
    settings = patient(module_platform, max_rows_per_run=2)
    moment = days_ago(400)
    with both(settings) as (warehouse, _):
        put(warehouse, "media_buffering_events", *[moment] * 5, days_ago(1))
        assert run(settings, only="media_buffering_events").proofs[0].rows_dropped == 5


def test_a_table_waits_while_another_rewrite_is_under_way(platform: Settings) -> None:
    settings = patient(platform, wait_seconds=0.5)
    with both(settings) as (warehouse, _):
        warehouse.client.command("SYSTEM STOP MERGES staff_metrics")
        put(warehouse, "staff_metrics", days_ago(1))
        put(warehouse, "error_events", days_ago(1000))
        warehouse.client.command("ALTER TABLE staff_metrics DELETE WHERE org_id = 'nobody' SETTINGS mutations_sync = 0")
        (proof,) = run(settings, only="error_events").proofs
        assert (proof.status, proof.rows_dropped) == ("postponed", 0)
        warehouse.client.command("SYSTEM START MERGES staff_metrics")
        assert run(patient(platform), only="error_events").proofs[0].status == "done"


@pytest.mark.parametrize("unit", ["day", "month", "year"])
def test_clickhouse_counts_the_same_calendar(module_platform: Settings, unit: str) -> None:
    """The views that hide expired rows count in SQL, the engine in Python: both must mean one moment."""
    moments = [
        datetime(2024, month, day, 5, 6, 7, 8000, tzinfo=UTC) for month in (1, 2, 3, 8, 12) for day in (1, 28, 29)
    ]
    moments += [datetime(2025, 3, 31, tzinfo=UTC), datetime(2024, 8, 31, 23, 59, 59, 999000, tzinfo=UTC)]
    with both(module_platform) as (warehouse, conn):
        for amount in (1, 6, 13):
            retention = Retention(amount, unit, "occurred_at", "a test")  # type: ignore[arg-type]  # the parameters are text
            for moment in moments:
                expected = cut_off(retention, moment)
                counted = warehouse.client.scalar(
                    f"SELECT {{now:DateTime64(3, 'UTC')}} - INTERVAL {amount} {unit.upper()}", {"now": moment}
                )
                assert counted == expected
                row = conn.execute("SELECT %s - %s::interval", (moment, f"{amount} {unit}")).fetchone()
                assert row == (expected,)
