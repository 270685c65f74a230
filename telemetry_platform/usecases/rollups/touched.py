"""The days that are due, and their rebuild, the longest due first.

Invariant: nothing here forgets a day: one whose rebuild fails, or that finds no time, is as due as before.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from uuid import uuid4

from telemetry_platform.contracts.rollup_registry import rollups
from telemetry_platform.errors import PlatformError
from telemetry_platform.stores import rollup_marks, rollup_tables
from telemetry_platform.usecases.rollups.rebuild import Rebuilt, is_rebuildable, rebuild_with

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime, timedelta

    from telemetry_platform.contracts.rollup import Rollup
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.usecases.drain.stores import DrainStores

Due = tuple[str, "date", "datetime"]
"""A rollup, a day, and since when it is behind."""


def due_days(conn: Connection, rollup: Rollup | None = None) -> list[Due]:
    """What is behind its base and can be rebuilt, the longest due first; of one rollup, or of all."""
    asked = rollups() if rollup is None else {rollup.name: rollup}
    found = rollup_marks.due(conn, {name: one.base for name, one in asked.items()})
    return [(name, day, since) for name, day, since in found if is_rebuildable(conn, asked[name], day)]


def rebuild_due(
    stores: DrainStores,
    *,
    now: datetime,
    budget: timedelta,
    only: Iterable[str] | None = None,
    run_id: str | None = None,
) -> list[Rebuilt]:
    """Rebuild what is due until the budget is spent, one day at least; `only` names rollups.

    Raises the first failure when all others have had their turn.
    """
    asked = set(rollups()) if only is None else set(only)
    until, made, name = time.monotonic() + budget.total_seconds(), [], run_id or f"rollups {uuid4()}"
    failed: list[PlatformError] = []
    with stores.postgres() as conn:
        rollup_tables.drop_forgotten(stores.warehouse, now)
        for rollup, day, _ in due_days(conn):
            if rollup not in asked:
                continue
            try:
                made.append(rebuild_with(conn, stores, rollups()[rollup], day, run_id=name, now=now))
            except PlatformError as error:
                # The one that waits longest would keep all others waiting for ever.
                failed.append(error)
            if time.monotonic() >= until:
                break
    if failed:
        raise failed[0]
    return made
