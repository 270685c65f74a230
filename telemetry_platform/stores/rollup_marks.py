"""Which days of which rollups are behind their base, and the lock that keeps two rebuilds of one day apart.

Invariants: a mark is read before the base is and written after the swap, and no rebuild lowers or removes one: whatever
is killed in between leaves the day due. `touched_days` is never deleted from by a rebuild.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, datetime

    from telemetry_platform.stores.postgres import Connection

_LOCK = 0x726F6C6C
"""First half of the advisory locks' key; the second is a hash of the rollup and its day."""
_UNTOUCHED = 0


@dataclass(frozen=True)
class Built:
    """A day of a rollup as it was last rebuilt."""

    rollup: str
    day: date
    mark: int
    rows: int
    built_at: datetime
    duration_ms: int
    run_id: str


def mark_of(conn: Connection, base: str, day: date) -> int:
    """The day's mark now; 0 where nothing has ever touched it."""
    row = conn.execute(
        "SELECT mark FROM ingest.touched_days WHERE table_name = %s AND day = %s", (base, day)
    ).fetchone()
    return int(row[0]) if row else _UNTOUCHED


def built(conn: Connection, rollup: str) -> Mapping[date, Built]:
    """All days of a rollup that were ever rebuilt."""
    rows = conn.execute(
        "SELECT rollup, day, mark, rows, built_at, duration_ms, run_id FROM ingest.rollup_days WHERE rollup = %s",
        (rollup,),
    ).fetchall()
    return {row[1]: Built(*row) for row in rows}


def due(conn: Connection, bases: Mapping[str, str]) -> Sequence[tuple[str, date, datetime]]:
    """Rollup, day, and since when the day is behind, the longest due first; `bases` names each rollup's base."""
    return conn.execute(
        "SELECT name, touched.day, greatest(touched.first_marked_at, known.built_at) AS since "
        "FROM unnest(%s::text[], %s::text[]) AS rollup (name, base) "
        "JOIN ingest.touched_days AS touched ON touched.table_name = rollup.base "
        "LEFT JOIN ingest.rollup_days AS known ON known.rollup = name AND known.day = touched.day "
        "WHERE known.mark IS NULL OR known.mark < touched.mark ORDER BY since, touched.day, name",
        (list(bases), list(bases.values())),
    ).fetchall()


def note_comparison(conn: Connection, rollup: str, day: date, *, differs: bool, now: datetime) -> None:
    """Remember that a day differs from its base until a comparison finds that it does not."""
    conn.execute(
        "UPDATE ingest.rollup_days SET differs_since = CASE WHEN %s THEN coalesce(differs_since, %s) END "
        "WHERE rollup = %s AND day = %s AND (%s OR differs_since IS NOT NULL)",
        (differs, now, rollup, day, differs),
    )


def differing(conn: Connection, rollup: str) -> frozenset[date]:
    """The days that differed when they were last compared."""
    rows = conn.execute(
        "SELECT day FROM ingest.rollup_days WHERE rollup = %s AND differs_since IS NOT NULL", (rollup,)
    ).fetchall()
    return frozenset(row[0] for row in rows)


def begin_swap(conn: Connection, rollup: str, day: date, mark: int) -> None:
    """Say before the swap that the day is no newer than what will be put there: a kill after it leaves the day due."""
    conn.execute(
        "UPDATE ingest.rollup_days SET mark = least(mark, %s) WHERE rollup = %s AND day = %s", (mark - 1, rollup, day)
    )


def record(conn: Connection, of: Built) -> None:
    """The day is rebuilt up to this mark, whatever was said before: its rows are those that were put there last."""
    conn.execute(
        "INSERT INTO ingest.rollup_days (rollup, day, mark, rows, built_at, duration_ms, run_id) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (rollup, day) DO UPDATE SET "
        "mark = excluded.mark, rows = excluded.rows, built_at = excluded.built_at, "
        "duration_ms = excluded.duration_ms, run_id = excluded.run_id",
        (of.rollup, of.day, of.mark, of.rows, of.built_at, of.duration_ms, of.run_id),
    )


def touch_all(conn: Connection, *, why: str, now: datetime) -> int:
    """Every day that was ever touched is due again: what a restored database holds is not known."""
    return conn.execute(
        "UPDATE ingest.touched_days SET mark = mark + 1, batch_id = %s, marked_at = %s", (why, now)
    ).rowcount


@contextmanager
def day_locked(conn: Connection, rollup: str, day: date) -> Iterator[None]:
    """Nobody else rebuilds this day for the block. Raises TransientError when somebody does and goes on doing so.

    The lock is the connection's, not a transaction's: a rebuild may take longer than a transaction may idle.
    """
    key = (_LOCK, f"{rollup} {day.isoformat()}")
    try:
        conn.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", key)
    except TransientError:
        raise TransientError(f"{rollup}: somebody else rebuilds {day.isoformat()}; try again") from None
    try:
        yield
    finally:
        if not conn.closed and not conn.broken:
            conn.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", key)
