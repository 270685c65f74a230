"""What has expired in a ClickHouse table: found by reading rows, removed by partition or by rewriting.

Invariants: a partition is only dropped whole by a caller who saw that its newest row is expired; a rewrite counts as
done when the server says that it is, never when it was asked for. Names of tables stand in the text of two statements,
where no parameter can be: they come from the contracts and are looked at here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from telemetry_platform import sql_files
from telemetry_platform.errors import ContractViolationError

if TYPE_CHECKING:
    from datetime import datetime

    from telemetry_platform.contracts.event_kind import Table
    from telemetry_platform.stores.warehouse import Warehouse

_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
_KEY_COLUMNS = 3


@dataclass(frozen=True)
class ExpiringPartition:
    """A partition with expired rows; `newest` is the time of its newest row."""

    partition: str
    rows: int
    expired: int
    newest: datetime


@dataclass(frozen=True)
class Mutation:
    """A rewrite that has not ended: what is left of it, whether it is worked on just now, and whether it has failed."""

    table: str
    mutation_id: str
    parts: int
    is_at_work: bool
    has_failed: bool


class ExpiringTable:
    """One table and one cut-off."""

    def __init__(self, warehouse: Warehouse, table: Table, cut_off: datetime) -> None:
        self.warehouse = warehouse
        self.table = table
        self.cut_off = cut_off
        self._scope: dict[str, Any] = {"table": table.name, "time": table.retention.column, "cut_off": cut_off}

    def rows(self) -> int:
        """All rows, superseded versions too."""
        return int(self.warehouse.rows("count_rows", {"table": self.table.name})[0][0])

    def expired(self) -> tuple[int, datetime | None]:
        """Expired rows, and the time of the oldest of them."""
        count, oldest = self.warehouse.rows("count_expired_rows", self._scope)[0]
        return int(count), oldest

    def oldest(self) -> datetime | None:
        """The time of the oldest row that is there."""
        found: datetime | None = self.warehouse.rows("select_oldest_row", self._scope)[0][0]
        return found

    def is_partitioned(self) -> bool:
        """Whether a partition can end: one that takes all rows is never dropped, since new ones come at any moment."""
        found = self.warehouse.rows("select_partition_key", {"table": self.table.name})
        return bool(found and found[0][0])

    def partitions(self) -> list[ExpiringPartition]:
        """Those with expired rows, the oldest first."""
        found = self.warehouse.rows("select_expired_partitions", self._scope)
        return [ExpiringPartition(str(row[0]), int(row[1]), int(row[2]), row[3]) for row in found]

    def drop(self, partition: ExpiringPartition) -> None:
        """Remove a whole partition; it has happened when this returns."""
        self.warehouse.execute("drop_partition", {"table": self.table.name, "partition": partition.partition})

    def capped(self, partition: ExpiringPartition, most: int) -> datetime:
        """The cut-off before which about `most` rows of a partition are; never before its oldest row."""
        found = self.warehouse.rows(
            "select_capped_cut_off", {**self._scope, "partition": partition.partition, "most": most}
        )
        return found[0][0] if found else self.cut_off

    def begin_deletion(self, partition: ExpiringPartition, cut_off: datetime) -> None:
        """Ask for a rewrite without what is before the cut-off."""
        name = "delete_expired_versions" if self.table.final else "delete_expired_rows"
        self.warehouse.execute(name, self._within(partition, cut_off))

    def copy_survivors(self, partition: ExpiringPartition) -> int:
        """Copy what stays of a partition beside the table; how many rows that is."""
        self.drop_survivors()
        made = _named("make_survivors", self.table.name)
        self.warehouse.client.command(made, {"survivors": self._survivors})
        name = "copy_surviving_versions" if self.table.final else "copy_survivors"
        self.warehouse.execute(name, {**self._within(partition, self.cut_off), "survivors": self._survivors})
        return int(self.warehouse.rows("count_rows", {"table": self._survivors})[0][0])

    def swap(self, partition: ExpiringPartition) -> None:
        """Put the copied survivors in the partition's place. Nobody else may write into it meanwhile."""
        statement = _named("replace_partition", self._survivors)
        self.warehouse.client.command(statement, {"table": self.table.name, "partition": partition.partition})

    def drop_survivors(self) -> None:
        """Remove the copy, also one that a killed run left."""
        self.warehouse.execute("drop_survivors", {"survivors": self._survivors})

    @property
    def _survivors(self) -> str:
        return f"{self.table.name}_survivors"

    def _within(self, partition: ExpiringPartition, cut_off: datetime) -> dict[str, Any]:
        scope = {**self._scope, "cut_off": cut_off, "partition": partition.partition}
        if not self.table.final:
            return scope
        key = self.table.key
        if not 0 < len(key) <= _KEY_COLUMNS:
            raise ContractViolationError(f"{self.table.name}: a row is identified by one to {_KEY_COLUMNS} columns")
        # A column may stand twice in what is compared.
        return scope | dict(zip(("first", "second", "third"), (*key, *key, *key), strict=False))


def open_mutations(warehouse: Warehouse) -> list[Mutation]:
    """Rewrites of any table that have not ended, the oldest first."""
    found = warehouse.rows("select_open_mutations")
    return [Mutation(str(row[0]), str(row[1]), int(row[2]), bool(row[3]), bool(row[4])) for row in found]


def kill(warehouse: Warehouse, mutation: Mutation) -> None:
    """End a rewrite; what it has not done stays undone."""
    warehouse.execute("kill_mutation", {"table": mutation.table, "mutation_id": mutation.mutation_id})


def most_parts(warehouse: Warehouse) -> int:
    """Of all partitions of this database, the parts of the one that has the most."""
    return int(warehouse.rows("count_parts")[0][0])


def _named(statement: str, source: str) -> str:
    """A statement with a table's name in its text. Raises ContractViolationError for what is no such name."""
    if not _NAME.fullmatch(source):
        raise ContractViolationError(f"{source} is no name of a table")
    return sql_files.statements(sql_files.read(f"clickhouse/queries/{statement}.sql"))[0].replace(
        "{source:Name}", source
    )


def partition_names(warehouse: Warehouse, table: str) -> set[str]:
    """The partitions that a table has."""
    return {str(row[0]) for row in warehouse.rows("select_partitions", {"table": table})}
