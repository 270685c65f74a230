"""Rebuild one day of a rollup from its deduplicated base.

The order is what makes it right, whoever writes meanwhile and wherever it is killed: the mark is read, then the base;
the day is swapped in whole; then the mark is written. What arrives after the first step marks the day again.
Invariant: a day that is no longer whole in its base is never rebuilt, since what is left would wipe good figures.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from telemetry_platform.errors import PermanentError
from telemetry_platform.processing.calendar_cutoff import is_whole_day
from telemetry_platform.stores import clock, rollup_marks, rollup_tables

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from telemetry_platform.contracts.rollup import Rollup
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.usecases.drain.stores import DrainStores


@dataclass(frozen=True)
class Rebuilt:
    """One day as it was rebuilt, up to a mark of its base."""

    rollup: str
    day: date
    rows: int
    mark: int
    seconds: float


def rebuild_day(  # noqa: PLR0913 - a day, and who asks when
    stores: DrainStores,
    rollup: Rollup,
    day: date,
    *,
    run_id: str,
    now: datetime,
    checkpoint: Callable[[str], None] = lambda _: None,
) -> Rebuilt:
    """Rebuild the day, whether or not it is due; `checkpoint` is told what was just done, for tests that kill.

    Raises PermanentError for a day of which rows have expired, TransientError while somebody else rebuilds it.
    """
    with stores.postgres() as conn:
        return rebuild_with(conn, stores, rollup, day, run_id=run_id, now=now, checkpoint=checkpoint)


def rebuild_with(  # noqa: PLR0913 - a day, and who asks when
    conn: Connection,
    stores: DrainStores,
    rollup: Rollup,
    day: date,
    *,
    run_id: str,
    now: datetime,
    checkpoint: Callable[[str], None] = lambda _: None,
) -> Rebuilt:
    """The same on a connection that commits by itself."""
    warehouse, began = stores.warehouse, time.monotonic()
    if not is_rebuildable(conn, rollup, day):
        raise PermanentError(
            f"{rollup.name}: rows of {day.isoformat()} have expired, so that its figures stay as they are"
        )
    with rollup_marks.day_locked(conn, rollup.name, day):
        rollup_tables.drop_stagings_of(warehouse, rollup, day)
        mark = rollup_marks.mark_of(conn, rollup.base, day)
        checkpoint("mark read")
        with rollup_tables.staging(warehouse, rollup, day, uuid4()) as staged:
            rows = rollup_tables.fill(warehouse, rollup, staged, day, now)
            checkpoint("filled")
            # Asks the connection, too: without it the lock is gone, and somebody else may be further.
            rollup_marks.begin_swap(conn, rollup.name, day, mark)
            checkpoint("swap begun")
            rollup_tables.swap(warehouse, rollup, staged, day, rows)
            checkpoint("swapped")
        seconds = time.monotonic() - began
        done = rollup_marks.Built(rollup.name, day, mark, rows, now, round(1000 * seconds), run_id)
        rollup_marks.record(conn, done)
        checkpoint("recorded")
    return Rebuilt(rollup.name, day, rows, mark, seconds)


def is_rebuildable(conn: Connection, rollup: Rollup, day: date) -> bool:
    """Whether all rows that the base ever had of the day may still be there."""
    return is_whole_day(rollup.table.retention, day, clock.platform_now(conn))
