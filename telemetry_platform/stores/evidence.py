"""What an evidence archive is made of, read row by row from one state of PostgreSQL, and counts from the warehouse.

Invariants: statements are files of `sql/`, none of which selects whose account did something, a key, or on whom a hold
is; no answer is held whole, but for counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from telemetry_platform import sql_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.warehouse import Warehouse

Row = dict[str, Any]
_AT_ONCE = 1_000


class TrailEnds(NamedTuple):
    """The first and the last row of a part of the trail."""

    first_seq: int
    first_prev_hash: str
    last_seq: int
    last_hash: str
    last_recorded_at: datetime


def rows(conn: Connection, query: str, given: Mapping[str, Any]) -> Iterator[Row]:
    """The answer of `queries/evidence_<query>.sql`, to be read to its end before the next one is asked for.

    In the caller's transaction, whose state of the database it is of.
    """
    statement = sql_files.read(f"postgres/queries/evidence_{query}.sql").rstrip().removesuffix(";")
    conn.execute(f"DECLARE evidence NO SCROLL CURSOR FOR {statement}".encode(), given)
    while True:
        cursor = conn.execute(f"FETCH {_AT_ONCE} FROM evidence".encode())
        names = [column.name for column in cursor.description or ()]
        page = cursor.fetchall()
        yield from (dict(zip(names, row, strict=True)) for row in page)
        if len(page) < _AT_ONCE:
            break
    conn.execute("CLOSE evidence")


def trail_last(conn: Connection, ends: datetime) -> int:
    """The last place that the trail reached before a moment; 0 when none of those rows is there."""
    found = conn.execute(sql_files.read("postgres/queries/evidence_trail_last.sql").encode(), {"ends": ends}).fetchone()
    return 0 if found is None else int(found[0])


def trail_ends(conn: Connection, begins: datetime, until: datetime, until_seq: int) -> TrailEnds | None:
    """The rows that were recorded first from a moment on, and last until another one; None without any."""
    found = conn.execute(
        sql_files.read("postgres/queries/evidence_trail_ends.sql").encode(),
        {"begins": begins, "until": until, "until_seq": until_seq},
    ).fetchone()
    return None if found is None else TrailEnds(*found)


def drops_by_day(warehouse: Warehouse, begins: datetime, ends: datetime) -> Iterator[Row]:
    """Dropped events of a period: a row for each day, kind, level and reason."""
    for day, kind, level, reason, events in warehouse.rows("count_drops_by_day", {"begins": begins, "ends": ends}):
        yield {"day": day, "kind": kind, "consent_level": level, "reason": reason, "events": events}


def last_sync(conn: Connection, ends: datetime) -> datetime | None:
    """When the newest sync of the exclusion list before a moment succeeded."""
    row = conn.execute(
        "SELECT max(ended_at) FROM privacy.privacy_exclusion_sync_log WHERE status = 'succeeded' AND ended_at < %s",
        (ends,),
    ).fetchall()[0]
    found: datetime | None = row[0]
    return found
