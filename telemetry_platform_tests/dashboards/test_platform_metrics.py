"""The exporter on the real stores: every metric has figures, and a store that is away is told as that."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from telemetry_platform.contracts.platform_metrics import METRICS, PREFIX
from telemetry_platform.errors import ConfigurationError
from telemetry_platform.stores import postgres
from telemetry_platform.usecases.platform_metrics import EVERY_SECONDS, PlatformMetrics
from telemetry_platform_tests.dashboards.standing_data import fill
from telemetry_platform_tests.stores.trail import trail_of
from telemetry_platform_tests.usecases.landing import a_session, just_now, queue

if TYPE_CHECKING:
    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings


@pytest.fixture(scope="module")
def filled(engines: PlatformHandle, module_platform: Settings) -> Settings:
    fill(module_platform, trail_of(engines, module_platform), datetime.now(UTC))
    queue(module_platform, a_session(1, just_now()))
    return module_platform


def _figures(text: bytes) -> dict[str, dict[str, float]]:
    """By metric and the value of its label."""
    return {
        family.name.removeprefix(PREFIX): {next(iter(one.labels.values()), ""): one.value for one in family.samples}
        for family in text_string_to_metric_families(text.decode())
    }


def test_every_metric_has_figures_and_they_are_those_of_the_stores(filled: Settings) -> None:
    found = _figures(PlatformMetrics(filled, lambda: 0.0).text())
    assert set(found) == set(METRICS)
    assert [name for name, figures in found.items() if not figures] == []
    assert found["store_up"] == {"postgres": 1, "redis": 1, "clickhouse": 1}
    assert found["queue_entries"]["telemetry:landing:media:0"] == 6
    assert found["queue_entries"]["telemetry:landing:errors:0"] == 0
    assert found["lost_entries"] == {"telemetry:landing:media:0": 2}
    assert found["intake_gap_entries"] == {"audit": 4}
    assert found["dead_letters_waiting"] == {"media": 3}
    assert found["unfinished_batch_tries"] == {"telemetry:landing:media:0": 3}
    assert found["retention_stuck"] == {"media_events": 0, "api_metrics": 1}
    assert found["retention_expired_rows"] == {"media_events": 0, "api_metrics": 400}
    assert found["trail_whole"] == {"": 1}
    assert found["erasures_open"] == {"requested": 1, "held": 1}
    assert found["hour_events"]["stored"] == 3 * 95
    assert found["hour_longest_wait_seconds"]["media"] == 30
    assert 0 <= found["exclusions_full_age_seconds"][""] < 3600
    assert 0 < min(found["disk_free_ratio"].values()) <= 1
    assert found["rollup_days_due"]["video_health_hourly"] == 1
    assert found["rollup_days_due"]["api_health_hourly"] == 0
    assert 7200 <= found["rollup_due_seconds"]["video_health_hourly"] < 8000


def test_a_store_that_is_away_has_no_figures_and_is_told(filled: Settings) -> None:
    nowhere = SecretStr("postgresql://telemetry_dashboards@127.0.0.1:9/telemetry")
    away = filled.model_copy(update={"postgres": filled.postgres.model_copy(update={"dashboards_url": nowhere})})
    found = _figures(PlatformMetrics(away, lambda: 0.0).text())
    assert found["store_up"] == {"postgres": 0, "redis": 1, "clickhouse": 1}
    assert found["trail_whole"] == {}
    assert found["queue_entries"]


def test_figures_are_read_again_when_they_are_old_and_not_before(filled: Settings) -> None:
    clock = [0.0]
    exporter = PlatformMetrics(filled, lambda: clock[0])
    exporter.text()
    assert filled.postgres.owner_url is not None
    with postgres.connect(filled.postgres.owner_url.get_secret_value(), autocommit=True) as owner:
        owner.execute("UPDATE ingest.producer_marks SET seen = '{[1,4)}'")
        assert _figures(exporter.text())["lost_entries"] == {"telemetry:landing:media:0": 2}
        clock[0] = EVERY_SECONDS
        assert _figures(exporter.text())["lost_entries"] == {"telemetry:landing:media:0": 7}
        owner.execute("UPDATE ingest.producer_marks SET seen = '{[1,4),[6,11)}'")


def test_without_its_role_the_exporter_says_what_to_set(filled: Settings) -> None:
    without = filled.model_copy(update={"postgres": filled.postgres.model_copy(update={"dashboards_url": None})})
    with pytest.raises(ConfigurationError, match="TELEMETRY_POSTGRES__DASHBOARDS_URL"):
        PlatformMetrics(without, lambda: 0.0)
