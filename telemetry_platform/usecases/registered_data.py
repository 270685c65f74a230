"""The registries against the live databases: no table and no column that could hold personal data is forgotten.

Erasure, access reports and retention walk over the contracts (`registry.tables()` and `records()`); what stands in a
database and in none of them would be missed by all three. Invariant: whoever looks here only compares names and types,
and reads no value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.contracts.erasure import SweptBy
from telemetry_platform.contracts.held_copies import copies
from telemetry_platform.contracts.records import records
from telemetry_platform.contracts.rollup_registry import kept_tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from telemetry_platform.contracts.event_kind import Store, Table
    from telemetry_platform.contracts.records import Record
    from telemetry_platform.stores.live_columns import LiveColumn

_OF_OURS = frozenset({"org_id", "event_id", "kind", "stream", "batch_id", "run_id", "status", "table_name"})
"""Columns that hold the same in every table that has them: the tenant, and names and numbers that we gave."""
_TEXT = re.compile(
    r"\b(text|character|varchar|json|jsonb|bytea|hstore|inet|cidr|xml|tsvector|String|FixedString|JSON|Object|IPv[46]|"
    r"Dynamic|Variant)\b"
)
"""Types that hold whatever somebody puts in, also as part of a list or a map."""
_PERSONAL = re.compile(
    r"(^|_)(hash|actor|user|person|subject|patient|staff|ip|addr|address|email|mail|phone|name|birth|agent)(_|$)"
)
_CANNOT_HOLD = re.compile(r"(timestamp|date|bool|Date|DateTime|DateTime64|Bool)\b")


@dataclass(frozen=True)
class Gap:
    """A table or a column that no contract speaks of, or a contract that speaks of one that is not there."""

    where: str
    what: str

    def __str__(self) -> str:
        """For whoever has to mend it."""
        return f"{self.where}: {self.what}"


def gaps(live: Sequence[LiveColumn], store: Store) -> list[Gap]:
    """What is not registered of the live columns of one store."""
    by_table: dict[str, dict[str, str]] = {}
    for column in live:
        by_table.setdefault(column.table, {})[column.name] = column.type
    kept = {name: table for name, table in {**kept_tables(), **copies()}.items() if table.store is store}
    beside = {name: record for name, record in records().items() if record.store is store}
    found = [
        Gap(name, "a contract describes it and the database has none")
        for name in (kept | beside)
        if name not in by_table
    ]
    for name, columns in by_table.items():
        if name in kept:
            found += _of_table(kept[name], columns)
        elif name in beside:
            found += _of_record(beside[name], columns)
        else:
            found.append(
                Gap(
                    name, "no contract speaks of this table, so that no erasure looks into it: add a Record, or drop it"
                )
            )
    return found


def _of_table(table: Table, live: Mapping[str, str]) -> Iterator[Gap]:
    """Every column of a table that events land in is declared, with its treatment."""
    declared = {column.name for column in table.columns}
    for name in live.keys() - declared:
        yield Gap(f"{table.name}.{name}", "the contract has no such column: nobody decided what may be in it")
    yield from _missing(table.name, declared, live)
    yield from _sweep(table, live)


def _of_record(record: Record, live: Mapping[str, str]) -> Iterator[Gap]:
    """Every column of another table that could hold something of a person is named."""
    named = {*record.persons, *record.texts, *record.plain}
    for name, kind in live.items():
        if name not in named and name not in _OF_OURS and may_be_personal(name, kind):
            yield Gap(
                f"{record.name}.{name}",
                "could hold something of a person: name it in `persons`, `texts` or `plain` of its Record",
            )
    yield from _missing(record.name, named, live)
    yield from _sweep(record, live)


def may_be_personal(name: str, kind: str) -> bool:
    """Whether a column could hold something of a person, told by its type or, where it holds numbers, by its name."""
    return _TEXT.search(kind) is not None or (_PERSONAL.search(name) is not None and not _CANNOT_HOLD.match(kind))


def _missing(table: str, named: set[str], live: Mapping[str, str]) -> Iterator[Gap]:
    for name in sorted(named - live.keys()):
        yield Gap(f"{table}.{name}", "the contract names a column that the table does not have")


def _sweep(table: Table | Record, live: Mapping[str, str]) -> Iterator[Gap]:
    """What an erasure looks for can be looked for."""
    if isinstance(table.erasure, SweptBy):
        for name in ("org_id", table.erasure.column):
            if name not in live:
                yield Gap(f"{table.name}.{name}", "an erasure finds its rows by this column, and there is none")
