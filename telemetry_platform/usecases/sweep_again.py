"""Remove what a restored backup brought back of erased persons: the sweep of `telemetry restore-check`.

Every table whose contract says that an erasure sweeps it, and the dead letters. Invariant: it counts again at the end
and raises when anything is left, so that no restored database is let through with a row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from telemetry_platform.contracts.erasure import SweptBy
from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.contracts.registry import tables
from telemetry_platform.errors import PermanentError
from telemetry_platform.stores import rows_from_before

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from telemetry_platform.contracts.event_kind import Table
    from telemetry_platform.stores.erasures import Tombstone
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.warehouse import Warehouse


def sweep_again(warehouse: Warehouse, conn: Connection, tombstones: Sequence[Tombstone]) -> int:
    """How many rows were removed. Raises PermanentError when some are left."""
    by_moment: dict[datetime, list[tuple[str, str]]] = {}
    for one in tombstones:
        by_moment.setdefault(one.erased_at, []).append((one.org_id, one.actor_hash))
    return sum(_sweep(warehouse, conn, persons, erased_at) for erased_at, persons in sorted(by_moment.items()))


def _sweep(warehouse: Warehouse, conn: Connection, persons: Sequence[tuple[str, str]], erased_at: datetime) -> int:
    removed, sweep_id = 0, uuid4()
    with rows_from_before.named(warehouse, sweep_id, persons):
        for table, column in _swept():
            found = rows_from_before.count(warehouse, table, column, sweep_id, erased_at)
            if not found:
                continue
            rows_from_before.delete(warehouse, table, column, sweep_id, erased_at)
            if rows_from_before.count(warehouse, table, column, sweep_id, erased_at):
                raise PermanentError(f"{table.name} still holds rows of erased persons: run `telemetry restore-check`")
            removed += found
    return removed + rows_from_before.delete_letters(conn, persons, erased_at)


def _swept() -> list[tuple[Table, str]]:
    return [
        (table, table.erasure.column)
        for table in tables().values()
        if table.store is Store.CLICKHOUSE and isinstance(table.erasure, SweptBy)
    ]
