"""The audit trail from Dagster: checkpoints as the schedule makes them, and the two checks that look after it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from telemetry_platform.contracts.events import audit
from telemetry_platform.defs.keys import table_key
from telemetry_platform.errors import PermanentError
from telemetry_platform.stores import postgres, verifications
from telemetry_platform_tests.defs.front_door import check, definitions
from telemetry_platform_tests.stores.trail import entry

if TYPE_CHECKING:
    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings

WHOLE = dg.AssetCheckKey(table_key(audit.LOGS), "audit_chain_is_whole")
GUARDED = dg.AssetCheckKey(table_key(audit.LOGS), "audit_guards_are_in_place")


@pytest.fixture
def instance(shared_instance: dg.DagsterInstance) -> dg.DagsterInstance:
    return shared_instance


def record(settings: Settings, rows: int) -> None:
    with postgres.connect(settings.postgres) as connection:
        for _ in range(rows):
            connection.execute("SELECT audit.record(%s::jsonb)", [json.dumps(entry())])


def sign(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    return definitions().resolve_job_def("checkpoint_trail").execute_in_process(instance=instance)


def change(engines: PlatformHandle, settings: Settings, statement: str) -> None:
    """As a superuser who knows how."""
    database = settings.postgres.url.get_secret_value().rpartition("/")[2]
    server = engines.postgres_admin_url.rpartition("/")[0]
    with postgres.connect(f"{server}/{database}") as admin:
        admin.execute("SET event_triggers = off")
        admin.execute("ALTER TABLE audit.audit_logs DISABLE TRIGGER USER")
        month = f"audit.audit_logs_{datetime.now(UTC):%Y_%m}"
        admin.execute(f"ALTER TABLE {month} DISABLE TRIGGER USER".encode())
        admin.execute(statement.encode())


def test_checkpoints_are_made_and_the_check_goes_from_full_to_incremental_to_red(
    settings: Settings, instance: dg.DagsterInstance, engines: PlatformHandle
) -> None:
    record(settings, 20)
    assert not check(instance, WHOLE)[0].passed, "nobody has signed where the trail ends"
    (told,) = [event for event in sign(instance).all_events if event.event_type_value == "STEP_OUTPUT"]
    metadata = told.step_output_data.metadata
    assert (metadata["checkpoint"].value, metadata["seq"].value) == (1, 20)

    evaluation, _ = check(instance, WHOLE)
    assert (evaluation.passed, evaluation.metadata["mode"].value, evaluation.metadata["rows"].value) == (
        True,
        "full",
        20,
    )
    record(settings, 5)
    sign(instance)
    evaluation, _ = check(instance, WHOLE)
    assert (evaluation.metadata["mode"].value, evaluation.metadata["rows"].value) == ("incremental", 5)

    change(engines, settings, "UPDATE audit.audit_logs SET outcome = 'denied' WHERE seq = 23")
    record(settings, 1)
    with postgres.connect(settings.postgres) as connection:
        assert verifications.newest(connection, only_ok=True) is not None
    weekly = definitions().resolve_job_def("verify_trail")
    (schedule,) = [one for one in definitions().schedules or () if one.name == "weekly_verification"]
    assert isinstance(schedule, dg.ScheduleDefinition)
    configured = schedule.evaluate_tick(dg.build_schedule_context(instance)).run_requests or []
    result = weekly.execute_in_process(instance=instance, run_config=configured[0].run_config, raise_on_error=False)
    (evaluation,) = result.get_asset_check_evaluations()
    assert (evaluation.passed, evaluation.metadata["first_bad_seq"].value) == (False, 23)
    assert evaluation.metadata["mode"].value == "full"


def test_nothing_is_signed_when_the_trail_was_cut(
    settings: Settings, instance: dg.DagsterInstance, engines: PlatformHandle
) -> None:
    record(settings, 10)
    sign(instance)
    change(engines, settings, "DELETE FROM audit.audit_logs WHERE seq > 7")
    change(
        engines,
        settings,
        "UPDATE audit.head SET seq = 7, row_hash = (SELECT row_hash FROM audit.audit_logs WHERE seq = 7)",
    )
    with pytest.raises(PermanentError, match="does not hold what checkpoint 1 saw at 10"):
        sign(instance)


def test_ddl_turns_the_other_check_red_and_says_what_it_was(
    settings: Settings, instance: dg.DagsterInstance, engines: PlatformHandle
) -> None:
    assert check(instance, GUARDED)[0].passed
    change(engines, settings, "SELECT 1")
    evaluation, _ = check(instance, GUARDED)
    assert not evaluation.passed
    assert "the trigger append_only of audit.audit_logs is switched off" in str(evaluation.description)


def test_checkpoints_come_every_five_minutes() -> None:
    (schedule,) = [one for one in definitions().schedules or () if one.name == "checkpoints"]
    assert isinstance(schedule, dg.ScheduleDefinition)
    assert (schedule.cron_schedule, schedule.job_name) == ("*/5 * * * *", "checkpoint_trail")
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
