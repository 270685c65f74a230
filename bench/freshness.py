"""`freshness.p95`: seconds from a 202 to the row being readable, while a drain runs and from idle.

The whole platform runs as in production: the sensor sees the entry, Dagster launches the drain, the drain stores it.
The floor is what the engines need for one event when nothing waits for anything: add to a stream, read, insert,
see. The promises are 2 seconds while draining and 15 from idle; they are printed beside.
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
from telemetry_platform.stores import lease, postgres, redis
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


def _floor(handle: PlatformHandle, warehouse: Warehouse) -> float:
    """Seconds for one event through the bare engines, at p95: XADD, XREAD, INSERT, SELECT."""
    warehouse.client.command("CREATE TABLE freshness_floor (event_id UUID) ENGINE = MergeTree ORDER BY event_id")
    took = []
    with redis.connect(handle.settings.redis) as client:
        for _ in range(DRAINING):
            event_id = str(uuid.uuid4())
            began = time.perf_counter()
            client.xadd("telemetry:bench:freshness", {"event_id": event_id})
            client.xread({"telemetry:bench:freshness": "0"}, count=1)
            warehouse.client.command("INSERT INTO freshness_floor VALUES ({event_id:UUID})", {"event_id": event_id})
            warehouse.client.scalar(
                "SELECT count() FROM freshness_floor WHERE event_id = {event_id:UUID}", {"event_id": event_id}
            )
            took.append(time.perf_counter() - began)
        client.delete("telemetry:bench:freshness")
    warehouse.client.command("DROP TABLE freshness_floor")
    return float(np.quantile(took, 0.95))


def measure(handle: PlatformHandle) -> list[Figure]:
    """First from idle (each waits for the drain's budget to end), then while draining."""
    rng = random.Random(13)  # noqa: S311 - the same load on every run
    headers = {"authorization": f"Bearer {bearer(handle)}", "x-consent-level": "2"}
    with (
        httpx.Client(base_url=handle.api_url, headers=headers, timeout=10) as api,
        open_warehouse(handle.settings.clickhouse, log_comment="bench") as warehouse,
    ):
        floor = _floor(handle, warehouse)
        idle = []
        for _ in range(FROM_IDLE):
            _wait_until_idle(handle)
            idle.append(_seconds_until_readable(api, warehouse, rng))
            note(f"from idle: {idle[-1]:.2f} s")
        _wait_until_idle(handle)
        _seconds_until_readable(api, warehouse, rng)
        draining = [_seconds_until_readable(api, warehouse, rng) for _ in range(DRAINING)]
    figures = []
    for name, took, promise in (("draining", draining, PROMISE_DRAINING), ("idle", idle, PROMISE_IDLE)):
        p95 = float(np.quantile(took, 0.95))
        kept = "kept" if p95 < promise else "broken"
        note(f"{name}: median {np.median(took):.2f} s, p95 {p95:.2f} s of {len(took)}; promise {promise:.0f} s {kept}")
        figures.append(Figure(f"freshness.p95.{name}", p95, "s", floor))
    return figures
