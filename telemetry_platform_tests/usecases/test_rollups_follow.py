"""Rollups follow what drains and retention do to their bases: days are marked where rows change, and end with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from telemetry_platform.contracts.rollup_registry import rollups
from telemetry_platform.stores import dead_letters, rollup_marks
from telemetry_platform.usecases.drain.stores import open_stores
from telemetry_platform.usecases.rollups.touched import due_days, rebuild_due
from telemetry_platform.usecases.rollups.verify import days_of, verify_day
from telemetry_platform_tests.usecases.expiring import patient, run
from telemetry_platform_tests.usecases.landing import (
    count,
    drain_all,
    error_entry,
    just_now,
    looking,
    media_entry,
    queue,
    quick,
)
from telemetry_platform_tests.usecases.moving import points_of, pose_entry

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings

_LONG = timedelta(minutes=5)
_VIEW, _EXERCISE = str(UUID(int=71)), str(UUID(int=72))


def _rebuilt_and_right(settings: Settings) -> set[str]:
    """Rebuild what is due and compare everything; the rollups of which days were due."""
    with open_stores(settings) as stores:
        made = rebuild_due(stores, now=datetime.now(UTC), budget=_LONG)
        for rollup in rollups().values():
            for day in days_of(stores, rollup):
                verdict = verify_day(stores, rollup, day)
                assert verdict.matches, (rollup.name, day, verdict.differences)
        with stores.postgres() as conn:
            assert due_days(conn) == []
    return {one.rollup for one in made}


def _figure(settings: Settings, statement: str) -> object:
    with open_stores(settings) as stores:
        return stores.warehouse.client.scalar(statement)


def test_batches_and_silence_mark_the_days_of_sessions_and_stalls(platform: Settings) -> None:
    settings, now = quick(platform), datetime.now(UTC).replace(microsecond=0)
    begin = now - timedelta(minutes=1, seconds=40)
    told = [("session_start", 0), ("play", 1), ("buffering_start", 5), ("buffering_end", 7), ("heartbeat", 60)]
    queue(settings, [media_entry(_VIEW, event, begin + timedelta(seconds=second)) for event, second in told])
    drain_all(settings)
    assert _rebuilt_and_right(settings) >= {"video_health_hourly", "media_health_hourly", "stalls_hourly"}
    assert _figure(settings, "SELECT sum(stalls) FROM stalls_hourly WHERE dimension = 'all'") == 1
    # Another view's event, an hour older than silence needs: nothing of the first view comes, and it is abandoned.
    with open_stores(settings) as stores, stores.postgres() as conn:
        before = {day: built.mark for day, built in rollup_marks.built(conn, "video_health_hourly").items()}
    queue(settings, [media_entry(str(UUID(int=73)), "play", begin - timedelta(minutes=50))])
    drain_all(settings)
    assert "video_health_hourly" in _rebuilt_and_right(settings)
    with open_stores(settings) as stores, stores.postgres() as conn:
        assert {day: built.mark for day, built in rollup_marks.built(conn, "video_health_hourly").items()} != before


def test_an_earlier_frame_moves_an_exercise_to_the_day_before(platform: Settings) -> None:
    settings, movement = quick(platform), points_of(1, 4)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    queue(settings, [pose_entry(_EXERCISE, midnight + timedelta(seconds=1), (2, 3), movement)])
    drain_all(settings)
    assert "pose_sessions" in _rebuilt_and_right(settings)
    queue(settings, [pose_entry(_EXERCISE, midnight - timedelta(seconds=1), (0, 1), movement)])
    drain_all(settings)
    assert "pose_sessions" in _rebuilt_and_right(settings)
    assert _figure(settings, "SELECT (count(), any(frames), any(toDate(started_at))) FROM pose_sessions") == (
        1,
        4,
        (midnight - timedelta(days=1)).date(),
    )


def test_retention_drops_expired_days_whole_and_proves_it(platform: Settings) -> None:
    settings = patient(platform)
    with open_stores(settings) as stores:
        client = stores.warehouse.client
        client.command("SYSTEM STOP TTL MERGES staff_daily")
        client.command(
            "INSERT INTO staff_daily (org_id, day, team_id, metric, unit, figures) SELECT 'clinic-1', "
            "toStartOfDay(now64(3, 'UTC')) - toIntervalDay(number), 't', 'm', 'min', 1 FROM numbers(360, 10)"
        )
        (proof,) = run(settings, only="staff_daily").proofs
        assert (proof.rows_before, proof.expired_after, proof.status) == (10, 0, "done")
        assert proof.rows_dropped == proof.rows_before - proof.rows_after > 0


def test_after_a_restored_backup_every_day_is_due(platform: Settings) -> None:
    settings = quick(platform)
    queue(settings, [media_entry(_VIEW, "play", datetime.now(UTC) - timedelta(minutes=5))])
    drain_all(settings)
    _rebuilt_and_right(settings)
    with open_stores(settings) as stores, stores.postgres() as conn:
        assert rollup_marks.touch_all(conn, why="restore-check", now=datetime.now(UTC)) > 0
        assert {name for name, _, _ in due_days(conn)} >= {"video_health_hourly", "media_health_hourly"}


def test_rows_of_a_batch_that_was_put_aside_after_its_insert_mark_their_day(platform: Settings) -> None:
    """Whatever breaks every try behind the insert: the entry becomes a dead letter, and its row is in the table."""
    settings, start = quick(platform), just_now()

    def broken(point: str) -> None:
        if point == "errors.after_fold":
            raise RuntimeError(point)

    queue(settings, [error_entry(_VIEW, start, str(UUID(int=73)))])
    drain_all(settings, checkpoint=broken)
    with looking(settings) as (warehouse, conn):
        assert count(warehouse, "error_events") == (1, 1)
        assert len(dead_letters.waiting(conn, limit=5)) == 1
        assert ("errors_hourly", start.date()) in {(name, day) for name, day, _ in due_days(conn)}
    assert _rebuilt_and_right(settings) == {"errors_hourly"}
    assert _figure(settings, "SELECT sum(errors) FROM errors_hourly") == 1
