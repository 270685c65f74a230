"""`dagster.yaml` and `workspace.yaml` on the real PostgreSQL: they load, say what they should, and hold no secret."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_shared.serdes import serialize_value

from telemetry_platform.defs.landing.drain import EXCLUSIVE_TAG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.embedded.platform import PlatformHandle

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def stored(home: Path, engines: PlatformHandle, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """The instance as services see it: a home that links to the checkout's file, and the platform's variables."""
    for name, value in engines.env.items():
        if name.startswith("DAGSTER_") and name != "DAGSTER_HOME":
            monkeypatch.setenv(name, value)
    (home / "dagster.yaml").symlink_to(CHECKOUT / "dagster.yaml")
    with dg.DagsterInstance.from_config(str(home)) as found:
        yield found


def test_runs_events_and_schedules_are_kept_in_postgresql(stored: dg.DagsterInstance) -> None:
    assert stored.get_runs(limit=1) == []
    for storage in (stored.run_storage, stored.event_log_storage, stored.schedule_storage):
        assert type(storage).__module__.startswith("dagster_postgres.")


def test_one_drain_at_a_time_and_runs_that_start_within_a_second(stored: dg.DagsterInstance) -> None:
    queue = stored.get_concurrency_config().run_queue_config
    assert queue is not None
    limits = [(limit["key"], limit["value"], limit["limit"]) for limit in queue.tag_concurrency_limits]
    assert limits == [(EXCLUSIVE_TAG, {"applyLimitPerUniqueValue": True}, 1)]
    assert stored.run_coordinator.dequeue_interval_seconds == 1  # type: ignore[attr-defined]  # of the queued one


def test_what_hangs_is_ended_and_what_is_old_is_forgotten(stored: dg.DagsterInstance) -> None:
    assert stored.run_monitoring_enabled
    assert stored.run_monitoring_start_timeout_seconds == 180
    assert stored.get_settings("run_monitoring")["free_slots_after_run_end_seconds"] == 60
    kept = stored.get_tick_retention_settings(InstigatorType.SENSOR)
    assert {status.value: days for status, days in kept.items()} == {
        "SKIPPED": 2,
        "FAILURE": 30,
        "SUCCESS": 30,
        "STARTED": 7,
    }


def test_nothing_leaves_the_machine_and_logs_lie_in_the_home(stored: dg.DagsterInstance, home: Path) -> None:
    assert not stored.telemetry_enabled
    assert not stored.nux_enabled
    assert stored.freshness_enabled
    assert Path(stored.compute_log_manager._base_dir) == home  # type: ignore[attr-defined]  # noqa: SLF001 - no public name
    assert Path(stored.storage_directory()).is_relative_to(home)


def test_what_dagster_hands_on_to_its_processes_holds_no_secret(
    stored: dg.DagsterInstance, engines: PlatformHandle
) -> None:
    handed_on = serialize_value(stored.get_ref())
    assert "DAGSTER_PG_PASSWORD" in handed_on
    assert engines.env["DAGSTER_PG_PASSWORD"] not in handed_on


def test_the_workspace_is_one_code_server_at_the_address_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DAGSTER_CODE_SERVER_HOST", "127.0.0.1")
    monkeypatch.setenv("DAGSTER_CODE_SERVER_PORT", "4266")
    (origin,) = WorkspaceFileTarget(paths=[str(CHECKOUT / "workspace.yaml")]).create_origins()
    assert isinstance(origin, GrpcServerCodeLocationOrigin)
    assert (origin.host, origin.port, origin.location_name) == ("127.0.0.1", 4266, "telemetry")
