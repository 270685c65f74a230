"""The asset graph as a whole, and that it loads with nothing around it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from telemetry_platform.contracts.pii import Hashed
from telemetry_platform.contracts.registry import tables
from telemetry_platform.defs.keys import table_key
from telemetry_platform_tests.defs.front_door import definitions

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

CHECKOUT = Path(__file__).parents[2]
BINARIES = Path(sys.executable).parent


def graph() -> dict[str, Any]:
    """What a change of the graph changes, in words."""
    repository = definitions().get_repository_def()
    assets = repository.asset_graph
    return {
        "assets": {key.to_user_string(): asset(assets.get(key)) for key in sorted(assets.get_all_asset_keys())},
        "checks": sorted(f"{key.asset_key.to_user_string()}: {key.name}" for key in assets.asset_check_keys),
        "jobs": {
            job.name: {"tags": dict(job.run_tags or {}), "steps": sorted(node.name for node in job.nodes)}
            for job in repository.get_all_jobs()
            if not job.name.startswith("__")
        },
        "sensors": {
            sensor.name: [sensor.job_name, sensor.minimum_interval_seconds, sensor.default_status.value]
            for sensor in repository.sensor_defs
        },
        "schedules": {
            schedule.name: [schedule.job_name, schedule.cron_schedule, schedule.default_status.value]
            for schedule in repository.schedule_defs
        },
    }


def asset(node: Any) -> dict[str, Any]:  # noqa: ANN401 - Dagster's own node, of no public type
    return {
        "upstream": sorted(key.to_user_string() for key in node.parent_keys),
        "owners": sorted(node.owners),
        "kinds": sorted(node.kinds),
        "group": node.group_name,
        "tags": {name: value for name, value in sorted(node.tags.items()) if not name.startswith("dagster/kind")},
        "code_version": node.code_version,
        "executable": node.is_executable,
        "has_freshness_policy": node.freshness_policy is not None,
        "columns": len(node.metadata["dagster/column_schema"].columns)
        if "dagster/column_schema" in node.metadata
        else 0,
        "table": node.metadata.get("dagster/table_name"),
    }


def test_the_asset_graph_is_as_it_was(snapshot: SnapshotAssertion) -> None:
    assert graph() == snapshot


def test_every_table_of_the_contracts_is_an_asset_with_its_columns() -> None:
    assets = definitions().get_repository_def().asset_graph
    for table in tables().values():
        schema = assets.get(table_key(table)).metadata["dagster/column_schema"]
        assert isinstance(schema, dg.TableSchema)
        assert [column.name for column in schema.columns] == [column.name for column in table.columns]
        assert all(column.description for column in schema.columns)
        assert {column.name for column in schema.columns if column.tags.get("treatment") == "hashed"} == {
            column.name for column in table.columns if isinstance(column.treatment, Hashed)
        }


def test_every_asset_has_an_owner_a_group_and_a_description() -> None:
    assets = definitions().get_repository_def().asset_graph
    for key in assets.get_all_asset_keys():
        node = assets.get(key)
        assert node.owners, key
        assert node.group_name != "default", key
        assert node.description, key


def test_definitions_load_in_a_fresh_interpreter_without_services_or_secrets(tmp_path: Path) -> None:
    code = (
        "import sys; from telemetry_platform.definitions import defs; "
        "defs().get_repository_def().load_all_definitions(); "
        "print(sorted(name for name in sys.modules if name.startswith('telemetry_platform.embedded')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={}, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_dg_check_defs_passes(tmp_path: Path) -> None:
    done = subprocess.run(
        [BINARIES / "dg", "check", "defs"],
        env={"PATH": f"{BINARIES}:/usr/bin:/bin", "HOME": str(tmp_path), "DAGSTER_HOME": str(tmp_path)},
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All definitions loaded successfully" in done.stdout
