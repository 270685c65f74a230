"""What an erasure did to each table, kept while it goes on: a run that is killed loses no count.

Invariant: what will be deleted is counted and committed before the statement that deletes it; whoever finds it there
afterwards counts again, and what is gone meanwhile was erased. Callers own the transaction.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, datetime
    from uuid import UUID

    from telemetry_platform.stores.postgres import Connection

# Two numbers of our own: such locks are a space apart from those with one number.
_LOCK = (0x7E1E, 2)


@dataclass(frozen=True)
class TableCount:
    """One table; `survivors` None: not counted yet, which is not zero."""

    table: str
    pending: int = 0
    days: tuple[date, ...] = ()
    erased: int = 0
    unlinked: int = 0
    survivors: int | None = None
    mutated_at: datetime | None = None


@contextmanager
def only_run(conn: Connection) -> Iterator[None]:
    """Let one sweep at a time into the block: they share a scratch table. Raises TransientError for the second one."""
    if not conn.execute("SELECT pg_try_advisory_lock(%s, %s)", _LOCK).fetchall()[0][0]:
        raise TransientError("another run carries erasures out: look at its result, or try again later")
    try:
        yield
    finally:
        if not conn.closed and not conn.broken:
            conn.execute("SELECT pg_advisory_unlock(%s, %s)", _LOCK)


def of_erasure(conn: Connection, erasure_id: UUID) -> dict[str, TableCount]:
    """All tables of an erasure."""
    rows = conn.execute(
        "SELECT table_name, pending, days, erased, unlinked, survivors, mutated_at FROM privacy.erasures_by_table "
        "WHERE erasure_id = %s ORDER BY table_name",
        (erasure_id,),
    ).fetchall()
    return {row[0]: TableCount(row[0], row[1], tuple(row[2]), *row[3:]) for row in rows}


def announce(conn: Connection, erasure_id: UUID, table: str, pending: int, days: Iterable[date]) -> None:
    """So many rows are about to be deleted; days add up."""
    conn.execute(
        "INSERT INTO privacy.erasures_by_table AS known (erasure_id, table_name, pending, days) "
        "VALUES (%s, %s, %s, %s) ON CONFLICT (erasure_id, table_name) DO UPDATE "
        "SET pending = excluded.pending, survivors = NULL, counted_at = NULL, "
        "days = (SELECT array_agg(DISTINCT day) FROM unnest(known.days || excluded.days) AS day)",
        (erasure_id, table, pending, sorted(set(days))),
    )


def settle(conn: Connection, erasure_id: UUID, table: str, left: int, *, mutated_at: datetime) -> None:
    """So many of the announced rows are left: the others were erased."""
    conn.execute(
        "UPDATE privacy.erasures_by_table SET erased = erased + greatest(pending - %s, 0), pending = 0, "
        "mutated_at = %s WHERE erasure_id = %s AND table_name = %s",
        (left, mutated_at, erasure_id, table),
    )


def add(conn: Connection, erasure_id: UUID, table: str, *, erased: int = 0, unlinked: int = 0) -> None:
    """What a statement of this very transaction did."""
    conn.execute(
        "INSERT INTO privacy.erasures_by_table AS known (erasure_id, table_name, erased, unlinked) "
        "VALUES (%s, %s, %s, %s) ON CONFLICT (erasure_id, table_name) DO UPDATE "
        "SET erased = known.erased + excluded.erased, unlinked = known.unlinked + excluded.unlinked",
        (erasure_id, table, erased, unlinked),
    )


def survive(conn: Connection, erasure_id: UUID, table: str, survivors: int, *, now: datetime) -> None:
    """So many rows were left when it was counted."""
    conn.execute(
        "INSERT INTO privacy.erasures_by_table (erasure_id, table_name, survivors, counted_at) VALUES (%s, %s, %s, %s) "
        "ON CONFLICT (erasure_id, table_name) DO UPDATE "
        "SET survivors = excluded.survivors, counted_at = excluded.counted_at",
        (erasure_id, table, survivors, now),
    )


def unlink(conn: Connection, org_id: str, actors: Iterable[str], moment: datetime) -> int:
    """Take a person out of the security events from before a moment; how many they were."""
    row = conn.execute("SELECT security.unlink(%s, %s, %s)", (org_id, list(actors), moment)).fetchall()[0]
    return int(row[0])


def linked(conn: Connection, org_id: str, actors: Iterable[str], moment: datetime) -> int:
    """Security events from before a moment that still name the person."""
    row = conn.execute("SELECT security.count_linked(%s, %s, %s)", (org_id, list(actors), moment)).fetchall()[0]
    return int(row[0])


def letters(conn: Connection, org_id: str, actors: Iterable[str], moment: datetime) -> int:
    """Dead letters of the person that were received by a moment."""
    row = conn.execute(
        "SELECT count(*) FROM privacy.dead_letters WHERE org_id = %s AND actor_hash = ANY(%s) AND received_at <= %s",
        (org_id, list(actors), moment),
    ).fetchall()[0]
    return int(row[0])
