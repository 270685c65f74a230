"""How large the tables of Dagster's database are, counted and not estimated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from dagster._core.storage.event_log import SqlEventLogStorageTable
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from dagster._core.storage.runs.schema import RunsTable, SnapshotsTable
from dagster._core.storage.schedules.schema import JobTickTable

from telemetry_platform.processing.history import TableSize

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from telemetry_platform.defs.operations.history_storage import History

RUNS, EVENTS, TICKS = RunsTable.name, SqlEventLogStorageTable.name, JobTickTable.name
_PER_TABLE = sa.text(
    "SELECT relname, pg_total_relation_size(oid) FROM pg_class "
    "WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
)


def sizes(history: History) -> list[TableSize]:
    """The tables that grow with time by name, then every other one that takes bytes, the largest first."""
    with history.run_storage.connect() as conn:
        taken = dict(conn.execute(_PER_TABLE).tuples().all()) if is_postgres(conn) else {}
        counted = {table.name: _count(conn, table) for table in (RunsTable, SnapshotsTable)}
    with history.events.index_connection() as conn:
        counted |= {table.name: _count(conn, table) for table in (SqlEventLogStorageTable, AssetCheckExecutionsTable)}
    with history.schedules.connect() as conn:
        counted[TICKS] = _count(conn, JobTickTable)
    found = [TableSize(name, rows, taken.pop(name, 0)) for name, rows in counted.items()]
    others = sorted(taken.items(), key=lambda item: item[1], reverse=True)
    return found + [TableSize(name, 0, size) for name, size in others]


def free_space(history: History) -> None:
    """Let PostgreSQL use again what deleted rows took, at once: by itself it would wait for a fifth of a table."""
    with history.run_storage.connect() as conn:
        if is_postgres(conn):
            alone = conn.execution_options(isolation_level="AUTOCOMMIT")
            for name in (EVENTS, AssetCheckExecutionsTable.name, RUNS, SnapshotsTable.name, TICKS):
                alone.execute(sa.text(f"VACUUM (ANALYZE) {name}"))


def is_postgres(conn: Connection) -> bool:
    """Whether the storage is a server, which tells sizes and frees space when it is told to."""
    return conn.dialect.name == "postgresql"


def _count(conn: Connection, table: sa.Table) -> int:
    return conn.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
