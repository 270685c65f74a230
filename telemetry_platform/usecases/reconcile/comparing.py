"""Rows that must be there against rows that are: by their ids, value by value, and by what belongs together.

Invariant: a row that is missing counts as wrong in each of its columns, so that no loss hides in a sum.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from telemetry_platform.usecases.reconcile.expected import Line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from telemetry_platform.contracts.event_kind import Table
    from telemetry_platform.usecases.reconcile.expected import ExpectedRow, Key

    Row = Mapping[str, Any]

VALUES, TOGETHER = "stored values", "pseudonyms and groups"
"""Groups of lines: columns whose value is known, and columns of which only what is alike is known."""
_TOLERANCE = 0.0011
"""Of figures that are no counts: times are stored in whole milliseconds, positions in thousandths of a second."""
_CORRECTED = {"occurred_at": 10_000.0}
"""Milliseconds. A wrong clock is corrected by when the request arrived, and nobody can foretell that."""
_DECIMAL = re.compile(r"Decimal\(\d+, ?(\d+)\)")


class Alike:
    """What names and values were seen together, in all tables: one value a name, one name a value."""

    def __init__(self) -> None:
        self._values: dict[str, set[Any]] = defaultdict(set)
        self._names: dict[tuple[str, Any], set[str]] = defaultdict(set)

    def see(self, name: str, value: Any) -> None:  # noqa: ANN401 - the columns of a table have no common type
        """A row of this name holds this value."""
        self._values[name].add(value)
        self._names[name.partition(":")[0], value].add(name)

    def is_right(self, name: str, value: Any) -> bool:  # noqa: ANN401 - as above
        """Whether the name has one value, which is its own."""
        return bool(value) and len(self._values[name]) == 1 and len(self._names[name.partition(":")[0], value]) == 1

    def value_of(self, name: str) -> Any | None:  # noqa: ANN401 - as above
        """The value of a name, when it has one."""
        values = self._values.get(name, set())
        return next(iter(values)) if len(values) == 1 else None


def by_key(rows: Iterable[Row]) -> Mapping[Key, Row]:
    """Rows by tenant and event id."""
    return {(row["org_id"], row["event_id"]): row for row in rows}


def columns_of(expected: Mapping[Key, ExpectedRow]) -> frozenset[str]:
    """All columns of which something is known."""
    return frozenset(name for row in expected.values() for name in (*row.columns, *row.alike))


def see_all(alike: Alike, expected: Mapping[Key, ExpectedRow], found: Mapping[Key, Row]) -> None:
    """Note what a table holds together; all tables first, since a pseudonym is one in all of them."""
    for key, row in expected.items():
        if key in found:
            for column, name in row.alike.items():
                alike.see(name, found[key][column])


def row_lines(
    part: str, table: Table, expected: Mapping[Key, ExpectedRow], found: Mapping[Key, Row], alike: Alike
) -> Iterator[Line]:
    """The events that must be there, and their values."""
    yield Line(part, f"{table.name}: the events that were sent", len(expected), len(expected.keys() & found.keys()))
    tolerances = _tolerances(table)
    known: Counter[tuple[str, str]] = Counter()
    right: Counter[tuple[str, str]] = Counter()
    for key, row in expected.items():
        there = found.get(key)
        for column, value in row.columns.items():
            known[VALUES, column] += 1
            right[VALUES, column] += there is not None and agree(value, there[column], tolerances.get(column))
        for column, name in row.alike.items():
            known[TOGETHER, column] += 1
            right[TOGETHER, column] += there is not None and alike.is_right(name, there[column])
    for group, column in sorted(known, reverse=True):
        yield Line(part, f"{table.name}.{column}", known[group, column], right[group, column], group)


def _tolerances(table: Table) -> Mapping[str, float]:
    """How far a stored value may be from what was sent: half of the last digit that rests, and a little for floats."""
    rounded = {
        column.name: 0.51 * 10.0 ** -int(scale[1])
        for column in table.columns
        if (scale := _DECIMAL.fullmatch(column.clickhouse))
    }
    return {**_CORRECTED, **rounded}


def agree(wanted: Any, found: Any, tolerance: float | None = None) -> bool:  # noqa: ANN401 - columns have no common type
    """Whether a stored value is what it must be; a figure that is no count may be off by `tolerance`."""
    if tolerance is None and isinstance(wanted, float):
        tolerance = _TOLERANCE
    if tolerance is not None and isinstance(wanted, (int, float)) and isinstance(found, (int, float)):
        return math.isclose(wanted, found, rel_tol=0, abs_tol=tolerance)
    return bool(wanted == found)
