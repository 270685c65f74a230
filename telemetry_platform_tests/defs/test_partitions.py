"""Months ahead: made every night by the role that may make them, and a check that misses the next one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import dagster as dg
import pytest

from telemetry_platform import settings as settings_module
from telemetry_platform.defs.keys import HEARTBEAT
from telemetry_platform.defs.operations.partitions import AHEAD
from telemetry_platform.errors import PermanentError
from telemetry_platform.stores import partitions_ahead, postgres
from telemetry_platform_tests.defs.front_door import check, definitions

if TYPE_CHECKING:
    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings

KEY = dg.AssetCheckKey(HEARTBEAT, AHEAD)


@pytest.fixture
def instance(shared_instance: dg.DagsterInstance) -> dg.DagsterInstance:
    return shared_instance


def month(ahead: int) -> datetime:
    now = datetime.now(UTC)
    years, place = divmod(now.month - 1 + ahead, 12)
    return datetime(now.year + years, place + 1, 1, tzinfo=UTC)


Take = Callable[[int], None]


@pytest.fixture
def take_away(engines: PlatformHandle, settings: Settings) -> Take:
    """Take the empty partitions of a month away: only a superuser without its guards can."""
    database = urlsplit(settings.postgres.url.get_secret_value()).path
    admin_url = urlunsplit(urlsplit(engines.postgres_admin_url)._replace(path=database))

    def take(ahead: int) -> None:
        with postgres.connect(admin_url) as conn:
            conn.execute("SET event_triggers = off")
            for table in partitions_ahead.TABLES:
                conn.execute(f"DROP TABLE {table}_{month(ahead):%Y_%m}".encode())

    return take


def run(instance: dg.DagsterInstance) -> dict[str, int]:
    result = definitions().resolve_job_def("make_partitions_ahead").execute_in_process(instance=instance)
    (told,) = [event for event in result.all_events if event.event_type_value == "STEP_OUTPUT"]
    return {name: int(str(value.value)) for name, value in told.step_output_data.metadata.items()}


def test_the_job_makes_what_is_missing_and_the_check_sees_it(take_away: Take, instance: dg.DagsterInstance) -> None:
    assert check(instance, KEY)[0].passed
    for ahead in (1, 2, 3):
        take_away(ahead)
    evaluation, _ = check(instance, KEY)
    assert (evaluation.passed, evaluation.severity) == (False, dg.AssetCheckSeverity.ERROR)
    missing = [f"{table} {month(1):%Y-%m}" for table in partitions_ahead.TABLES]
    assert evaluation.description == f"missing: {', '.join(missing)}"
    assert evaluation.metadata["missing_later"].value == 6

    assert run(instance) == {f"{table}_made": 3 for table in partitions_ahead.TABLES}
    assert check(instance, KEY)[0].passed
    assert run(instance) == {f"{table}_made": 0 for table in partitions_ahead.TABLES}
    (schedule,) = [one for one in definitions().schedules or () if one.name == "nightly_partitions"]
    assert isinstance(schedule, dg.ScheduleDefinition)
    assert schedule.job_name == "make_partitions_ahead"


def test_the_later_months_are_no_fault_yet(take_away: Take, instance: dg.DagsterInstance) -> None:
    for ahead in (2, 3):
        take_away(ahead)
    evaluation, _ = check(instance, KEY)
    assert evaluation.passed
    assert evaluation.metadata["missing_later"].value == 4


def test_without_its_role_the_job_says_which_setting_is_missing(
    settings: Settings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings.postgres.retention_url is not None
    monkeypatch.delenv("TELEMETRY_POSTGRES__RETENTION_URL")
    settings_module.load.cache_clear()
    with pytest.raises(PermanentError, match="TELEMETRY_POSTGRES__RETENTION_URL"):
        run(instance)
