"""The exclusion list in Dagster: the job, what starts it, and the checks that say when somebody has to look."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest

from telemetry_platform import settings as settings_module
from telemetry_platform.defs.compliance.exclusions import (
    FRESH,
    LIST,
    LOG,
    SYNC_STEP,
    USED,
    daily_exclusions,
    exclusions_were_never_loaded,
    weekly_exclusions,
)
from telemetry_platform.defs.resources import PlatformResource
from telemetry_platform.stores import exclusions, postgres
from telemetry_platform_tests.defs.front_door import check, definitions
from telemetry_platform_tests.exclusion_service import ACCOUNT, KEY, entry, list_service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform_tests.exclusion_service import ListService

IS_FRESH, ARE_USED = dg.AssetCheckKey(LIST, FRESH), dg.AssetCheckKey(LIST, USED)


@pytest.fixture
def platform(module_platform: Settings) -> Settings:
    return module_platform


@pytest.fixture
def instance(shared_instance: dg.DagsterInstance) -> dg.DagsterInstance:
    return shared_instance


@pytest.fixture
def service(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ListService]:
    """The service at the address of the environment, and databases without a list."""
    owner = settings.postgres.owner_url
    assert owner is not None
    with postgres.connect(owner.get_secret_value(), autocommit=True) as connection:
        connection.execute("TRUNCATE privacy.privacy_exclusions, privacy.privacy_exclusion_sync_log")
    with list_service(tmp_path) as found:
        for name, value in (("URL", found.settings.url), ("ACCOUNT_ID", ACCOUNT), ("LICENSE_KEY", KEY)):
            monkeypatch.setenv(f"TELEMETRY_MAXMIND__{name}", value)
        settings_module.load.cache_clear()
        yield found


@pytest.fixture
def conn(settings: Settings) -> Iterator[Connection]:
    with postgres.connect(settings.postgres, autocommit=True) as connection:
        yield connection


def sync(instance: dg.DagsterInstance, **config: Any) -> dg.ExecuteInProcessResult:  # noqa: ANN401 - values of a configuration
    job = definitions().resolve_job_def("sync_exclusions")
    run_config = {"ops": {SYNC_STEP: {"config": config}}}
    return job.execute_in_process(instance=instance, run_config=run_config, raise_on_error=False)


def told(result: dg.ExecuteInProcessResult) -> dict[dg.AssetKey, dict[str, Any]]:
    """Metadata of what was materialised."""
    events = result.get_asset_materialization_events()
    return {
        event.materialization.asset_key: {name: value.value for name, value in event.materialization.metadata.items()}
        for event in events
    }


def everything(instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult) -> str:
    """All that Dagster keeps of a run."""
    return str(instance.all_logs(result.run_id)) + str(instance.get_run_by_id(result.run_id))


def test_the_job_brings_the_list_and_tells_numbers_only(instance: dg.DagsterInstance, service: ListService) -> None:
    service.hold("203.0.113.0/24", "2001:db8:1::/48")
    result = sync(instance)
    assert result.success
    found = told(result)
    assert set(found) == {LIST, LOG}
    assert (found[LIST]["dagster/row_count"], found[LIST]["added"], found[LOG]["status"]) == (2, 2, "succeeded")
    kept = everything(instance, result)
    assert KEY not in kept
    assert ACCOUNT not in kept
    assert "203.0.113.0" not in kept


def test_e61_a_refused_list_fails_the_run_after_its_row_was_written(
    instance: dg.DagsterInstance, service: ListService, conn: Connection
) -> None:
    service.hold("203.0.113.0/24", "203.0.112.0/24")
    sync(instance)
    service.hold()
    result = sync(instance)
    assert not result.success
    assert {key: metadata["status"] for key, metadata in told(result).items()} == {LOG: "suspicious_empty"}
    assert "--accept-shrink" in everything(instance, result)
    assert exclusions.count_active(conn) == 2
    assert sync(instance, accept_shrink=True).success
    assert exclusions.count_active(conn) == 0


def test_a_refused_key_is_in_no_log_of_the_failed_run(instance: dg.DagsterInstance, service: ListService) -> None:
    service.hold("203.0.113.0/24", answer=401)
    result = sync(instance, mode="delta")
    assert not result.success
    assert told(result)[LOG]["status"] == "auth_error"
    kept = everything(instance, result)
    assert "TELEMETRY_MAXMIND__ACCOUNT_ID" in kept
    assert KEY not in kept
    assert len(service.asked) == 1


def test_e62_a_network_that_is_refused_turns_a_check_red(instance: dg.DagsterInstance, service: ListService) -> None:
    service.hold_entries([entry("203.0.113.77/24"), entry("0.0.0.0/0")])
    result = sync(instance)
    assert result.success
    assert "exclude nobody" in everything(instance, result)
    evaluation, _ = check(instance, ARE_USED)
    assert (evaluation.passed, evaluation.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert {name: value.value for name, value in evaluation.metadata.items()} == {
        "refused": 1,
        "host_bits": 1,
        "too_wide": 1,
    }
    service.hold_entries([entry("203.0.113.77/24")])
    sync(instance)
    assert check(instance, ARE_USED)[0].passed


def test_the_list_is_fresh_by_its_last_full_sync(
    instance: dg.DagsterInstance, service: ListService, conn: Connection
) -> None:
    never, _ = check(instance, IS_FRESH)
    assert (never.passed, never.severity) == (False, dg.AssetCheckSeverity.ERROR)
    service.hold("203.0.113.0/24")
    sync(instance)
    assert check(instance, IS_FRESH)[0].passed
    for days, passed, severity in (
        (7.9, True, dg.AssetCheckSeverity.ERROR),
        (8.1, False, dg.AssetCheckSeverity.WARN),
        (14.1, False, dg.AssetCheckSeverity.ERROR),
    ):
        age_full_syncs(conn, days)
        # A delta shows no withdrawal: it makes nothing fresh.
        sync(instance, mode="delta")
        evaluation, _ = check(instance, IS_FRESH)
        assert (evaluation.passed, evaluation.severity) == (passed, severity)
        assert service.asked[-1].startswith("/privacy/exclusions?updates_after=")


def age_full_syncs(conn: Connection, days: float) -> None:
    """As if they had run so many days ago."""
    moment = datetime.now(UTC) - timedelta(days=days)
    conn.execute(
        "UPDATE privacy.privacy_exclusion_sync_log SET began_at = %s, ended_at = %s WHERE mode = 'full'",
        (moment, moment),
    )


def test_the_check_raises_where_it_cannot_look(
    service: ListService, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert service
    monkeypatch.setenv("TELEMETRY_POSTGRES__URL", "postgresql://nobody:x@127.0.0.1:9/telemetry")
    settings_module.load.cache_clear()
    with pytest.raises(Exception, match="does not answer"):
        check(instance, IS_FRESH)


def look(instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    """What the sensor says."""
    context = dg.build_sensor_context(
        instance=instance, definitions=definitions(), resources={"platform": PlatformResource()}
    )
    found = exclusions_were_never_loaded(context)
    assert isinstance(found, (dg.RunRequest, dg.SkipReason))
    return found


def test_the_first_list_is_asked_for_until_there_is_one(
    service: ListService, instance: dg.DagsterInstance, conn: Connection
) -> None:
    first = look(instance)
    assert isinstance(first, dg.RunRequest)
    assert first.run_key is None
    service.hold("203.0.113.0/24", answer=403)
    assert not sync(instance).success
    assert "auth_error" in str(look(instance))
    age_full_syncs(conn, days=0.1)
    assert isinstance(look(instance), dg.RunRequest)
    service.hold("203.0.113.0/24")
    assert sync(instance).success
    assert "1 networks" in str(look(instance))


def test_without_an_account_the_sensor_says_which_settings_are_missing(
    service: ListService, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert service
    monkeypatch.delenv("TELEMETRY_MAXMIND__ACCOUNT_ID")
    settings_module.load.cache_clear()
    assert "TELEMETRY_MAXMIND__ACCOUNT_ID" in str(look(instance))


def modes(schedule: dg.ScheduleDefinition) -> list[str]:
    """The mode of the run that a schedule asks for."""
    context = dg.build_schedule_context(resources={"platform": PlatformResource()})
    requests = schedule.evaluate_tick(context).run_requests
    assert requests is not None
    return [request.run_config["ops"][SYNC_STEP]["config"]["mode"] for request in requests]


def test_a_missed_weekly_sync_is_made_up_for_the_next_day(
    service: ListService, instance: dg.DagsterInstance, conn: Connection
) -> None:
    assert modes(weekly_exclusions) == ["full"]
    assert modes(daily_exclusions) == ["full"]
    service.hold("203.0.113.0/24")
    sync(instance)
    assert modes(daily_exclusions) == ["delta"]
    age_full_syncs(conn, days=6.9)
    assert modes(daily_exclusions) == ["delta"]
    age_full_syncs(conn, days=7.9)
    assert modes(daily_exclusions) == ["full"]
