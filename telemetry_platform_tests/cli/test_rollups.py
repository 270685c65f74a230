"""`telemetry rollups` as whoever looks after the figures uses it: what is due, rebuild, compare."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform_tests.cli.test_rights import telemetry
from telemetry_platform_tests.usecases.landing import drain_all, media_entry, queue, quick

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings


def _due(told: str, rollup: str) -> str:
    (line,) = [line for line in told.splitlines() if line.startswith(f"{rollup} ")]
    return line.split()[4]


def test_what_is_due_is_listed_rebuilt_and_compared(platform: Settings) -> None:
    settings, moment = quick(platform), datetime.now(UTC) - timedelta(minutes=5)
    queue(settings, [media_entry(str(UUID(int=81)), "play", moment)])
    drain_all(settings)
    assert _due(telemetry(settings, "rollups", "list"), "video_health_hourly") == "1"

    told = telemetry(settings, "rollups", "rebuild", "--rollup", "video_health_hourly")
    assert f"video_health_hourly {moment.date().isoformat()}: 5 rows" in told
    assert _due(telemetry(settings, "rollups", "list"), "video_health_hourly") == "0"
    assert "0 differ" in telemetry(settings, "rollups", "verify", "--all")

    with open_warehouse(settings.clickhouse) as warehouse:
        warehouse.client.command(
            "ALTER TABLE video_health_hourly DELETE WHERE dimension = 'all' SETTINGS mutations_sync = 2"
        )
    day = ("--rollup", "video_health_hourly", "--day", moment.date().isoformat())
    assert "differs from its base" in telemetry(settings, "rollups", "verify", *day, code=1)
    telemetry(settings, "rollups", "rebuild", *day)
    assert "1 days compared, 0 differ" in telemetry(settings, "rollups", "verify", *day)
