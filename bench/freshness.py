"""`freshness.p95`: seconds from a 202 to the row being readable, while a drain runs and from idle.

The whole platform runs as in production: the sensor sees the entry, Dagster launches the drain, the drain stores it.
The floors are the promises: 2 seconds while draining, 15 from idle; a ratio below 1 keeps the promise.
"""

from __future__ import annotations

import random
import time
import uuid
from typing import TYPE_CHECKING

import httpx
import numpy as np

from bench.api_batches import PATH, bearer, heartbeat
from bench.figures import Figure, note
from telemetry_platform.stores import lease, postgres
from telemetry_platform.stores.warehouse import open_warehouse

if TYPE_CHECKING:
    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.stores.warehouse import Warehouse

DRAINING = 60
FROM_IDLE = 8
PROMISE_DRAINING = 2.0
PROMISE_IDLE = 15.0
_GIVE_UP = 90.0
_READABLE = "SELECT count() FROM media_events WHERE event_id = {event_id:UUID}"


def _seconds_until_readable(api: httpx.Client, warehouse: Warehouse, rng: random.Random) -> float:
    """Post one event and look for its row until it is there."""
    event = heartbeat(rng, str(uuid.UUID(int=rng.getrandbits(128), version=4)))
    answer = api.post(PATH, json=event)
    answer.raise_for_status()
    accepted = time.perf_counter()
    while time.perf_counter() - accepted < _GIVE_UP:
        if warehouse.client.scalar(_READABLE, {"event_id": event["event_id"]}):
            return time.perf_counter() - accepted
        time.sleep(0.02)
    raise TimeoutError("an accepted event was not readable in time: look at the drain's runs")


def _wait_until_idle(handle: PlatformHandle) -> None:
    """Until no drain holds the lease."""
    with postgres.connect(handle.settings.postgres, autocommit=True) as connection:
        while lease.current(connection, lease.DRAIN) is not None:
            time.sleep(0.2)


def measure(handle: PlatformHandle) -> list[Figure]:
    """First from idle (each waits for the drain's budget to end), then while draining."""
    rng = random.Random(13)  # noqa: S311 - the same load on every run
    headers = {"authorization": f"Bearer {bearer(handle)}", "x-consent-level": "2"}
    with (
        httpx.Client(base_url=handle.api_url, headers=headers, timeout=10) as api,
        open_warehouse(handle.settings.clickhouse, log_comment="bench") as warehouse,
    ):
        idle = []
        for _ in range(FROM_IDLE):
            _wait_until_idle(handle)
            idle.append(_seconds_until_readable(api, warehouse, rng))
            note(f"from idle: {idle[-1]:.2f} s")
        _wait_until_idle(handle)
        _seconds_until_readable(api, warehouse, rng)
        draining = [_seconds_until_readable(api, warehouse, rng) for _ in range(DRAINING)]
        note(f"while draining: median {np.median(draining):.2f} s")
    return [
        Figure("freshness.p95.draining", float(np.quantile(draining, 0.95)), "s", PROMISE_DRAINING),
        Figure("freshness.p95.idle", float(np.quantile(idle, 0.95)), "s", PROMISE_IDLE),
    ]
