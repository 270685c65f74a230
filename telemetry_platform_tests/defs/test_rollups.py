"""Rollups from Dagster: assets by day, the job for touched days, the checks that count again, and the live tables."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING
from uuid import uuid4

import dagster as dg
import pytest
from dagster._utils.schedules import schedule_execution_time_iterator

from telemetry_platform.contracts.records.live import LIVE
from telemetry_platform.contracts.rollup_registry import rollups
from telemetry_platform.defs.resources import PlatformResource
from telemetry_platform.defs.rollups import fresh, live, results
from telemetry_platform.defs.rollups.specs import DAYS, rollup_key
from telemetry_platform.defs.rollups.touched import cron, frequent_rebuilds
from telemetry_platform.stores import postgres
from telemetry_platform.stores.ingest_ledger import mark_touched_days
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform_tests.defs.front_door import check, definitions
from telemetry_platform_tests.usecases.landing import a_session, drain_all, just_now, queue, quick
from telemetry_platform_tests.usecases.media_log import event, store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.warehouse import Warehouse

VIDEO = rollups()["video_health_hourly"]
TODAY = just_now().date()
EARLIER = TODAY - timedelta(days=2)


@pytest.fixture
def instance(shared_instance: dg.DagsterInstance) -> dg.DagsterInstance:
    return shared_instance


def watched(settings: Settings, first: int, day: date, views: int = 2) -> None:
    """Views of a day, drained."""
    start = just_now() - timedelta(days=(TODAY - day).days, minutes=5)
    queue(settings, [each for number in range(views) for each in a_session(first + number, start)])
    drain_all(quick(settings))


def sessions(warehouse: Warehouse, day: date) -> int:
    found = warehouse.client.scalar(
        "SELECT sum(sessions) FROM video_health_hourly WHERE dimension = 'all' AND toDate(hour) = {day:Date}",
        {"day": day},
    )
    return int(found or 0)


def tick(instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    context = dg.build_schedule_context(instance=instance, resources={"platform": PlatformResource()})
    found = frequent_rebuilds(context)
    assert isinstance(found, (dg.RunRequest, dg.SkipReason))
    return found


def run_touched(instance: dg.DagsterInstance, *, raise_on_error: bool = True) -> dg.ExecuteInProcessResult:
    job = definitions().resolve_job_def("rebuild_touched_days")
    return job.execute_in_process(instance=instance, raise_on_error=raise_on_error)


def told(result: dg.ExecuteInProcessResult, key: dg.AssetKey) -> list[str | None]:
    """The days that a run showed of an asset."""
    found = [
        event.step_materialization_data.materialization for event in result.all_events if event.is_step_materialization
    ]
    return [one.partition for one in found if one.asset_key == key]


def days_between(first: date, last: date) -> Sequence[str]:
    return DAYS.get_partition_keys_in_range(dg.PartitionKeyRange(first.isoformat(), last.isoformat()))


def test_touched_days_are_rebuilt_by_the_schedule_once_and_a_quiet_platform_gets_no_run(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    assert isinstance(tick(instance), dg.SkipReason), "nothing was ever touched"
    watched(settings, 1, TODAY)
    watched(settings, 10, EARLIER, views=3)
    assert isinstance(tick(instance), dg.RunRequest)
    result = run_touched(instance)
    compared = {one.asset_key for one in result.get_asset_check_evaluations() if one.passed}
    assert rollup_key(VIDEO) in compared, "every run counts a day again by another statement"
    assert set(told(result, rollup_key(VIDEO))) == {TODAY.isoformat(), EARLIER.isoformat()}
    with open_warehouse(settings.clickhouse) as warehouse:
        assert (sessions(warehouse, TODAY), sessions(warehouse, EARLIER)) == (2, 3)
    assert isinstance(tick(instance), dg.SkipReason), "what was rebuilt is not due"
    assert told(run_touched(instance), rollup_key(VIDEO)) == []
    watched(settings, 20, EARLIER, views=1)
    assert told(run_touched(instance), rollup_key(VIDEO)) == [EARLIER.isoformat()], "only the day that was touched"
    with open_warehouse(settings.clickhouse) as warehouse:
        assert sessions(warehouse, EARLIER) == 4


def test_a_backfill_of_a_range_is_one_run_of_whole_days(settings: Settings, instance: dg.DagsterInstance) -> None:
    watched(settings, 1, TODAY)
    watched(settings, 10, EARLIER)
    first, last = EARLIER.isoformat(), TODAY.isoformat()
    job = definitions().resolve_job_def("rebuild_day")
    result = job.execute_in_process(
        instance=instance,
        asset_selection=[rollup_key(VIDEO)],
        tags={"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last},
    )
    assert result.success
    days = instance.get_materialized_partitions(rollup_key(VIDEO))
    assert set(days_between(EARLIER, TODAY)) <= set(days)
    with open_warehouse(settings.clickhouse) as warehouse:
        assert (sessions(warehouse, TODAY), sessions(warehouse, EARLIER)) == (2, 2)
        rest = warehouse.client.scalar("SELECT count() FROM stalls_hourly")
    assert rest == 0, "a rollup that was not selected is left alone"


def test_a_rollup_that_somebody_wrote_to_is_red_until_it_is_rebuilt(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    key = dg.AssetCheckKey(rollup_key(VIDEO), results.CHECK)
    watched(settings, 1, TODAY)
    evaluation, _ = check(instance, key)
    assert evaluation.passed, evaluation.description
    assert evaluation.metadata["days_compared"].value == 1
    with open_warehouse(settings.clickhouse) as warehouse:
        warehouse.client.command(
            "INSERT INTO video_health_hourly SELECT * REPLACE (sessions + 7 AS sessions, 'XX' AS value) "
            "FROM video_health_hourly WHERE dimension = 'all'"
        )
    evaluation, _ = check(instance, key)
    assert not evaluation.passed
    assert evaluation.description is not None
    assert f"{TODAY}: " in evaluation.description

    weekly = definitions().resolve_job_def("verify_rollups").execute_in_process(instance=instance)
    red = {one.asset_key: one for one in weekly.get_asset_check_evaluations() if not one.passed}
    assert set(red) == {rollup_key(VIDEO)}, "all rollups were looked at, and one differs"

    job = definitions().resolve_job_def("rebuild_day")
    job.execute_in_process(instance=instance, partition_key=TODAY.isoformat(), asset_selection=[rollup_key(VIDEO)])
    assert check(instance, key)[0].passed


def test_a_day_that_fails_keeps_no_other_from_its_turn_and_fails_the_run(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    watched(settings, 1, TODAY)
    with open_warehouse(settings.clickhouse) as warehouse:
        warehouse.client.command("ALTER TABLE media_health_hourly RENAME COLUMN sessions TO views")
    result = run_touched(instance, raise_on_error=False)
    assert not result.success
    (failure,) = [event for event in result.all_events if event.event_type_value == "STEP_FAILURE"]
    assert failure.step_failure_data.error is not None
    assert f"media_health_hourly {TODAY}" in str(failure.step_failure_data.error)
    assert told(result, rollup_key(VIDEO)) == [TODAY.isoformat()], "the other rollups are shown"
    with postgres.connect(settings.postgres) as conn:
        built = conn.execute("SELECT rollup FROM ingest.rollup_days WHERE rollup LIKE '%_health_hourly'").fetchall()
    assert ("video_health_hourly",) in built
    assert ("media_health_hourly",) not in built, "what failed is as due as before"


def test_checks_that_cannot_look_raise(
    settings: Settings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    from telemetry_platform import settings as settings_module

    watched(settings, 1, TODAY, views=1)
    monkeypatch.setenv("TELEMETRY_CLICKHOUSE__URL", "http://127.0.0.1:9")
    settings_module.load.cache_clear()
    for key in (
        dg.AssetCheckKey(rollup_key(VIDEO), results.CHECK),
        dg.AssetCheckKey(live.live_key(LIVE[0]), live.CHECK),
    ):
        with pytest.raises(Exception, match="ClickHouse does not answer"):
            check(instance, key)


def test_live_tables_follow_their_bases_and_a_lost_view_is_seen(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    media = next(one for one in LIVE if one.base == "media_events")
    key = dg.AssetCheckKey(live.live_key(media), live.CHECK)
    # Longer ago than the minutes in which a batch may be on its way.
    start = datetime.now(UTC) - timedelta(hours=2)
    queue(settings, [each for number in range(12) for each in a_session(number, start)])
    drain_all(quick(settings))
    evaluation, _ = check(instance, key)
    assert (evaluation.passed, evaluation.metadata["counted"].value, evaluation.metadata["rows"].value) == (
        True,
        72,
        72,
    )
    with open_warehouse(settings.clickhouse) as warehouse:
        assert warehouse.client.scalar("SELECT sum(events) FROM live_media") == 72
        warehouse.client.command(f"DROP VIEW {media.view}")
    queue(settings, [each for number in range(50, 62) for each in a_session(number, start)])
    drain_all(quick(settings))
    evaluation, _ = check(instance, key)
    assert (evaluation.passed, evaluation.metadata["counted"].value, evaluation.metadata["rows"].value) == (
        False,
        72,
        144,
    )


def test_e34_a_job_of_the_night_runs_once_when_clocks_jump_and_every_day_has_24_hours() -> None:
    schedules = [one for one in definitions().schedules or [] if isinstance(one, dg.ScheduleDefinition)]
    assert {"frequent_rebuilds", "weekly_reconciliation"} <= {one.name for one in schedules}
    for schedule in schedules:
        assert schedule.execution_timezone == "UTC", schedule.name
    assert str(DAYS.timezone) == "UTC"
    # The nights in which Bucharest's clocks jump.
    for day in (date(2026, 3, 29), date(2026, 10, 25)):
        assert ticks("30 3 * * *", day) == [datetime(day.year, day.month, day.day, 3, 30, tzinfo=UTC)]
        window = DAYS.time_window_for_partition_key(day.isoformat())
        assert window.end - window.start == timedelta(hours=24)
        assert window.start.utcoffset() == timedelta(0)


def ticks(cron_schedule: str, day: date) -> list[datetime]:
    """When Dagster starts a job of that clock on a UTC day."""
    job = dg.ScheduleDefinition(job_name="nightly", cron_schedule=cron_schedule, execution_timezone="UTC")
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    found = schedule_execution_time_iterator(begin.timestamp(), job.cron_schedule, job.execution_timezone)
    return [each.astimezone(UTC) for each in takewhile(lambda moment: moment < begin + timedelta(days=1), found)]


def test_a_day_that_waits_too_long_for_its_rebuild_is_red_until_it_had_it(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    key = dg.AssetCheckKey(rollup_key(VIDEO), fresh.CHECK)
    assert check(instance, key)[0].passed, "a quiet platform is not behind"
    with postgres.connect(settings.postgres) as conn:
        mark_touched_days(conn, VIDEO.base, [EARLIER], "a batch", now=datetime.now(UTC) - 2 * VIDEO.freshness)
    evaluation, _ = check(instance, key)
    assert not evaluation.passed
    assert evaluation.metadata["days_due"].value == 1
    assert str(EARLIER) in (evaluation.description or "")
    result = run_touched(instance)
    lags = [one.metadata["lag_minutes"] for one in result.asset_materializations_for_node("rebuild_due_days")]
    assert min(float(str(lag.value)) for lag in lags) >= 2 * VIDEO.freshness.total_seconds() / 60, (
        "how long a day waited is plotted"
    )
    assert check(instance, key)[0].passed


def test_e12_a_batch_that_is_inserted_four_times_is_in_its_live_table_once(settings: Settings) -> None:
    view = uuid4()
    played = [event(view, "play", second) for second in range(9)]
    with open_warehouse(settings.clickhouse) as warehouse:
        batch = store(warehouse, played)
        for _ in range(3):
            store(warehouse, played, batch)
        base = warehouse.client.scalar("SELECT count() FROM media_events")
        live_events = warehouse.client.scalar("SELECT sum(events) FROM live_media_by_minute")
    assert (base, live_events) == (9, 9), "the token guards what the view fills as well"


def test_a_retry_fills_in_what_a_view_did_not_get_from_a_killed_insert(settings: Settings) -> None:
    view = uuid4()
    played = [event(view, "play", second) for second in range(9)]
    with open_warehouse(settings.clickhouse) as warehouse:
        # As a server that is killed between the table's part and its view's leaves them.
        warehouse.client.command("DETACH TABLE live_media_by_minute_fill")
        batch = store(warehouse, played)
        warehouse.client.command("ATTACH TABLE live_media_by_minute_fill")
        store(warehouse, played, batch)
        assert warehouse.client.scalar("SELECT sum(events) FROM live_media_by_minute") == 9
        assert warehouse.client.scalar("SELECT count() FROM media_events") == 9


def test_the_schedule_s_clock_follows_the_setting() -> None:
    assert [cron(minutes) for minutes in (1, 15, 60, 1440)] == [
        "*/1 * * * *",
        "*/15 * * * *",
        "0 */1 * * *",
        "0 */23 * * *",
    ]


def test_every_rollup_has_its_asset_and_its_check() -> None:
    graph = definitions().resolve_asset_graph()
    for rollup in rollups().values():
        node = graph.get(rollup_key(rollup))
        assert node.partitions_def == DAYS
        assert node.check_keys >= {dg.AssetCheckKey(rollup_key(rollup), results.CHECK)}
