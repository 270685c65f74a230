"""The clocks for quiet times: they ask for what can run, and step aside for a drain that is at work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from telemetry_platform.defs.operations.schedules import quiet_drains
from telemetry_platform.defs.resources import PlatformResource
from telemetry_platform.stores import lease, postgres
from telemetry_platform_tests.defs.front_door import definitions

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings


def tick() -> object:
    return quiet_drains(dg.build_schedule_context(resources={"platform": PlatformResource()}))


def test_a_quiet_platform_gets_a_drain_that_ends_when_nothing_is_left(settings: Settings) -> None:
    found = tick()
    assert isinstance(found, dg.RunRequest)
    assert dg.validate_run_config(definitions().resolve_job_def("drain_landing"), found.run_config)
    assert found.run_config["ops"]["drain_streams"]["config"] == {"until_idle": True}
    assert settings.profile


def test_a_drain_at_work_is_left_alone(settings: Settings) -> None:
    with postgres.connect(settings.postgres, autocommit=True) as connection:
        held = lease.acquire(connection, lease.DRAIN, holder="somebody", run_id="", seconds=60)
        assert held is not None
        assert isinstance(tick(), dg.SkipReason)
        lease.release(connection, held)
    assert isinstance(tick(), dg.RunRequest)
