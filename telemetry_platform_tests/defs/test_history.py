"""Dagster's history on its real PostgreSQL storage: it is pruned, what is needed stays, and a bound is kept."""

from __future__ import annotations

import os
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.events import DagsterEventType
from dagster._core.instance import RUNLESS_RUN_ID
from dagster._core.storage.event_log import SqlEventLogStorageTable

from telemetry_platform import settings as settings_module
from telemetry_platform.defs.keys import HEARTBEAT
from telemetry_platform.defs.operations.history import BOUNDED
from telemetry_platform.defs.operations.history_sizes import RUNS, TICKS, sizes
from telemetry_platform.defs.operations.history_storage import History
from telemetry_platform.settings import HistorySettings
from telemetry_platform.stores import postgres
from telemetry_platform_tests.defs import entries
from telemetry_platform_tests.defs.dagster_history import add_ticks, copy_run, every, utc_now, written_by_the_daemon
from telemetry_platform_tests.defs.front_door import check, definitions, drain_until_idle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings

CHECKOUT = Path(__file__).parents[2]
KEY = dg.AssetCheckKey(HEARTBEAT, BOUNDED)
DAY = timedelta(days=1)
LONG_AGO = 12 * DAY
SKIP = "nothing waits: 0 entries in 9 streams"
_numbers = count(1)


@pytest.fixture
def platform(module_platform: Settings) -> Settings:
    return module_platform


