"""Rows that should have gone and are there: what `no_rows_past_retention` finds, table by table.

Invariants: the tables themselves are read, never a run's own account of itself; where no run has worked on a table for
longer than a night, whatever has expired by now counts, so that a job which never ran turns the check red; what a run
says of its cut-off puts off two nights at most, whatever it says.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from telemetry_platform.processing.calendar_cutoff import cut_off
from telemetry_platform.stores import expiry_proof
from telemetry_platform.usecases.expire.looking import look_before

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from telemetry_platform.contracts.retention_runs import RetentionRun
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.warehouse import Warehouse
    from telemetry_platform.usecases.expire.looking import Look
    from telemetry_platform.usecases.expire.targets import Target

A_NIGHT = timedelta(hours=26)
"""From one nightly run to the end of the next: what expires in between is for that one."""


@dataclass(frozen=True)
class Standing:
    """One table: what is in it, what of it should have gone, and the newest run that worked on it."""

    target: Target
    seen: Look
    last_run: RetentionRun | None

    @property
    def is_clean(self) -> bool:
        """Whether nothing is there that should have gone."""
        return self.seen.expired == 0

    @property
    def sentence(self) -> str:
        """For a person: which table, how many rows, since when, and what the newest run came to."""
        if self.is_clean:
            held = f", {self.seen.held:,} held" if self.seen.held else ""
            return f"{self.target.name}: nothing from before {self.seen.cut_off:%Y-%m-%d %H:%M} UTC{held}"
        oldest = f"{self.seen.oldest_expired:%Y-%m-%d}" if self.seen.oldest_expired else "unknown"
        run = "no run has worked on it" if self.last_run is None else f"the newest run: {self.last_run.status}"
        return (
            f"{self.target.name}: {self.seen.expired:,} rows are past {self.target.policy.sentence}, the oldest of "
            f"{oldest}; {run}"
        )


def standings(warehouse: Warehouse, conn: Connection, targets: Iterable[Target], now: datetime) -> list[Standing]:
    """Look at these tables; `conn` is telemetry_retention's, or may read as much."""
    runs = expiry_proof.latest(conn)
    return [_standing(warehouse, conn, target, runs.get(target.name), now) for target in targets]


def _standing(
    warehouse: Warehouse, conn: Connection, target: Target, last: RetentionRun | None, now: datetime
) -> Standing:
    before = cut_off(target.policy, now)
    if last is not None and now - last.began_at <= A_NIGHT:
        before = min(before, max(last.cut_off, cut_off(target.policy, now - 2 * A_NIGHT)))
    return Standing(target, look_before(warehouse, conn, target, before), last)
