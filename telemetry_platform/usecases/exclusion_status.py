"""The state of the list of excluded networks: how old it is, how much is in force, what went wrong lately.

Invariants: the age is that of the last full sync that succeeded, by the server's clock; nothing here names a network.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from telemetry_platform.contracts.exclusions import Freshness, SyncMode, SyncStatus, freshness
from telemetry_platform.stores import exclusions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from telemetry_platform.stores.exclusions import SyncRow
    from telemetry_platform.stores.postgres import Connection

_FULL_IS_LATE = timedelta(days=7, hours=12)
"""The weekly sync failed: the next daily one is a full one."""
_PROBLEMS = tuple(status for status in SyncStatus if status not in {SyncStatus.SUCCEEDED, SyncStatus.RUNNING})


@dataclass(frozen=True)
class ExclusionStatus:
    """What there is to know; rows are those of the log, `problems` the newest tries that failed, the newest first."""

    freshness: Freshness
    active: int
    last_full: SyncRow | None
    last_delta: SyncRow | None
    last_try: SyncRow | None
    problems: tuple[SyncRow, ...]

    @property
    def warnings(self) -> Mapping[str, int]:
        """What the newest full list was remarked on for."""
        return {} if self.last_full is None else self.last_full.warnings

    @property
    def refused(self) -> int:
        """Entries of the newest full list that should exclude somebody and do not."""
        return 0 if self.last_full is None else self.last_full.refused

    @property
    def due(self) -> SyncMode:
        """What the next daily sync must be."""
        age = self.freshness.seconds
        return SyncMode.DELTA if age is not None and 0 <= age < _FULL_IS_LATE.total_seconds() else SyncMode.FULL


def exclusion_status(conn: Connection, now: datetime, *, problems: int = 5) -> ExclusionStatus:
    """Look; with at most so many problems."""
    last_full = exclusions.last_success(conn, SyncMode.FULL)
    last_try = exclusions.syncs(conn, limit=1)
    return ExclusionStatus(
        freshness(None if last_full is None else last_full.ended_at, now),
        exclusions.count_active(conn),
        last_full,
        exclusions.last_success(conn, SyncMode.DELTA),
        last_try[0] if last_try else None,
        tuple(exclusions.syncs(conn, limit=problems, statuses=_PROBLEMS)),
    )
