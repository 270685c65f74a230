"""`lookup.<ids>`: how long the drain asks whether ids are known already, in a table of five million rows over a week.

Most kinds have events without a session, so all of the late window is looked through. The floor reads the column of ids
once, against nothing: what no plan without an order by id can do without.
"""

from __future__ import annotations

import random
import statistics
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

from bench.figures import Figure
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.stores.tenant_keys import tenant_keys
from telemetry_platform.stores.warehouse import Warehouse, open_warehouse

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings

ROWS, BLOCKS = 5_000_000, 10
IDS = (100, 5_000, 50_000)
ROUNDS = 5
_ORG = "clinic-3"
_FILL = """
    INSERT INTO api_metrics (event_id, occurred_at, client_at, received_at, ingested_at, org_id, batch_id, method,
        route, status_code, duration_ms)
    SELECT generateUUIDv4(number), at, at, at, at, concat('clinic-', toString(number % 20)), {batch_id:String}, 'GET',
        concat('/v1/', toString(number % 13)), 200, number % 1000
    FROM (SELECT number, now64(3) - toIntervalSecond(rand(1) % 600000) AS at FROM numbers({rows:UInt64}))
"""
_FLOOR = "SELECT count() FROM api_metrics WHERE event_id = generateUUIDv4() SETTINGS use_skip_indexes = 0"


def measure(settings: Settings) -> list[Figure]:
    """The median of the rounds, of ids that the table does not hold: nearly all are such."""
    rng = random.Random(17)  # noqa: S311 - the same ids on every run
    figures = []
    with open_warehouse(settings.clickhouse, log_comment="bench") as warehouse:
        for block in range(BLOCKS):
            warehouse.client.command(_FILL, {"batch_id": f"lookup-{block}", "rows": ROWS // BLOCKS})
        floor = statistics.median(_scan_ms(warehouse) for _ in range(ROUNDS))
        for count in IDS:
            took = [_lookup_ms(warehouse, rng, count) for _ in range(ROUNDS)]
            figures.append(Figure(f"lookup.{count}", statistics.median(took), "ms", floor))
    return figures


def _scan_ms(warehouse: Warehouse) -> float:
    began = time.perf_counter()
    warehouse.client.query(_FLOOR)
    return (time.perf_counter() - began) * 1000


def _lookup_ms(warehouse: Warehouse, rng: random.Random, count: int) -> float:
    ids = [str(uuid.UUID(int=rng.getrandbits(128), version=4)) for _ in range(count)]
    keys = tenant_keys(pa.table({"event_id": ids, "org_id": [_ORG] * count}), "event_id")
    since = datetime.now(UTC) - timedelta(days=8)
    began = time.perf_counter()
    warehouse.known_events(kinds()["api_metrics"].table, keys, batch_id="bench", since=since)
    return (time.perf_counter() - began) * 1000
