"""After an erasure's sweep: rebuild the days of rollups that were counted from its rows, before it is certified.

Invariant: the days are those that the erasure wrote down before it deleted anything, so that a run that is made again
finds them too. A day of which rows have expired is not rebuilt: it goes with the next run of retention.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform.contracts.rollup_registry import of_base
from telemetry_platform.stores import erasure_counts, rollup_marks, rollup_tables
from telemetry_platform.usecases.rollups.rebuild import Rebuilt, is_rebuildable, rebuild_with

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.usecases.drain.stores import DrainStores


def rebuild_erased(conn: Connection, stores: DrainStores, erasures: Sequence[UUID], *, now: datetime) -> list[Rebuilt]:
    """Rebuild the days that these erasures touched, where somebody has not done so since."""
    days = sorted(
        {
            (table, day)
            for erasure_id in erasures
            for table, count in erasure_counts.of_erasure(conn, erasure_id).items()
            for day in count.days
        }
    )
    made: list[Rebuilt] = []
    for table, day in days:
        mark = rollup_marks.mark_of(conn, table, day)
        for rollup in of_base(table):
            known = rollup_marks.built(conn, rollup.name).get(day)
            if (known is None or known.mark < mark) and is_rebuildable(conn, rollup, day):
                made.append(rebuild_with(conn, stores, rollup, day, run_id="erasure", now=now))
            else:
                # What a killed rebuild prepared before the sweep holds the person's rows.
                with rollup_marks.day_locked(conn, rollup.name, day):
                    rollup_tables.drop_stagings_of(stores.warehouse, rollup, day)
    return made
