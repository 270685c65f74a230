"""Remove what a restored backup brought back of erased persons: the sweep of `telemetry restore-check`.

Every table whose contract says that an erasure sweeps it, the dead letters, and the person in security events.
Invariant: it counts again at the end
and raises when anything is left, so that no restored database is let through with a row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from telemetry_platform.contracts.held_copies import copies
from telemetry_platform.contracts.rollup_registry import rollups
from telemetry_platform.errors import PermanentError
from telemetry_platform.stores import erasure_counts, ingest_ledger, rows_from_before
from telemetry_platform.usecases.erase.sweep import swept

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from telemetry_platform.stores.erasures import Tombstone
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.warehouse import Warehouse


def sweep_again(warehouse: Warehouse, conn: Connection, tombstones: Sequence[Tombstone], now: datetime) -> int:
    """How many rows were removed, or lost their person. Raises PermanentError when some are left."""
    by_moment: dict[datetime, list[tuple[str, str]]] = {}
    for one in tombstones:
        by_moment.setdefault(one.erased_at, []).append((one.org_id, one.actor_hash))
    return sum(_sweep(warehouse, conn, persons, erased_at, now) for erased_at, persons in sorted(by_moment.items()))


def _sweep(
    warehouse: Warehouse, conn: Connection, persons: Sequence[tuple[str, str]], erased_at: datetime, now: datetime
) -> int:
    removed, sweep_id = 0, uuid4()
    with rows_from_before.named(warehouse, sweep_id, persons):
        for table, column in swept():
            by_person = rows_from_before.by_person(warehouse, table, column, sweep_id, erased_at)
            if not by_person:
                continue
            rows_from_before.delete(warehouse, table, column, sweep_id, erased_at)
            if rows_from_before.count(warehouse, table, column, sweep_id, erased_at):
                raise PermanentError(f"{table.name} still holds rows of erased persons: run `telemetry restore-check`")
            removed += sum(count for _, _, count, _ in by_person)
            if table.name in copies() or table.name in rollups():
                continue
            days = {day for _, _, _, its_days in by_person for day in its_days}
            with conn.transaction():
                ingest_ledger.mark_touched_days(conn, table.name, days, f"restore-check {sweep_id}", now=now)
    with conn.transaction():
        unlinked = sum(erasure_counts.unlink(conn, org_id, [actor], erased_at) for org_id, actor in persons)
        return removed + unlinked + rows_from_before.delete_letters(conn, persons, erased_at)
