"""Everything that a PostgreSQL database holds, decoded: every table and the catalogue with its statistics.

Invariant: a table that the role may not read is named in `unread`; one that cannot be read for another reason raises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform import sql_files
from telemetry_platform.stores.parts_at_rest import TablePart
from telemetry_platform.stores.postgres import SQL, Identifier

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.stores.postgres import Connection


def tables(conn: Connection, unread: list[str]) -> Iterator[TablePart]:
    """All tables of the connection's database; `unread` gets the names of those that the role may not read."""
    statement = sql_files.read("postgres/queries/select_readable_tables.sql").encode()
    for schema, table, columns, may_read in conn.execute(statement, {}).fetchall():
        if may_read:
            yield TablePart(f"{schema}.{table}", tuple(columns), _blocks(conn, schema, table, columns))
        else:
            unread.append(f"{schema}.{table}")


def _blocks(conn: Connection, schema: str, table: str, columns: list[str]) -> Iterator[bytes]:
    statement = SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(
        SQL(", ").join(map(Identifier, columns)), Identifier(schema, table)
    )
    with conn.cursor() as cursor, cursor.copy(statement) as copy:
        for block in copy:
            yield bytes(block)
