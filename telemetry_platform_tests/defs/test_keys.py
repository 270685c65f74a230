"""Keys from Dagster: the daily rotation as the daemon runs it, and the three checks that look after keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from telemetry_platform.contracts.pii import Domain
from telemetry_platform.defs.keys import HEARTBEAT
from telemetry_platform.errors import PermanentError
from telemetry_platform.stores import postgres
from telemetry_platform.stores.keys import key_states
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform.usecases import destroy_keys
from telemetry_platform_tests.defs.front_door import check, definitions
from telemetry_platform_tests.usecases.old_keys import begin_at, rotate_at, with_keks

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings

ROTATED = dg.AssetCheckKey(HEARTBEAT, "keys_are_rotated")
DIE = dg.AssetCheckKey(HEARTBEAT, "keys_die_in_time")
KNOWN = dg.AssetCheckKey(HEARTBEAT, "key_epochs_are_known")
DAY = timedelta(days=1)


@pytest.fixture
def platform(module_platform: Settings) -> Settings:
    return module_platform


@pytest.fixture
def instance(shared_instance: dg.DagsterInstance) -> dg.DagsterInstance:
    return shared_instance


def run(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    return definitions().resolve_job_def("rotate_keys").execute_in_process(instance=instance)


def test_the_daily_job_catches_up_and_its_check_turns_green(settings: Settings, instance: dg.DagsterInstance) -> None:
    begin_at(settings, settings.keys, datetime.now(UTC) - 40 * DAY)
    evaluation, _ = check(instance, ROTATED)
    assert (evaluation.passed, evaluation.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert "actor: epoch 1 should have ended" in str(evaluation.description)

    for added in (2, 0):
        (told,) = [event for event in run(instance).all_events if event.event_type_value == "STEP_OUTPUT"]
        metadata = told.step_output_data.metadata
        assert metadata["epochs_added"].value == added
    assert check(instance, ROTATED)[0].passed
    (schedule,) = [one for one in definitions().schedules or () if one.name == "daily_rotation"]
    assert isinstance(schedule, dg.ScheduleDefinition)
    assert (schedule.cron_schedule, schedule.job_name) == ("40 3 * * *", "rotate_keys")


def test_rows_of_an_unknown_epoch_turn_a_check_red_and_stop_the_rotation(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    assert check(instance, KNOWN)[0].passed
    with open_warehouse(settings.clickhouse) as warehouse:
        warehouse.client.command(
            "INSERT INTO staff_metrics (event_id, occurred_at, org_id, actor_hash, key_epoch) "
            "VALUES (generateUUIDv4(), now64(3), 'clinic-1', repeat('a', 64), 77)"
        )
        evaluation, _ = check(instance, KNOWN)
        assert not evaluation.passed
        assert evaluation.description == "staff_metrics: 1 under actor epoch 77"
        with pytest.raises(PermanentError, match="come from an older backup than the rows"):
            run(instance)
        warehouse.client.command("TRUNCATE TABLE staff_metrics")
    assert check(instance, KNOWN)[0].passed


def test_keys_that_outlived_their_data_are_said_until_all_steps_are_recorded(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    now = datetime.now(UTC)
    keys = with_keks(settings.keys, "kek-a", "kek-b")
    began = now - 130 * DAY
    begin_at(settings, keys, began)
    with postgres.connect(settings.postgres) as conn:
        rotate_at(conn, keys, *(began + days * DAY for days in (28, 58, 88)))
        evaluation, _ = check(instance, DIE)
        assert (evaluation.passed, evaluation.severity) == (False, dg.AssetCheckSeverity.WARN)
        assert "actor epoch 1 is due since" in str(evaluation.description)
        assert "address epoch 1 is due since" in str(evaluation.description)

        found = destroy_keys.outlook(conn, settings, now, log_comment="tests")
        destroy_keys.begin(conn, keys, found.doomed, now - 8 * DAY)
        destroy_keys.remove_bytes(conn, keys, now)
        assert "actor epoch 1: destruction pending since" in str(check(instance, DIE)[0].description)

        destroy_keys.confirm(conn, with_keks(keys, "kek-b"), "kek-a", by="somebody", now=now)
        assert check(instance, DIE)[0].passed
        assert sum(state.is_destroyed for state in key_states(conn)) == len(found.doomed)
    assert (Domain.ADDRESS, 1) in found.doomed