@pytest.fixture
def instance(
    home: Path, engines: PlatformHandle, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> Iterator[dg.DagsterInstance]:
    """Dagster as in production, with a database of its own on the real PostgreSQL."""
    assert settings.profile
    name = f"dagster_{os.getpid()}_{next(_numbers)}"
    with postgres.connect(engines.postgres_admin_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} OWNER telemetry_dagster")
    for variable, value in engines.env.items():
        if variable.startswith("DAGSTER_") and variable != "DAGSTER_HOME":
            monkeypatch.setenv(variable, value)
    monkeypatch.setenv("DAGSTER_PG_DB", name)
    (home / "dagster.yaml").symlink_to(CHECKOUT / "dagster.yaml")
    with dg.DagsterInstance.from_config(str(home)) as found:
        yield found


def purge(instance: dg.DagsterInstance, **config: object) -> dict[str, dg.MetadataValue]:
    job = definitions().resolve_job_def("purge_dagster_history")
    result = job.execute_in_process(
        instance=instance, run_config={"ops": {"forget_old_runs": {"config": config}}} if config else {}
    )
    (told,) = [event for event in result.all_events if event.event_type_value == "STEP_OUTPUT"]
    return dict(told.step_output_data.metadata)


def rows(history: History) -> dict[str, int]:
    return {table.name: table.rows for table in sizes(history)}


def total(history: History) -> int:
    return sum(table.size_bytes for table in sizes(history))


def run_ids(history: History) -> set[str]:
    return {run.run_id for run in history.runs()}


def test_e40_a_day_of_ticks_and_drains_stays_below_the_stated_bound(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    """24 hours of a sensor that looks every five seconds, of drains and of hourly checks; and what is long ago."""
    history, now = History(instance), utc_now()
    entries.add(settings, *(entries.media(number) for number in range(300)))
    drained = drain_until_idle(instance)
    # 300 events are one materialisation of the table that they are in, and not 300.
    materialized = [event for event in drained.all_events if event.is_step_materialization]
    assert len({event.asset_key for event in materialized}) == len(materialized) < 20
    checked = (
        definitions().resolve_job_def("check_tables").execute_in_process(instance=instance, raise_on_error=False).run_id
    )

    day = every(timedelta(seconds=5), until=now, span=DAY)
    assert len(day) == 17_280
    written = written_by_the_daemon(instance, day[0], SKIP)
    assert written.tick_data.skip_reason == SKIP
    add_ticks(history, day[1:], SKIP)
    add_ticks(history, every(timedelta(seconds=5), until=now - LONG_AGO, span=DAY), SKIP)
    per_day = {drained.run_id: timedelta(minutes=10), checked: timedelta(hours=1)}
    # In the order in which they ran: the newest rows are those that some state is read from.
    old = {
        one
        for run_id, step in per_day.items()
        for one in copy_run(history, run_id, every(step, until=now - LONG_AGO, span=DAY / 6))
    }
    before_today = total(history)
    for run_id, step in per_day.items():
        copy_run(history, run_id, every(step, until=now - DAY / 2, span=DAY))
    today = total(history) - before_today
    assert rows(history)[TICKS] == 2 * 17_280
    assert rows(history)[RUNS] == 2 + (144 + 24) + (24 + 4)

    red, _ = check(instance, KEY)
    assert not red.passed
    assert "24 runs of drain_landing should have been deleted days ago" in str(red.description)

    told = purge(instance, dry_run=False)
    assert old.isdisjoint(run_ids(history))
    assert told["runs_deleted"].value == len(old) == 28
    assert told["ticks"].value == 17_280
    assert rows(history)[TICKS] == 17_280
    assert check(instance, KEY)[0].passed

    # What a platform that works holds: the days of frequent runs, ticks of two days of three sensors.
    limits = HistorySettings()
    ticks = next(table for table in sizes(history) if table.name == TICKS)
    stated = today * limits.frequent_days + ticks.size_bytes * 3 * 2
    assert stated < limits.max_bytes, f"{stated:,} bytes"


def test_a_dry_run_counts_and_changes_nothing_and_needed_runs_stay(
    settings: Settings, instance: dg.DagsterInstance, home: Path
) -> None:
    history, now = History(instance), utc_now()
    entries.add(settings, entries.media(1))
    drained = drain_until_idle(instance).run_id
    (at_work,) = copy_run(history, drained, [now - 200 * DAY])
    instance.run_storage.handle_run_event(at_work, _started(at_work))
    old = copy_run(history, drained, [now - LONG_AGO, now - 2 * LONG_AGO])
    # The newest rows are of the last copy: it is the one that the table's state is read from now.
    (needed,) = copy_run(history, drained, [now - 3 * LONG_AGO])
    before = rows(history)
    for run_id in (*old, needed):
        for folder in (home / run_id / "compute_logs", home / "storage" / run_id / "step"):
            folder.mkdir(parents=True)
            (folder / "result").write_text("printed", encoding="utf-8")
    (home / "storage" / "some_asset").write_text("not a run's", encoding="utf-8")

    told = purge(instance)
    assert (told["dry_run"].value, told["runs_due"].value, told["runs_deleted"].value) == (True, 2, 0)
    assert "| drain_landing | 2 |" in str(told["by_job"].value)
    assert {name: count - (rows(history)[name]) for name, count in before.items()}[RUNS] == -1
    assert (home / old[0]).is_dir()

    told = purge(instance, dry_run=False)
    assert told["runs_deleted"].value == 2
    assert run_ids(history) >= {drained, at_work, needed}
    assert run_ids(history).isdisjoint(old)
    assert not any((home / run_id).exists() or (home / "storage" / run_id).exists() for run_id in old)
    assert (home / needed).is_dir()
    assert (home / "storage" / "some_asset").is_file()
    assert f"| {RUNS} |" in str(told["tables"].value)
    assert purge(instance, dry_run=False)["runs_deleted"].value == 0


def test_what_an_interrupted_purge_or_a_deletion_by_hand_left_is_taken_up(
    settings: Settings, instance: dg.DagsterInstance, home: Path
) -> None:
    history, now = History(instance), utc_now()
    entries.add(settings, entries.media(1))
    drained = drain_until_idle(instance).run_id
    checked = check(instance, KEY)[1]
    halfway, by_hand = copy_run(history, drained, [now - LONG_AGO]) + copy_run(history, checked, [now - LONG_AGO])
    newest = copy_run(history, drained, [now]) + copy_run(history, checked, [now])
    # Ended between a run's events and its row; and Dagster's own deletion, which leaves evaluations and files.
    history.events.delete_events(halfway)
    instance.delete_run(by_hand)
    (home / by_hand).mkdir()
    instance.report_runless_asset_event(dg.AssetObservation("elsewhere", metadata={"rows": 1}))
    instance.report_runless_asset_event(dg.AssetObservation("elsewhere", metadata={"rows": 2}))
    _age_runless(history, now - 100 * DAY)
    add_ticks(history, [now - 3 * DAY, now - DAY], SKIP, sensor="a_sensor_that_was_removed")
    snapshots = rows(history)["snapshots"]
    instance.add_snapshot(definitions().resolve_job_def("rotate_keys").get_job_snapshot())
    assert rows(history)["snapshots"] == snapshots + 1

    told = purge(instance, dry_run=False)
    assert (told["runs_deleted"].value, told["runs_left_behind"].value) == (1, 1)
    assert halfway not in run_ids(history)
    assert by_hand not in history.left_behind()
    assert not (home / by_hand).exists()
    assert told["events_of_no_run"].value == 1
    assert told["ticks"].value == 1
    assert told["snapshots_of_no_run"].value == 1
    assert rows(history)[TICKS] == 1
    assert set(newest) <= run_ids(history)
    # A run's page still shows the job as it was.
    assert all(
        instance.get_historical_job(str(run.job_snapshot_id)) for run in instance.get_runs() if run.job_snapshot_id
    )


def test_the_check_names_the_table_that_is_over_its_bound(
    settings: Settings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    history, now = History(instance), utc_now()
    assert check(instance, KEY)[0].passed
    monkeypatch.setenv("TELEMETRY_HISTORY__MAX_TICK_ROWS", "1000")
    monkeypatch.setenv("TELEMETRY_HISTORY__MAX_BYTES", str(1024**2))
    settings_module.load.cache_clear()
    add_ticks(history, every(timedelta(seconds=5), until=now, span=timedelta(seconds=5 * 1001)), SKIP)
    evaluation, _ = check(instance, KEY)
    assert not evaluation.passed
    assert f"{TICKS} holds 1,001 rows, 1,000 are allowed" in str(evaluation.description)
    assert "1,048,576 are allowed; the largest is " in str(evaluation.description)
    assert evaluation.metadata[f"{TICKS}_rows"].value == 1001
    assert settings.history.max_tick_rows > 1000
    # Young ticks and few runs: the purge is not the answer, and does no harm.
    assert purge(instance, dry_run=False)["ticks"].value == 0


def test_every_night_it_is_done_for_real() -> None:
    (schedule,) = [one for one in definitions().schedules or () if one.name == "nightly_purge"]
    assert isinstance(schedule, dg.ScheduleDefinition)
    (asked,) = schedule.evaluate_tick(dg.build_schedule_context()).run_requests or []
    assert asked.run_config == {"ops": {"forget_old_runs": {"config": {"dry_run": False}}}}
    assert dg.validate_run_config(definitions().resolve_job_def("purge_dagster_history"), asked.run_config)


def _started(run_id: str) -> dg.DagsterEvent:
    return dg.DagsterEvent(
        event_type_value=DagsterEventType.RUN_START.value, job_name="drain_landing", message=f"{run_id} is at work"
    )


def _age_runless(history: History, moment: datetime) -> None:
    """As if what belongs to no run had been written then."""
    events = SqlEventLogStorageTable
    with history.events.index_connection() as conn:
        conn.execute(
            sa.update(events).where(events.c.run_id == RUNLESS_RUN_ID).values(timestamp=moment.replace(tzinfo=None))
        )
