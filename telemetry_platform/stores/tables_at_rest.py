"""Looking at tables at rest: how many rows there are, and how many values of a column are not what they must be.

Invariants: it counts and returns no value; identifiers come from contracts; a table or column that cannot be read
raises, because a check that could not look must never be green. The audit trail is read as the role that may only
look (`read_url`): the drain's role cannot read what it appends.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from telemetry_platform import sql_files
from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.errors import ContractViolationError
from telemetry_platform.stores import postgres
from telemetry_platform.stores.warehouse import Warehouse, open_warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from telemetry_platform.contracts.event_kind import Table
    from telemetry_platform.settings import Settings


@dataclass(frozen=True)
class Counted:
    """Values that are not NULL, and those of them that are not what they must be."""

    looked_at: int
    wrong: int


@dataclass(frozen=True)
class Look:
    """At which values to look: of a column, in rows whose time is not before `since`, against a pattern.

    `among` restricts it to rows that say one of these values in another column.
    """

    column: str
    pattern: str
    must_match: bool
    since: datetime
    among: tuple[str, tuple[str, ...]] | None = None


class TablesAtRest(Protocol):
    """Tables of one store."""

    def count(self, table: Table, look: Look) -> Counted:
        """Look at one column of some rows."""

    def count_rows(self, table: Table) -> int:
        """All rows; of a table whose rows are versions, the current ones."""


@dataclass(frozen=True)
class ClickHouseTables:
    """Tables of the warehouse."""

    warehouse: Warehouse

    def count(self, table: Table, look: Look) -> Counted:
        """Also looks at superseded versions: they are at rest until a merge removes them."""
        among, values = look.among or (look.column, ())
        parameters = {
            "table": table.name,
            "column": look.column,
            "pattern": look.pattern,
            "must_match": look.must_match,
            "time": table.retention.column,
            "since": look.since,
            "among": among,
            "values": list(values),
        }
        looked_at, wrong = self.warehouse.rows("check_column", parameters)[0]
        return Counted(int(looked_at), int(wrong))

    def count_rows(self, table: Table) -> int:
        """Answered from the parts' own counts, except for versions, which must be told apart."""
        name = "count_current_rows" if table.final else "count_rows"
        return int(self.warehouse.rows(name, {"table": table.name})[0][0])


_BESIDE = {("audit.audit_logs", "details"): "audit.details_in_time"}
"""Columns that rest beside their row, and the view that has them together with its times."""


@dataclass(frozen=True)
class PostgresTables:
    """Tables of Telemetry PostgreSQL."""

    connection: postgres.Connection

    def count(self, table: Table, look: Look) -> Counted:
        """The database's own function quotes the identifiers. Raises ContractViolationError for a part of the rows."""
        if look.among is not None:
            raise ContractViolationError(f"{table.name}: no rule of a PostgreSQL table looks at some of its rows only")
        looked_at, wrong = self.connection.execute(
            sql_files.read("postgres/queries/check_column.sql").encode(),
            {
                "table": _BESIDE.get((table.name, look.column), table.name),
                "column": look.column,
                "pattern": look.pattern,
                "must_match": look.must_match,
                "time": table.retention.column,
                "since": look.since,
            },
        ).fetchall()[0]
        return Counted(looked_at, wrong)

    def count_rows(self, table: Table) -> int:
        """Counts them."""
        query = sql_files.read("postgres/queries/count_rows.sql").encode()
        return int(self.connection.execute(query, {"table": table.name}).fetchall()[0][0])


@contextmanager
def open_tables(settings: Settings, store: Store, *, log_comment: str) -> Iterator[TablesAtRest]:
    """The tables of a store for the block."""
    if store is Store.CLICKHOUSE:
        with open_warehouse(settings.clickhouse, log_comment=log_comment) as warehouse:
            yield ClickHouseTables(warehouse)
    else:
        address = settings.postgres.read_url or settings.postgres.url
        with postgres.connect(address.get_secret_value(), application="telemetry-checks") as connection:
            yield PostgresTables(connection)
