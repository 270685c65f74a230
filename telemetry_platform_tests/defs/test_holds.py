"""A hold that did not reach the warehouse turns a check red, and so does one that has not left it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
import pytest

from telemetry_platform.defs.keys import HEARTBEAT
from telemetry_platform_tests.defs.front_door import check
from telemetry_platform_tests.usecases.holding import follow, hold, release

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings

KEPT = dg.AssetCheckKey(HEARTBEAT, "holds_are_kept")


@pytest.fixture
def platform(module_platform: Settings) -> Settings:
    return module_platform


@pytest.fixture
def instance(shared_instance: dg.DagsterInstance) -> dg.DagsterInstance:
    return shared_instance


def test_a_hold_and_a_release_that_did_not_reach_the_warehouse_are_red(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    assert check(instance, KEPT)[0].passed
    placed = hold(settings, "u-1")
    evaluation, _ = check(instance, KEPT)
    assert not evaluation.passed
    assert "media_events has a TTL" in str(evaluation.description)
    assert evaluation.metadata["holds_in_force"].value == 1
    follow(settings)
    assert check(instance, KEPT)[0].passed
    release(settings, placed.hold.hold_id)
    evaluation, _ = check(instance, KEPT)
    assert not evaluation.passed
    assert "has no TTL, and nobody is held" in str(evaluation.description)
    follow(settings)
    assert check(instance, KEPT)[0].passed
