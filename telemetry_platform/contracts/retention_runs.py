"""A run of retention as its proof says it, and where the chain of these proofs begins and ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

BEGINNING = "0" * 64
"""What stands before the first run of all."""


@dataclass(frozen=True)
class RetentionRun:
    """One row of `privacy.retention_runs`, column by column."""

    number: int
    run_id: UUID
    table_name: str
    store: str
    policy: str
    began_at: datetime
    ended_at: datetime
    cut_off: datetime
    dry_run: bool
    rows_before: int
    rows_after: int
    expired_before: int
    expired_after: int
    partitions_dropped: int
    rows_dropped: int
    rows_held: int
    oldest_remaining: datetime | None
    status: str
    prev_hash: str
    row_hash: str


@dataclass(frozen=True)
class ChainState:
    """Where the chain begins and ends, as the database remembers it beside the runs."""

    first_number: int
    first_prev_hash: str
    last_number: int
    last_hash: str
