"""What ingest and the audit trail hold in all, for reconciliation: counts, read by the role that may only look.

Invariant: every number is counted where it rests; nothing is remembered from the run that wrote it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from telemetry_platform.stores.postgres import Connection


@dataclass(frozen=True)
class IngestTotals:
    """Events of drained entries, by kind and by what became of them, and what may still be on its way or lost.

    `unfinished` are batches, `lost` numbers that producers gave and nobody saw.
    """

    entries: Mapping[str, int]
    outcomes: Mapping[str, Mapping[str, int]]
    unfinished: int
    lost: int
    runs: tuple[str, ...]


_OUTCOMES = ("stored", "duplicate", "id_conflict", "too_late", "erased", "dead_lettered", "missing")


def ingest_totals(conn: Connection) -> IngestTotals:
    """Count everything."""
    rows = conn.execute(
        "SELECT kind, sum(events), sum(stored), sum(duplicate), sum(id_conflict), sum(too_late), sum(erased), "
        "sum(dead_lettered), sum(missing) FROM ingest.batches WHERE state IN ('closed', 'acked') "
        "GROUP BY kind ORDER BY kind"
    ).fetchall()
    runs = conn.execute(
        "SELECT run_id FROM ingest.batches WHERE run_id <> '' GROUP BY run_id ORDER BY min(opened_at)"
    ).fetchall()
    return IngestTotals(
        entries={kind: int(entries) for kind, entries, *_ in rows},
        outcomes={kind: dict(zip(_OUTCOMES, map(int, counts), strict=True)) for kind, _, *counts in rows},
        unfinished=unfinished_batches(conn),
        lost=_count(conn, "SELECT coalesce(sum(missing), 0) FROM ingest.producer_gaps"),
        runs=tuple(run_id for (run_id,) in runs),
    )


def unfinished_batches(conn: Connection) -> int:
    """Batches whose rows may or may not be stored; the entries of a closed one may still be in the stream."""
    return _count(conn, "SELECT count(*) FROM ingest.batches WHERE state = 'open'")


def _count(conn: Connection, query: str) -> int:
    row = conn.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0


def open_since(conn: Connection, moment: datetime) -> bool:
    """Whether a batch is open that was opened by then: its entries may be from before."""
    row = conn.execute(
        "SELECT EXISTS (SELECT FROM ingest.batches WHERE state = 'open' AND opened_at <= %s)", (moment,)
    ).fetchone()
    return bool(row and row[0])
