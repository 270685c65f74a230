"""What of a table has expired right now: read from the table itself, by the engine, the check and the report alike.

Invariant: nothing here remembers anything: a table that no run has ever touched is seen as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.contracts.events import security
from telemetry_platform.processing.calendar_cutoff import cut_off
from telemetry_platform.stores import expiry_records, holds, trail_partitions
from telemetry_platform.stores.expiry_warehouse import ExpiringTable
from telemetry_platform.usecases.expire.targets import Way

if TYPE_CHECKING:
    from datetime import datetime

    from telemetry_platform.stores.expiry_proof import Announcement
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.trail_partitions import Partition
    from telemetry_platform.stores.warehouse import Warehouse
    from telemetry_platform.usecases.expire.targets import Target


@dataclass(frozen=True)
class Look:
    """Rows of a table, those that have expired, those that have and are held, and the oldest of all and of these."""

    cut_off: datetime
    rows: int
    expired: int
    held: int
    oldest: datetime | None
    oldest_expired: datetime | None


def look(warehouse: Warehouse, conn: Connection, target: Target, now: datetime) -> Look:
    """Look at a table at a moment; `conn` is a connection that may read all tables."""
    return look_before(warehouse, conn, target, cut_off(target.policy, now))


def look_before(warehouse: Warehouse, conn: Connection, target: Target, before: datetime) -> Look:
    """The same for a cut-off that is given: a run keeps to the one that it began with."""
    if target.way is Way.WAREHOUSE:
        table = ExpiringTable(warehouse, target.table, before)
        expired, oldest_expired = table.expired()
        return Look(before, table.rows(), expired, 0, table.oldest(), oldest_expired)
    if target.way is Way.PARTITIONS:
        return _of_partitions(conn, target, before)
    bound = before
    if target.way is Way.WITH_PARTITION:
        # Its rows are there for as long as the partition that they belong to.
        bound = _first_kept(trail_partitions.partitions(conn, security.EVENTS.name), before)
    counts = expiry_records.count(conn, target.record, bound)
    return Look(before, counts.rows, counts.expired, counts.held, counts.oldest, counts.oldest_expired)


def gone(target: Target, told: Announcement, seen: Look) -> int:
    """How many of the announced rows are there no more; one that a hold keeps meanwhile is still there."""
    if target.way is Way.WAREHOUSE:
        return max(told.expired_before - seen.expired, 0)
    return max(told.expired_before + told.rows_held - seen.expired - seen.held, 0)


def expired_partitions(conn: Connection, target: Target, before: datetime) -> list[Partition]:
    """Partitions whose upper bound lies before the cut-off."""
    return [one for one in trail_partitions.partitions(conn, target.name) if one.ends < before]


def _of_partitions(conn: Connection, target: Target, before: datetime) -> Look:
    """A row of these tables expires with its partition. While a hold is in force none goes: months cannot be parted."""
    found = trail_partitions.partitions(conn, target.name)
    gone = [one for one in found if one.ends < before and one.rows]
    rows = sum(one.rows for one in gone)
    held = rows if holds.are_in_force(conn) else 0
    filled = [one for one in found if one.rows]
    return Look(
        before,
        sum(one.rows for one in found),
        rows - held,
        held,
        expiry_records.oldest_in_partition(conn, target.name, filled[0].begins, filled[0].ends) if filled else None,
        gone[0].begins if gone and not held else None,
    )


def _first_kept(found: list[Partition], before: datetime) -> datetime:
    kept = [one.begins for one in found if not one.ends < before]
    return min(kept, default=before)
