"""Where copies of held persons' rows rest: beside every warehouse table that an erasure sweeps, a `held_` one.

Retention deletes by time and cannot leave single rows of a partition alone, so that what a legal hold keeps is copied
before. Invariant: derived from the registry alone, so that a new table has its copies' table, its place in every access
report and erasure, and its keys for as long as a copy needs them, without another line.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from telemetry_platform.contracts.columns import Column
from telemetry_platform.contracts.erasure import SweptBy
from telemetry_platform.contracts.event_kind import Store, Table
from telemetry_platform.contracts.registry import tables

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "held_"
DESCRIPTION = "Rows that a legal hold keeps beyond their retention."
HOLD_ID = Column("hold_id", "UUID", "the legal hold that the copy is kept for")
COPIED_AT = Column(
    "copied_at", "DateTime64(3, 'UTC')", "when it was copied, before its table's retention deleted the row"
)


def name_of(table: Table) -> str:
    """The table of its copies."""
    return f"{PREFIX}{table.name}"


@lru_cache(maxsize=1)
def copied() -> Mapping[str, Table]:
    """The tables whose rows are copied, by the name of the table with their copies."""
    return MappingProxyType(
        {
            name_of(table): table
            for table in tables().values()
            if table.store is Store.CLICKHOUSE and isinstance(table.erasure, SweptBy)
        }
    )


@lru_cache(maxsize=1)
def copies() -> Mapping[str, Table]:
    """The tables with the copies, by their names: rows as they were, and why and since when they are kept."""
    return MappingProxyType({name: _copy_of(name, table) for name, table in copied().items()})


def _copy_of(name: str, table: Table) -> Table:
    # The order of columns is the database's: what a table gets later comes behind its other columns in both.
    columns = (*table.columns, HOLD_ID, COPIED_AT)
    return replace(table, name=name, description=DESCRIPTION, columns=columns, derived_from=None, final=False)


def person_column(table: Table) -> str:
    """By which column the table names persons. Raises TypeError for a table that nobody is found in."""
    if not isinstance(table.erasure, SweptBy):
        raise TypeError(f"{table.name} names nobody: nothing of it is copied")
    return table.erasure.column
