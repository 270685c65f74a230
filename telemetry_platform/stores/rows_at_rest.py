"""All rows of a table as plain values, for whoever knows what must be there: reconciliation on a machine of one's own.

Invariants: whole tables, so this is nothing for a real server's volume; times are milliseconds since 1970 (UTC) and ids
are text, whichever store they come from, so that both compare alike.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from telemetry_platform import sql_files
from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.stores.postgres import SQL, Identifier

if TYPE_CHECKING:
    from collections.abc import Collection

    from telemetry_platform.contracts.event_kind import Table
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.warehouse import Warehouse

    Row = dict[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KEY = ("org_id", "event_id")
_BESIDE = {"details": "select_audit_details"}
"""Columns that rest in a table beside their row's, and the statement that finds them by tenant and event."""


def rows_at_rest(warehouse: Warehouse, conn: Connection, table: Table, columns: Collection[str]) -> list[Row]:
    """These columns of all rows, and what identifies each; of rows that are versions, superseded ones too."""
    beside = {column.name for column in table.beside} & set(columns)
    names = sorted({*_KEY, *columns} - beside)
    if table.store is Store.CLICKHOUSE:
        found = warehouse.all_rows(table).select(names).to_pylist()
    else:
        statement = SQL("SELECT {} FROM {}").format(
            SQL(", ").join(map(Identifier, names)), Identifier(*table.name.split("."))
        )
        found = [dict(zip(names, row, strict=True)) for row in conn.execute(statement).fetchall()]
    rows = [{name: _plain(value) for name, value in row.items()} for row in found]
    for column in beside:
        _add_beside(conn, rows, column)
    return rows


def _add_beside(conn: Connection, rows: list[Row], column: str) -> None:
    """The column that rests elsewhere; rows without a part there have none."""
    statement = sql_files.read(f"postgres/queries/{_BESIDE[column]}.sql").encode()
    bodies = {(org_id, event_id): body for org_id, event_id, body in conn.execute(statement).fetchall()}
    for row in rows:
        row[column] = bodies.get((row["org_id"], row["event_id"]))


def _plain(value: Any) -> Any:  # noqa: ANN401 - the columns of a table have no common type
    if isinstance(value, datetime):
        return (value - _EPOCH) // timedelta(milliseconds=1)
    if isinstance(value, UUID):
        return str(value)
    return float(value) if isinstance(value, Decimal) else value
