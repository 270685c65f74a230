"""Which numbered entries of the trail and of the security events came, and which did not: marks and gaps.

Invariants: written by functions of the database alone, and noted in the transaction that ends the batch whose numbers
they are, so that a batch that is tried again is noted once; a number that comes twice changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from telemetry_platform import sql_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from telemetry_platform.stores.postgres import Connection

SERVICE, API = "service", "api"


@dataclass(frozen=True)
class Seen:
    """Numbers of one producer that came, as runs of first and last.

    `origin` says who numbered them: a service its events of a kind (`place`), or an API process its entries of a
    stream.
    """

    origin: str
    place: str
    producer: str
    runs: Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Gap:
    """Numbers that did not come: `numbers` of them are still missing, from `first` to `last`."""

    gap_id: int
    origin: str
    place: str
    producer: str
    first: int
    last: int
    numbers: int
    noticed_at: datetime


def note(conn: Connection, seen: Iterable[Seen], now: datetime) -> int:
    """Note what came, in the caller's transaction; how many gaps it opened."""
    given = [
        {
            "origin": one.origin,
            "place": one.place,
            "producer": one.producer,
            "seen": "{" + ",".join(f"[{first},{last}]" for first, last in one.runs) + "}",
        }
        for one in seen
    ]
    if not given:
        return 0
    row = conn.execute("SELECT audit.intake_note(%s::jsonb, %s)", (orjson.dumps(given).decode(), now)).fetchone()
    return int(row[0]) if row else 0


def open_gaps(conn: Connection, now: datetime, *, older_than_seconds: float) -> list[Gap]:
    """Gaps that nobody has explained, the oldest first; one that is younger may close itself."""
    rows = conn.execute(
        sql_files.read("postgres/queries/audit_intake_open_gaps.sql").encode(),
        {"now": now, "seconds": older_than_seconds},
    ).fetchall()
    return [Gap(*row) for row in rows]


def explain(conn: Connection, gap_id: int, *, by: str, why: str, now: datetime) -> bool:
    """Say why a gap will not close, once; whether there was such a gap, open and unexplained."""
    row = conn.execute("SELECT audit.intake_explain(%s, %s, %s, %s)", (gap_id, by, why, now)).fetchone()
    return bool(row and row[0])
