"""Retention from Dagster: the nightly job, what its run page shows, and the check that reads the tables."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from telemetry_platform.contracts.registry import tables
from telemetry_platform.defs.compliance.retention import CHECK, PROOFS, WHOLE, nightly_retention
from telemetry_platform.defs.keys import table_key
from telemetry_platform.stores import postgres
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform_tests.defs.front_door import check, definitions
from telemetry_platform_tests.usecases.expiring import count, days_ago, put
from telemetry_platform_tests.usecases.expiring_records import SAMPLES

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings

ERRORS = table_key(tables()["error_events"])
OLDEST = days_ago(3 * 366)


@pytest.fixture
def platform(module_platform: Settings) -> Settings:
    return module_platform


@pytest.fixture
def instance(shared_instance: dg.DagsterInstance) -> dg.DagsterInstance:
    return shared_instance


def run(instance: dg.DagsterInstance, *, dry_run: bool | None = None) -> dg.ExecuteInProcessResult:
    config = {} if dry_run is None else {"ops": {"remove_expired": {"config": {"dry_run": dry_run}}}}
    job = definitions().resolve_job_def("enforce_retention")
    return job.execute_in_process(instance=instance, run_config=config, raise_on_error=False)


def told(result: dg.ExecuteInProcessResult) -> dict[str, object]:
    (output,) = [event for event in result.all_events if event.event_type_value == "STEP_OUTPUT"]
    return {name: value.value for name, value in output.step_output_data.metadata.items()}


def _age(settings: Settings) -> None:
    with open_warehouse(settings.clickhouse) as warehouse:
        warehouse.client.command("SYSTEM STOP MERGES error_events")
        put(warehouse, "error_events", OLDEST, days_ago(400))
        put(warehouse, "error_events", days_ago(1))
    assert settings.postgres.owner_url is not None
    with postgres.connect(settings.postgres.owner_url.get_secret_value(), autocommit=True) as owner:
        SAMPLES["privacy.dead_letters"](owner, datetime(2020, 5, 6, tzinfo=UTC))


def test_e43_the_check_fails_before_any_run_and_after_a_dry_one_and_is_green_after_the_night(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    assert check(instance, dg.AssetCheckKey(ERRORS, CHECK))[0].passed
    _age(settings)
    evaluation, _ = check(instance, dg.AssetCheckKey(ERRORS, CHECK))
    assert not evaluation.passed
    assert evaluation.description == (
        "error_events: 2 rows are past 1 year after occurred_at, the oldest of "
        f"{OLDEST:%Y-%m-%d}; no run has worked on it"
    )
    letters, _ = check(instance, dg.AssetCheckKey(PROOFS, CHECK))
    assert not letters.passed
    assert letters.description == (
        "privacy.dead_letters: 1 rows are past 30 days after created_at, the oldest of 2020-05-06; "
        "no run has worked on it"
    )

    dry = told(run(instance))
    assert (dry["dry_run"], dry["rows_removed"], dry["expired_rows_left"]) == (True, 0, 3)
    assert "| error_events | 0 | 3 |" in str(dry["what_was_removed"])
    assert not check(instance, dg.AssetCheckKey(ERRORS, CHECK))[0].passed

    request = nightly_retention(dg.build_schedule_context())
    assert isinstance(request, dg.RunRequest)
    assert request.run_config == {"ops": {"remove_expired": {"config": {"dry_run": False}}}}
    result = run(instance, dry_run=False)
    done = told(result)
    assert (done["dry_run"], done["rows_removed"], done["expired_rows_left"]) == (False, 3, 0)
    summary = str(done["what_was_removed"])
    assert summary.startswith("3 rows removed, 0 expired rows left.")
    assert "| error_events | 2 | 3 | 2 | 0 | 0 |" in summary
    assert "1 year after occurred_at: " in summary
    with open_warehouse(settings.clickhouse) as warehouse:
        assert count(warehouse, "error_events") == 1
    for key in (ERRORS, PROOFS):
        assert check(instance, dg.AssetCheckKey(key, CHECK))[0].passed
    assert check(instance, dg.AssetCheckKey(PROOFS, WHOLE))[0].passed


def test_each_table_shows_what_a_run_dropped_of_it_and_why(settings: Settings, instance: dg.DagsterInstance) -> None:
    _age(settings)
    result = run(instance, dry_run=False)
    observed = {
        event.asset_key: event.event_specific_data.asset_observation.metadata  # type: ignore[union-attr]  # of this event type
        for event in result.all_events
        if event.is_asset_observation and event.asset_key != PROOFS
    }
    assert set(observed) == {table_key(table) for table in tables().values()}
    seen = {name: value.value for name, value in observed[ERRORS].items()}
    assert (seen["expired_rows_removed"], seen["partitions_dropped"], seen["expired_rows_left"]) == (2, 2, 0)
    assert str(seen["why"]).startswith("1 year after occurred_at: ")
    assert seen["result"] == "done: nothing that has expired is left"
    assert len(str(seen["proof_hash"])) == 64
    (materialized,) = [event for event in result.all_events if event.is_step_materialization]
    assert materialized.asset_key == PROOFS


def test_a_run_that_fails_at_one_table_tells_what_it_did_to_the_others(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    _age(settings)
    with open_warehouse(settings.clickhouse) as warehouse:
        warehouse.client.command("RENAME TABLE consent_drops TO consent_drops_elsewhere")
        result = run(instance, dry_run=False)
        warehouse.client.command("RENAME TABLE consent_drops_elsewhere TO consent_drops")
    assert not result.success
    kept = [record.event_log_entry.dagster_event for record in instance.get_records_for_run(result.run_id).records]
    told_of = {event.asset_key for event in kept if event is not None and event.is_asset_observation}
    assert {ERRORS, PROOFS} <= told_of
    (materialized,) = [event for event in kept if event is not None and event.is_step_materialization]
    summary = str(materialized.step_materialization_data.materialization.metadata["what_was_removed"].value)
    assert re.search(r"\| error_events \| 2 \| \d+ \| 2 \| 0 \| 0 \|", summary)
    assert summary.startswith("3 rows removed, 0 expired rows left. Could not be worked on: consent_drops.")
    assert "- **consent_drops** could not be worked on: ClickHouse lacks what the statement needs" in summary


def test_the_night_is_scheduled_and_a_run_by_hand_is_a_dry_one() -> None:
    (schedule,) = [one for one in definitions().schedules or () if one.name == "nightly_retention"]
    assert isinstance(schedule, dg.ScheduleDefinition)
    assert (schedule.cron_schedule, schedule.execution_timezone, schedule.job_name) == (
        "23 1 * * *",
        "UTC",
        "enforce_retention",
    )
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    checked = {key.asset_key for key in definitions().resolve_asset_graph().asset_check_keys if key.name == CHECK}
    assert checked == {PROOFS, *(table_key(table) for table in tables().values())}
