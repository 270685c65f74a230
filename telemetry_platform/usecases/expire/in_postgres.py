"""Remove what has expired in PostgreSQL: rows in small transactions, partitions by the database's own functions.

Invariants: rows go as telemetry_retention, which may delete from these tables and do nothing else; a partition of the
audit trail has its signed anchor before it goes, in the same transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform.contracts.events import audit
from telemetry_platform.stores import expiry_proof, expiry_records, holds, redis, subject_copies, trail_partitions
from telemetry_platform.usecases.anchor_trail import anchor
from telemetry_platform.usecases.expire.looking import expired_partitions
from telemetry_platform.usecases.restored import copy_tombstones

if TYPE_CHECKING:
    from datetime import datetime

    from telemetry_platform.usecases.expire.targets import Target
    from telemetry_platform.usecases.expire.warehouse import Removed
    from telemetry_platform.usecases.expire.work import Work

_SUBJECTS, _TOMBSTONES = "privacy.subjects", "privacy.tombstones"


def remove_rows(work: Work, target: Target, cut_off: datetime, removed: Removed) -> None:
    """Delete up to as many rows as a run may, a batch a transaction, with pauses in between."""
    most, removed.rows = work.limits.max_rows_per_run, 0
    while removed.rows < most:
        at_once = min(most - removed.rows, work.limits.batch_rows)
        with work.conn.transaction():
            gone = expiry_records.delete(work.conn, target.record, cut_off, at_once)
        work.checkpoint(f"{target.name}.deleted")
        if not gone:
            return
        removed.rows += gone
        work.sleep(work.limits.pause_seconds)


def remove_partitions(work: Work, target: Target, cut_off: datetime, removed: Removed) -> None:
    """Drop every expired partition, or none while a legal hold is in force."""
    removed.rows, expired = 0, expired_partitions(work.conn, target, cut_off)
    if holds.are_in_force(work.conn):
        removed.status = "held" if expired else removed.status
        return
    for partition in expired:
        expiry_proof.announce_partition(work.conn, target.name, partition.name)
        with work.conn.transaction():
            if target.name == audit.LOGS.name:
                anchor(work.settings, work.conn, partition, work.now)
            rows = trail_partitions.drop(work.conn, partition)
        work.checkpoint(f"{target.name}.after_drop")
        removed.rows += rows
        removed.partitions += 1


def remove_own_proofs(work: Work, removed: Removed) -> None:
    """Remove proofs of retention that have expired themselves."""
    with work.conn.transaction():
        removed.rows = expiry_proof.expire_runs(work.conn)


def remove_copies(work: Work, target: Target) -> None:
    """What rests outside a table follows it, every night: decisions in Redis, tombstones in their folder.

    Also those that a run left which was killed after it had deleted the rows.
    """
    if target.name == _SUBJECTS:
        with redis.connect(work.settings.redis) as client:
            subject_copies.forget_orphans(client, work.conn)
    if target.name == _TOMBSTONES:
        copy_tombstones(work.conn, work.settings.privacy.tombstone_copy, work.now)
