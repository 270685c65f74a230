"""Where the geo database cannot be used, a check says so, and a drain stores everything all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
import pytest

from telemetry_platform import settings as settings_module
from telemetry_platform.defs.keys import HEARTBEAT
from telemetry_platform.simulate.geo_database import write_geo_database
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform_tests.defs import entries
from telemetry_platform_tests.defs.front_door import check, drain_until_idle

if TYPE_CHECKING:
    from pathlib import Path

    from telemetry_platform.settings import Settings

ANSWERS = dg.AssetCheckKey(HEARTBEAT, "geo_database_answers")


@pytest.fixture
def platform(module_platform: Settings) -> Settings:
    return module_platform


@pytest.fixture
def instance(shared_instance: dg.DagsterInstance) -> dg.DagsterInstance:
    return shared_instance


def test_e59_a_corrupt_database_costs_countries_and_no_event_and_turns_its_check_red(
    settings: Settings, instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "geo.mmdb"
    path.write_bytes(b"0123456789")
    monkeypatch.setenv("TELEMETRY_GEO__DATABASE", str(path))
    settings_module.load.cache_clear()
    entries.add(settings, entries.media(1))

    result = drain_until_idle(instance)

    told = {event.asset_key: event.materialization.metadata for event in result.get_asset_materialization_events()}
    assert "cannot be used (InvalidDatabaseError)" in str(told[HEARTBEAT]["geo_database"].value)
    with open_warehouse(settings.clickhouse) as warehouse:
        assert [tuple(row) for row in warehouse.client.query("SELECT country_code, region FROM media_events")] == [
            (None, None)
        ]
    evaluation, _ = check(instance, ANSWERS)
    assert (evaluation.passed, evaluation.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "TELEMETRY_GEO__DATABASE" in str(evaluation.description)

    write_geo_database(path)
    assert check(instance, ANSWERS)[0].passed


def test_no_database_is_a_choice(settings: Settings, instance: dg.DagsterInstance) -> None:
    assert settings.geo.database is None
    evaluation, _ = check(instance, ANSWERS)
    assert evaluation.passed
    assert "no geo database is set" in str(evaluation.description)
