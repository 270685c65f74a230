"""Remove what has expired of a ClickHouse table: whole partitions first, then rows by an awaited rewrite.

Where rewrites stand still (merges are stopped, or starved), what stays of a partition is put in its place instead, with
no drain and no erasure at work: rows that were inserted or erased meanwhile would be lost or come back. Invariants: a
partition is dropped whole only where its newest row is expired and no new row can come into it; no rewrite of ours is
left behind that nobody waits for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.stores import expiry_proof, expiry_warehouse
from telemetry_platform.stores.expiry_warehouse import ExpiringTable
from telemetry_platform.usecases.expire.looking import look_before

if TYPE_CHECKING:
    from datetime import datetime

    from telemetry_platform.stores.expiry_warehouse import ExpiringPartition, Mutation
    from telemetry_platform.usecases.expire.targets import Target
    from telemetry_platform.usecases.expire.work import Work

_LOOK_SECONDS = 0.2


@dataclass
class Removed:
    """What came of it, written down as it happens: whole partitions, how it ended, rows where they are counted so.

    ClickHouse does not say how many rows a rewrite took: there the table is counted before and after.
    """

    partitions: int = 0
    status: str = "done"
    rows: int | None = None


def remove(work: Work, target: Target, cut_off: datetime, removed: Removed) -> None:
    """Remove up to as many rows as a run may; the announcement is committed."""
    table = ExpiringTable(work.warehouse, target.table, cut_off)
    # What a killed run left beside the table.
    table.drop_survivors()
    left = work.limits.max_rows_per_run
    is_partitioned = table.is_partitioned()
    for partition in table.partitions():
        if is_partitioned and partition.newest < cut_off:
            expiry_proof.announce_partition(work.conn, target.name, partition.partition)
            work.checkpoint(f"{target.name}.before_drop")
            table.drop(partition)
            work.checkpoint(f"{target.name}.after_drop")
            removed.partitions += 1
        elif left <= 0:
            removed.status = "partial"
            break
        else:
            bound = cut_off if partition.expired <= left else table.capped(partition, left)
            if not _rewrite(work, table, partition, bound):
                removed.status = "stalled"
                break
            work.checkpoint(f"{target.name}.after_rewrite")
            left -= partition.expired
    if removed.status == "done" and look_before(work.warehouse, work.conn, target, cut_off).expired:
        removed.status = "partial"


def _rewrite(work: Work, table: ExpiringTable, partition: ExpiringPartition, bound: datetime) -> bool:
    """Whether what is before the bound is gone."""
    before = {one.mutation_id for one in _rewrites_of(work, table)}
    table.begin_deletion(partition, bound)
    # Seen at once: what is asked for later, by an erasure, is not ours to wait for, and not ours to end.
    asked = {one.mutation_id for one in _rewrites_of(work, table)} - before
    work.checkpoint(f"{table.table.name}.asked")
    if _ended(work, table, asked):
        return True
    for one in _rewrites_of(work, table):
        if one.mutation_id in asked:
            expiry_warehouse.kill(work.warehouse, one)
    return _replace(work, table, partition)


def _rewrites_of(work: Work, table: ExpiringTable) -> list[Mutation]:
    return [one for one in expiry_warehouse.open_mutations(work.warehouse) if one.table == table.table.name]


def _ended(work: Work, table: ExpiringTable, asked: set[str]) -> bool:
    """Wait for our rewrite for as long as it goes on; false once it has failed, or stood still for too long."""
    still, parts = 0.0, -1
    while True:
        ours = [one for one in _rewrites_of(work, table) if one.mutation_id in asked]
        if not ours:
            return True
        left = sum(one.parts for one in ours)
        still = 0.0 if left != parts or any(one.is_at_work for one in ours) else still + _LOOK_SECONDS
        parts = left
        if still >= work.limits.stall_seconds or any(one.has_failed for one in ours):
            return False
        work.sleep(_LOOK_SECONDS)


def _replace(work: Work, table: ExpiringTable, partition: ExpiringPartition) -> bool:
    """Put what stays in the partition's place; whether that could be done."""
    if partition.rows > work.limits.max_rows_per_run:
        return False
    with work.alone() as is_alone:
        # A rewrite that waits for merges would not reach what is put there: an erasure's rows would come back.
        if not is_alone or _rewrites_of(work, table):
            return False
        kept = table.copy_survivors(partition)
        work.checkpoint(f"{table.table.name}.copied")
        if kept:
            table.swap(partition)
        else:
            # From nothing nothing can be put in its place.
            table.drop(partition)
        table.drop_survivors()
        return True
