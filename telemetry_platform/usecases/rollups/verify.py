"""Compare a day of a rollup with its base, computed anew by another statement.

Invariants: whoever cannot look raises, and never says that all is well; a day that changed while it was looked at, or
that is due, is rebuilt and looked at again, so that "wrong" means wrong.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from telemetry_platform.contracts.registry import tables
from telemetry_platform.errors import TransientError
from telemetry_platform.stores import ingest_ledger, rollup_marks, rollup_tables
from telemetry_platform.usecases.rollups.rebuild import is_rebuildable, rebuild_with

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date
    from random import Random

    import pyarrow as pa

    from telemetry_platform.contracts.rollup import Rollup
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.usecases.drain.stores import DrainStores

_TRIES = 3
_LOOKS, _LOOK_SECONDS = 60, 0.5
_MOST_DIFFERENCES = 20
_TOLERANCE = 1e-6
"""Sums of fractions depend on the order in which they are added up; Float32 has seven digits."""

_Row = dict[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What a comparison came to; `differences` name a row's column and no person."""

    matches: bool
    compared_rows: int
    differences: list[str] = field(default_factory=list)


def verify_day(
    stores: DrainStores, rollup: Rollup, day: date, *, sleep: Callable[[float], None] = time.sleep
) -> Verdict:
    """Compare the day. Raises TransientError when its base does not stand still for as long as that takes."""
    with stores.postgres() as conn:
        for _ in range(_TRIES):
            mark = _current_mark(conn, stores, rollup, day)
            with rollup_marks.day_locked(conn, rollup.name, day):
                stored = rollup_tables.stored(stores.warehouse, rollup, day)
                expected = rollup_tables.recomputed(stores.warehouse, rollup, day)
            verdict = _compare(rollup, stored, expected)
            # Equal to what the base held at that moment is right, whatever has come since. Where they differ, rows that
            # were read and are not marked yet are of a batch that is open now.
            is_settled = verdict.matches or (
                _have_ended(conn, ingest_ledger.open_batches(conn), sleep)
                and rollup_marks.mark_of(conn, rollup.base, day) == mark
            )
            if is_settled:
                now = datetime.now(UTC)
                rollup_marks.note_comparison(conn, rollup.name, day, differs=not verdict.matches, now=now)
                return verdict
    raise TransientError(f"{rollup.name}: {day.isoformat()} changed each time it was looked at; try again")


def days_of(
    stores: DrainStores, rollup: Rollup, *, sample: int | None = None, chance: Random | None = None
) -> list[date]:
    """The rollup's days that can be compared: all of them, or those that differed, the newest and some of the others.

    All of them are also those that nobody ever marked: the base and the rollup are asked, not the marks alone.
    """
    with stores.postgres() as conn:
        found = {day for name, day, _ in rollup_marks.due(conn, {rollup.name: rollup.base})}
        found |= set(rollup_marks.built(conn, rollup.name))
        if sample is None:
            base = tables()[rollup.base]
            found |= rollup_tables.base_days(stores.warehouse, rollup.base, base.retention.column)
            found |= rollup_tables.base_days(stores.warehouse, rollup.name, rollup.time)
        days = sorted(day for day in found if is_rebuildable(conn, rollup, day))
        wrong = rollup_marks.differing(conn, rollup.name)
    if sample is None or len(days) <= sample or chance is None:
        return days
    others = [day for day in days[:-1] if day not in wrong]
    chosen = chance.sample(others, min(len(others), max(1, sample - 1)))
    return sorted({*(day for day in days if day in wrong), days[-1], *chosen})


def _current_mark(conn: Connection, stores: DrainStores, rollup: Rollup, day: date) -> int:
    """The mark of the day as it is built, once it is not behind."""
    mark = rollup_marks.mark_of(conn, rollup.base, day)
    known = rollup_marks.built(conn, rollup.name).get(day)
    if known is not None and known.mark >= mark:
        return mark
    return rebuild_with(conn, stores, rollup, day, run_id="verify", now=datetime.now(UTC)).mark


def _have_ended(conn: Connection, batches: frozenset[str], sleep: Callable[[float], None]) -> bool:
    """Wait until none of these batches is open any more; false where that takes too long."""
    for _ in range(_LOOKS):
        if not batches & ingest_ledger.open_batches(conn):
            return True
        sleep(_LOOK_SECONDS)
    return False


def _compare(rollup: Rollup, stored: pa.Table, expected: pa.Table) -> Verdict:
    here, there = _by_key(rollup, stored), _by_key(rollup, expected)
    differences = list(_differences(rollup, here, there))
    if stored.num_rows != len(here):
        differences.append(f"{stored.num_rows - len(here)} keys stand there twice")
    return Verdict(not differences, len(here.keys() | there.keys()), differences[:_MOST_DIFFERENCES])


def _by_key(rollup: Rollup, rows: pa.Table) -> dict[tuple[str, ...], _Row]:
    return {tuple(str(row[key]) for key in rollup.keys): row for row in rows.to_pylist()}


def _differences(
    rollup: Rollup, here: dict[tuple[str, ...], _Row], there: dict[tuple[str, ...], _Row]
) -> Iterator[str]:
    for number, key in enumerate(sorted(here.keys() | there.keys())):
        if key not in there:
            yield f"row {number}: the base has no such group"
        elif key not in here:
            yield f"row {number}: the rollup lacks the group"
        else:
            for measure in rollup.measures:
                if not _is_same(here[key][measure], there[key][measure]):
                    yield f"row {number}: {measure} differs"


def _is_same(one: Any, other: Any) -> bool:  # noqa: ANN401 - any column's value
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_is_same, one, other))
    if isinstance(one, float) or isinstance(other, float):
        return one is not None and other is not None and math.isclose(one, other, rel_tol=_TOLERANCE, abs_tol=1e-4)
    return bool(one == other)
