"""An attack that is under way turns its check yellow, for an hour, and the drain's asset says what was detected."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from telemetry_platform.contracts.events.security import EVENTS
from telemetry_platform.defs.keys import HEARTBEAT, table_key
from telemetry_platform_tests.defs.front_door import check, drain_until_idle
from telemetry_platform_tests.usecases.detected import failed
from telemetry_platform_tests.usecases.landing import an_id, queue

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings

UNDER_WAY = dg.AssetCheckKey(table_key(EVENTS), "no_attack_is_under_way")


@pytest.fixture
def platform(module_platform: Settings) -> Settings:
    return module_platform


@pytest.fixture
def instance(shared_instance: dg.DagsterInstance) -> dg.DagsterInstance:
    return shared_instance


def test_an_attack_is_shown_while_it_is_under_way(settings: Settings, instance: dg.DagsterInstance) -> None:
    now = datetime.now(UTC)
    before = now - timedelta(hours=3)
    queue(settings, [failed(number, before + timedelta(milliseconds=100 * number)) for number in range(120)])
    told = {
        event.asset_key: event.materialization.metadata
        for event in drain_until_idle(instance).get_asset_materialization_events()
    }
    assert int(str(told[HEARTBEAT]["attacks_detected"].value)) >= 3
    evaluation, _ = check(instance, UNDER_WAY)
    assert (evaluation.passed, evaluation.metadata["episodes"].value) == (True, 0)

    burst = [failed(200 + number, now - timedelta(milliseconds=100 * number)) for number in range(120)]
    queue(settings, burst)
    drain_until_idle(instance)
    evaluation, _ = check(instance, UNDER_WAY)
    assert (evaluation.passed, evaluation.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "failed_auth_by_network: high" in str(evaluation.description)
    shown = f"{evaluation.description} {evaluation.metadata}"
    assert not [word for word in ("203.0.113", "clinic-1", an_id("failed", 200)) if word in shown]
