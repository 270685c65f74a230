"""`stats.bandwidth_7d` and `.p50`: how long the statistics of a week take over HTTP, in rollups of 50 million sessions.

A hundred tenants, forty countries, an hour a row; straight into the rollup, which is what would be there. The floor is
the statement alone, on a connection that is open: what is above it are the token, the limits, the figures and JSON.
"""

from __future__ import annotations

import statistics as figures_of
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx

from bench.api_batches import bearer
from bench.figures import Figure
from telemetry_platform.contracts.statistics import Stretch
from telemetry_platform.stores import statistics
from telemetry_platform.stores.warehouse import open_warehouse

if TYPE_CHECKING:
    from collections.abc import Callable

    from telemetry_platform.embedded.platform import PlatformHandle

ROUNDS, WARM = 60, 5
DAYS = 8
"""A week that ends now touches eight days."""
_FILL = """
    INSERT INTO video_health_hourly (org_id, hour, dimension, value, sessions, started, completed, abandoned,
        fatal_sessions, stalled_sessions, ttfb_ms_count, ttfb_ms_sum, load_ms_count, load_ms_sum, startup_ms_count,
        startup_ms_sum, stall_count, stall_ms, watched_seconds, bitrate_seconds, bitrate_weight, completion_count,
        completion_sum, ttfb_ms_histogram, load_ms_histogram, startup_ms_histogram, few_actors, built_at)
    SELECT if(number % 100 = 0, 'bench', concat('clinic-', toString(number % 100))),
        {day:DateTime64(3, 'UTC')} + toIntervalHour(intDiv(number, 4000)), 'country_code',
        concat('C', toString(intDiv(number, 100) % 40)),
        75, 75, 60, 15, 2, 20, 70, 70 * 240.5, 70, 70 * 900.25, 70, 70 * 1300.125, 90, 9000, 30000, 6e10, 29000, 70, 60,
        spread, spread, spread,
        arrayMap(i -> bitShiftLeft(toUInt64(1), 48) + cityHash64(number, i) % 1000000, range(5)),
        {day:DateTime64(3, 'UTC')}
    FROM (
        SELECT
            number,
            arrayMap(i -> toUInt32((cityHash64(number, i) % 4) * (i > 40)), range(70 + number % 30)) AS spread
        FROM numbers(96000)
    )
"""


def measure(handle: PlatformHandle) -> list[Figure]:
    """The 95th percentile and the median of the rounds, one after another."""
    now = datetime.now(UTC)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    over = Stretch(today - timedelta(days=7), today + timedelta(days=1))
    with open_warehouse(handle.settings.clickhouse, log_comment="bench") as warehouse:
        for day in range(DAYS):
            warehouse.client.command(_FILL, {"day": today - timedelta(days=day)})
        floor = _milliseconds(
            lambda: statistics.ask(warehouse, "select_video_stats", "bench", over, dimension="country_code")
        )
    headers = {"Authorization": f"Bearer {bearer(handle, role='support')}"}
    with httpx.Client(base_url=handle.api_url, headers=headers, timeout=30.0, trust_env=False) as http:

        def asked() -> None:
            answer = http.get("/v1/media/bandwidth/stats", params={"period": "7d", "group_by": "country_code"})
            answer.raise_for_status()

        took = _milliseconds(asked)
    return [
        Figure("stats.bandwidth_7d", _p95(took), "ms", _p95(floor)),
        Figure("stats.bandwidth_7d.p50", figures_of.median(took), "ms", figures_of.median(floor)),
    ]


def _p95(took: list[float]) -> float:
    return figures_of.quantiles(took, n=20)[-1]


def _milliseconds(task: Callable[[], object]) -> list[float]:
    took = []
    for number in range(WARM + ROUNDS):
        began = time.perf_counter()
        task()
        if number >= WARM:
            took.append((time.perf_counter() - began) * 1000)
    return took
