"""The chain of retention runs: what the hash of each is made of, and whether a stretch of them is whole.

Invariant: it says the same as `privacy.retention_hash` in the database, byte for byte; a test compares the two.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from telemetry_platform.contracts.retention_runs import ChainState, RetentionRun

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def run_hash(run: RetentionRun) -> str:
    """What the row's hash must be."""
    parts = (
        str(run.number),
        str(run.run_id),
        run.table_name,
        run.store,
        run.policy,
        _moment(run.began_at),
        _moment(run.ended_at),
        _moment(run.cut_off),
        str(run.dry_run).lower(),
        str(run.rows_before),
        str(run.rows_after),
        str(run.expired_before),
        str(run.expired_after),
        str(run.partitions_dropped),
        str(run.rows_dropped),
        str(run.rows_held),
        None if run.oldest_remaining is None else _moment(run.oldest_remaining),
        run.status,
    )
    form = "".join("-" if part is None else f"{len(part.encode())}:{part}" for part in parts)
    return hashlib.sha256(f"{run.prev_hash}{form}".encode()).hexdigest()


def first_fault(runs: Iterable[RetentionRun], state: ChainState) -> str | None:
    """The first thing that is wrong with all runs in their order, and with which; None for a whole chain."""
    number, before = state.first_number - 1, state.first_prev_hash
    for run in runs:
        if run.number != number + 1:
            return f"run {number + 1} is missing"
        if run.prev_hash != before:
            return f"run {run.number} does not follow on the one before"
        if run.row_hash != run_hash(run):
            return f"run {run.number} was changed after it was written"
        number, before = run.number, run.row_hash
    if (number, before) != (state.last_number, state.last_hash):
        return f"the newest runs are missing: {state.last_number} were written, {number} are there"
    return None


def _moment(moment: datetime) -> str:
    return str((moment - _EPOCH) // _MICROSECOND)
