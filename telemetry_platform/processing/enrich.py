"""What the drain adds to decoded rows: country and region of the address, when they were stored, by which batch.

Invariant: an address is looked up once per batch, however many rows carry it; an address that nobody knows costs NULLs,
never a row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from telemetry_platform.processing.row_schema import MILLISECONDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from telemetry_platform.contracts.event_kind import Table

Place = tuple[str | None, str | None]
"""Country (ISO 3166-1 alpha-2) and region (ISO 3166-2)."""


def add_drain_columns(
    table: Table, rows: pa.Table, *, place_of: Callable[[str], Place], now: datetime, batch_id: str
) -> pa.Table:
    """The rows with every column of FROM_DRAIN that the table has, in the table's order."""
    added: dict[str, pa.Array | pa.ChunkedArray] = {
        "ingested_at": pa.repeat(pa.scalar(now, MILLISECONDS), rows.num_rows),
        "batch_id": pa.repeat(pa.scalar(batch_id), rows.num_rows),
    }
    wanted = {column.name for column in table.columns}
    if "country_code" in wanted:
        added["country_code"], added["region"] = _places(rows["ip_truncated"], place_of)
    return pa.table(
        {
            column.name: added[column.name] if column.name in added else rows[column.name]
            for column in table.carried
            if column.name in added or column.name in rows.schema.names
        }
    )


def _places(addresses: pa.ChunkedArray, place_of: Callable[[str], Place]) -> tuple[pa.Array, pa.Array]:
    """Country and region of each address."""
    distinct = pc.unique(addresses).drop_null()
    found = [place_of(address) for address in distinct.to_pylist()]
    at = pc.index_in(addresses, value_set=distinct, skip_nulls=True)
    countries = pa.array([country for country, _ in found], pa.string())
    regions = pa.array([region for _, region in found], pa.string())
    return countries.take(at), regions.take(at)
