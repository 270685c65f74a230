"""What columns a database really has, also in tables that no release of ours made.

Invariant: what cannot be read raises; a look that saw nothing must never be taken for a database that holds nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from telemetry_platform import sql_files
from telemetry_platform.errors import UnreadyStoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.warehouse import Warehouse


class LiveColumn(NamedTuple):
    """One column at rest; `type` in the words of its store."""

    table: str
    name: str
    type: str


def of_warehouse(warehouse: Warehouse) -> list[LiveColumn]:
    """Of the ClickHouse database."""
    return _found(warehouse.rows("select_live_columns"), "ClickHouse")


def of_postgres(conn: Connection) -> list[LiveColumn]:
    """Of the PostgreSQL database, all schemas."""
    statement = sql_files.read("postgres/queries/select_live_columns.sql").encode()
    return _found(conn.execute(statement, {}).fetchall(), "PostgreSQL")


def _found(rows: Iterable[Sequence[str]], store: str) -> list[LiveColumn]:
    columns = [LiveColumn(*row) for row in rows]
    if not columns:
        raise UnreadyStoreError(f"{store} shows no column at all: run `telemetry schema apply`, or look at the rights")
    return columns
