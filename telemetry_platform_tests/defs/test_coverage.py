"""A table that somebody adds beside the contracts turns a check red: no test sees a production database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
import pytest

from telemetry_platform.defs.keys import HEARTBEAT
from telemetry_platform.stores import postgres
from telemetry_platform_tests.defs.front_door import check

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings

REGISTERED = dg.AssetCheckKey(HEARTBEAT, "personal_data_is_registered")


@pytest.fixture
def platform(module_platform: Settings) -> Settings:
    return module_platform


@pytest.fixture
def instance(shared_instance: dg.DagsterInstance) -> dg.DagsterInstance:
    return shared_instance


def test_a_table_beside_the_contracts_turns_the_check_red(settings: Settings, instance: dg.DagsterInstance) -> None:
    assert check(instance, REGISTERED)[0].passed
    assert settings.postgres.owner_url is not None
    with postgres.connect(settings.postgres.owner_url.get_secret_value(), autocommit=True) as owner:
        owner.execute("CREATE TABLE ops.export_for_marketing (email text)")
        evaluation, _ = check(instance, REGISTERED)
        owner.execute("DROP TABLE ops.export_for_marketing")
    assert not evaluation.passed
    assert "ops.export_for_marketing" in str(evaluation.description)
    assert evaluation.metadata["gaps"].value == 1
    assert check(instance, REGISTERED)[0].passed
