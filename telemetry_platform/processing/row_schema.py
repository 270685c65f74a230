"""What a decoded row is made of: the columns of a table that come with an entry, as Arrow types.

Invariant: UUIDs and JSON are text here, and times are whole milliseconds until they have been checked.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import pyarrow as pa

from telemetry_platform.contracts import columns as c

if TYPE_CHECKING:
    from telemetry_platform.contracts.event_kind import Table

MILLISECONDS = pa.timestamp("ms", tz="UTC")
_ARROW_TYPES: dict[str, pa.DataType] = {
    "String": pa.string(),
    "Bool": pa.bool_(),
    "Float64": pa.float64(),
    "UInt8": pa.uint8(),
    "UInt16": pa.uint16(),
    "UInt32": pa.uint32(),
    "UInt64": pa.uint64(),
    "UUID": pa.string(),
    c.JSON: pa.string(),
    c.TIME: pa.int64(),
}
_DECIMAL = re.compile(r"Decimal\(9, ([0-9])\)")


def arrow_type(clickhouse: str) -> pa.DataType:
    """The type of a column's values."""
    match = _DECIMAL.fullmatch(clickhouse)
    return pa.decimal32(9, int(match[1])) if match else _ARROW_TYPES[clickhouse]


@lru_cache(maxsize=64)
def row_schema(table: Table) -> pa.Schema:
    """Columns of a decoded row: what comes in the body and beside it; UUIDs as text."""
    return pa.schema(
        pa.field(column.name, arrow_type(column.clickhouse), column.nullable, {"type": column.clickhouse})
        for column in table.carried
        if column.name not in c.FROM_DRAIN | c.FROM_STORE
    )
