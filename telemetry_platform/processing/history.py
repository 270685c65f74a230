"""Which of Dagster's runs may be forgotten: by the pace of their job, their age, and how many there are.

Invariant: a run that has not ended never goes, nor the newest one of a job, nor one that the state of an asset or of a
check is read from; whatever the limits say. What a run did is proved by the platform's own tables, so that the rest is
history.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime


class Pace(Enum):
    """How often runs of a job come, which is how soon each of them is of no interest."""

    MINUTELY = "minutely"
    FREQUENT = "frequent"
    RARE = "rare"


@dataclass(frozen=True)
class PastRun:
    """A run as its place in the history: `ended_at` None while it is queued or at work."""

    run_id: str
    job: str
    pace: Pace
    ended_at: datetime | None


@dataclass(frozen=True)
class Keeping:
    """How many days the runs of each pace are kept, and how many runs at most."""

    days: Mapping[Pace, int]
    max_runs: int


def expendable(runs: Sequence[PastRun], needed: Collection[str], keeping: Keeping, now: datetime) -> list[PastRun]:
    """The runs that may go, the oldest first. `needed`: runs that some state is read from."""
    newest: dict[str, datetime] = {}
    for run in runs:
        if run.ended_at is not None:
            newest[run.job] = max(run.ended_at, newest.get(run.job, run.ended_at))
    free = sorted(
        ((run.ended_at, run.run_id, run) for run in runs if run.ended_at is not None and run.run_id not in needed),
        key=lambda place: place[:2],
    )
    chosen: list[PastRun] = []
    too_many = len(runs) - keeping.max_runs
    for ended_at, _, run in free:
        if ended_at == newest[run.job]:
            continue
        if len(chosen) < too_many or ended_at < now - timedelta(days=keeping.days[run.pace]):
            chosen.append(run)
    return chosen


def overdue(runs: Sequence[PastRun], needed: Collection[str], keeping: Keeping, now: datetime) -> list[PastRun]:
    """Runs whose days are over, whatever their number: what a purge that works would have left none of."""
    return expendable(runs, needed, Keeping(keeping.days, len(runs)), now)


@dataclass(frozen=True)
class TableSize:
    """A table of Dagster's database; `size_bytes` with its indexes, 0 where the storage does not tell."""

    name: str
    rows: int
    size_bytes: int


@dataclass(frozen=True)
class Bound:
    """What Dagster's database may hold: rows by table, and bytes of all tables together."""

    rows: Mapping[str, int]
    total_bytes: int


def excesses(tables: Sequence[TableSize], bound: Bound) -> list[str]:
    """What is over the bound, in words that name the table."""
    found = [
        f"{table.name} holds {table.rows:,} rows, {bound.rows[table.name]:,} are allowed"
        for table in tables
        if table.name in bound.rows and table.rows > bound.rows[table.name]
    ]
    total = sum(table.size_bytes for table in tables)
    if total > bound.total_bytes:
        largest = max(tables, key=lambda table: table.size_bytes)
        found.append(
            f"all tables take {total:,} bytes, {bound.total_bytes:,} are allowed; the largest is {largest.name} with "
            f"{largest.size_bytes:,}"
        )
    return found
