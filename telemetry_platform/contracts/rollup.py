"""A rollup: figures of a base table by hour or day, recomputed a UTC day at a time from its deduplicated view.

Invariants: a row follows from the base alone, so that a day may be dropped and rebuilt at any time; a rollup is kept as
long as its base and no longer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from telemetry_platform.contracts import columns as c
from telemetry_platform.contracts.columns import Column
from telemetry_platform.contracts.event_kind import Store, Table

if TYPE_CHECKING:
    from datetime import timedelta

    from telemetry_platform.contracts.erasure import Erasure

BUILT_AT = Column("built_at", c.TIME, "when the day was rebuilt")
FEW_ACTORS = Column(
    "few_actors",
    "Array(UInt64)",
    "marks of at most five persons of each key epoch: enough to tell whether a group has five",
)
HOUR = Column("hour", c.TIME, "the UTC hour")
DIMENSION = Column("dimension", "String", "what `value` is one of: all, or the name of a column")
VALUE = Column("value", "String", "value of the dimension; empty for all, and where it is not known")


@dataclass(frozen=True)
class Rollup:
    """One rollup. `base` is the table whose days it follows, `source` the view that it is made of.

    `time` is the column by whose UTC day rows are partitioned and rebuilt, `keys` what identifies a row.
    """

    table: Table
    base: str
    source: str
    time: str
    keys: tuple[str, ...]
    measures: tuple[str, ...]
    freshness: timedelta

    @property
    def name(self) -> str:
        """The table's name."""
        return self.table.name

    @property
    def description(self) -> str:
        """The table's description."""
        return self.table.description


def rollup_of(  # noqa: PLR0913 - a declaration
    base: Table,
    *,
    name: str,
    source: str,
    time: str,
    description: str,
    keys: tuple[Column, ...],
    measures: tuple[Column, ...],
    erasure: Erasure,
    freshness: timedelta,
) -> Rollup:
    """A rollup that is owned, kept and justified as its base is."""
    table = Table(
        name=name,
        store=Store.CLICKHOUSE,
        description=description,
        columns=(*keys, *measures, BUILT_AT),
        owner=base.owner,
        retention=replace(base.retention, column=time),
        erasure=erasure,
        legal_basis=base.legal_basis,
        derived_from=base.name,
        key=tuple(column.name for column in keys),
    )
    return Rollup(table, base.name, source, time, table.key, tuple(column.name for column in measures), freshness)
