"""The proofs of a run that was killed: what it had announced is compared with what is there now.

Invariant: they are written before anything new is announced, so that no row is counted twice and none is forgotten.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform.errors import PlatformError
from telemetry_platform.stores import expiry_proof, trail_partitions
from telemetry_platform.stores.expiry_proof import Outcome
from telemetry_platform.stores.expiry_warehouse import ExpiringTable, partition_names
from telemetry_platform.usecases.expire.looking import gone, look_before
from telemetry_platform.usecases.expire.targets import Way, targets
from telemetry_platform.usecases.retention_policy import in_force

if TYPE_CHECKING:
    from telemetry_platform.contracts.retention_runs import RetentionRun
    from telemetry_platform.stores.expiry_proof import Announcement
    from telemetry_platform.usecases.expire.targets import Target
    from telemetry_platform.usecases.expire.work import Work

INTERRUPTED = "interrupted"


def recover(work: Work, failures: dict[str, str]) -> list[RetentionRun]:
    """Prove what killed runs did; the proofs, none where there was none.

    A table that cannot be looked at keeps its announcement, and gets no other: it is written down as failed.
    """
    known = targets(in_force(work.settings))
    found: list[RetentionRun] = []
    for told in expiry_proof.announced(work.conn):
        if told.table_name not in known:
            failures[told.table_name] = "a killed run was at work on it, and no contract knows it any more"
            continue
        try:
            found += _recover_table(work, known[told.table_name], told)
        except PlatformError as error:
            failures[told.table_name] = str(error)
    return found


def _recover_table(work: Work, target: Target, told: Announcement) -> list[RetentionRun]:
    if target.way is Way.WAREHOUSE:
        # Persons' rows, where no erasure looks for them.
        ExpiringTable(work.warehouse, target.table, told.cut_off).drop_survivors()
    seen = look_before(work.warehouse, work.conn, target, told.cut_off)
    outcome = Outcome(
        rows_after=seen.rows,
        expired_after=seen.expired,
        partitions_dropped=len(set(told.partitions) - _there(work, target)),
        rows_dropped=gone(target, told, seen),
        oldest_remaining=seen.oldest,
        status=INTERRUPTED,
    )
    with work.conn.transaction():
        number = expiry_proof.prove(work.conn, told, outcome)
    return [one for one in expiry_proof.of_run(work.conn, told.run_id) if one.number == number]


def _there(work: Work, target: Target) -> set[str]:
    """Names of the partitions that a table has."""
    if target.way is Way.PARTITIONS:
        return {one.name for one in trail_partitions.partitions(work.conn, target.name)}
    return partition_names(work.warehouse, target.name) if target.way is Way.WAREHOUSE else set()
