"""How many entries were not stored lately, and why: counted in the drain's ledger and in the dead letters.

Invariant: only what the drain judged is here. What the API refused was answered and never taken, so that no store knows
of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from telemetry_platform import sql_files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from telemetry_platform.stores.postgres import Connection


@dataclass(frozen=True)
class Rejects:
    """What became of the entries of one kind; `reasons` are those of its dead letters, by count."""

    entries: int = 0
    dead_lettered: int = 0
    id_conflict: int = 0
    too_late: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def rejected(self) -> int:
        """Entries that should have been rows and are none. A late event is none: the contract refuses it."""
        return self.dead_lettered + self.id_conflict

    @property
    def share(self) -> float:
        """Rejected ones among all; 0 when there were none."""
        return self.rejected / self.entries if self.entries else 0.0


def recent_rejects(conn: Connection, streams: Sequence[str], *, since: datetime) -> dict[str, Rejects]:
    """By kind, over the batches that ended since then; kinds without any are missing."""
    rows = conn.execute(
        sql_files.read("postgres/queries/count_recent_rejects.sql").encode(),
        {"streams": list(streams), "since": since},
    ).fetchall()
    return {
        kind: Rejects(int(entries), int(dead), int(conflicts), int(late), reasons)
        for kind, entries, dead, conflicts, late, reasons in rows
    }
