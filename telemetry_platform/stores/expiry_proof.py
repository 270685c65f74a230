"""The proof of retention in PostgreSQL: what a run is about to do to a table, and what it did.

Invariants: an announcement is committed before the first deletion that it speaks of, and goes in the transaction that
writes the proof, so that a run that is killed leaves nothing done, an announcement, or its proof; a proof is made by
the database's own function, which links it to the one before.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

import orjson

from telemetry_platform.contracts.retention_runs import ChainState, RetentionRun
from telemetry_platform.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from uuid import UUID

    from telemetry_platform.stores.postgres import Connection

# Two numbers of our own: such locks are a space apart from those with one number.
_LOCK = (0x7E1E, 4)
_COLUMNS = ", ".join(column.name for column in fields(RetentionRun))
_AT_ONCE = 1_000


@dataclass(frozen=True)
class Announcement:
    """What is about to be removed of one table."""

    table_name: str
    run_id: UUID
    store: str
    policy: str
    began_at: datetime
    cut_off: datetime
    rows_before: int
    expired_before: int
    rows_held: int
    partitions: Sequence[str] = field(default=(), hash=False)


@dataclass(frozen=True)
class Outcome:
    """What became of it."""

    rows_after: int
    expired_after: int
    partitions_dropped: int
    rows_dropped: int
    oldest_remaining: datetime | None
    status: str


@dataclass(frozen=True)
class Removal:
    """What a run removed, all of its tables together."""

    run_id: UUID
    tables: int
    rows: int
    left: int


@contextmanager
def only_run(conn: Connection) -> Iterator[None]:
    """Let one run of retention at a time into the block. Raises TransientError for the second one."""
    if not conn.execute("SELECT pg_try_advisory_lock(%s, %s)", _LOCK).fetchall()[0][0]:
        raise TransientError("another run of retention is at work: look at its result, or try again later")
    try:
        yield
    finally:
        if not conn.closed and not conn.broken:
            conn.execute("SELECT pg_advisory_unlock(%s, %s)", _LOCK)


def announce(conn: Connection, announcement: Announcement) -> None:
    """Say it before it is done; commits when the caller's transaction does."""
    values = {**asdict(announcement), "partitions": list(announcement.partitions)}
    conn.execute(
        "INSERT INTO privacy.retention_announced (table_name, run_id, store, policy, began_at, cut_off, rows_before, "
        "expired_before, rows_held, partitions) VALUES (%(table_name)s, %(run_id)s, %(store)s, %(policy)s, "
        "%(began_at)s, %(cut_off)s, %(rows_before)s, %(expired_before)s, %(rows_held)s, %(partitions)s)",
        values,
    )


def announce_partition(conn: Connection, table: str, partition: str) -> None:
    """One more whole partition of an announced table is about to be dropped."""
    conn.execute(
        "UPDATE privacy.retention_announced SET partitions = partitions || %s WHERE table_name = %s",
        ([partition], table),
    )


def announced(conn: Connection) -> list[Announcement]:
    """What killed runs have left, as long as no run is at work."""
    rows = conn.execute(
        "SELECT table_name, run_id, store, policy, began_at, cut_off, rows_before, expired_before, rows_held, "
        "partitions FROM privacy.retention_announced ORDER BY table_name"
    ).fetchall()
    return [Announcement(*row) for row in rows]


def prove(conn: Connection, told: Announcement, outcome: Outcome, *, dry_run: bool = False) -> int:
    """Write the proof, and take the announcement away, in the caller's transaction; the run's number in the chain."""
    given: dict[str, Any] = {**asdict(told), **asdict(outcome), "dry_run": dry_run}
    given.pop("partitions")
    row = conn.execute("SELECT privacy.record_retention_run(%s::jsonb)", (orjson.dumps(given).decode(),)).fetchall()[0]
    return int(row[0])


def expire_runs(conn: Connection) -> int:
    """Remove proofs that have expired themselves, by the database's own clock; how many those were."""
    return int(conn.execute("SELECT privacy.expire_retention_runs()").fetchall()[0][0])


def latest(conn: Connection) -> dict[str, RetentionRun]:
    """Of every table the newest run that was no dry one."""
    rows = conn.execute(
        f"SELECT DISTINCT ON (table_name) {_COLUMNS} FROM privacy.retention_runs WHERE NOT dry_run "  # noqa: S608 - a constant list
        "ORDER BY table_name, number DESC"
    ).fetchall()
    return {row[2]: RetentionRun(*row) for row in rows}


def of_run(conn: Connection, run_id: UUID) -> list[RetentionRun]:
    """The proofs of one run."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM privacy.retention_runs WHERE run_id = %s ORDER BY number",  # noqa: S608 - a constant list
        (run_id,),
    ).fetchall()
    return [RetentionRun(*row) for row in rows]


def unsaid(conn: Connection) -> list[Removal]:
    """Runs that have removed rows and that no mark speaks of, the oldest first: this one, and one that was killed."""
    rows = conn.execute(
        "SELECT r.run_id, count(*), sum(r.rows_dropped)::bigint, sum(r.expired_after)::bigint "
        "FROM privacy.retention_runs r WHERE NOT r.dry_run AND NOT EXISTS (SELECT FROM ops.restore_marks m "
        "WHERE m.mark_id = r.run_id AND m.confirmed_at IS NOT NULL) "
        "GROUP BY r.run_id HAVING sum(r.rows_dropped) > 0 ORDER BY min(r.number)"
    ).fetchall()
    return [Removal(*row) for row in rows]


def chain(conn: Connection) -> Iterator[RetentionRun]:
    """All proofs in their order, page by page."""
    after = 0
    while True:
        rows = conn.execute(
            f"SELECT {_COLUMNS} FROM privacy.retention_runs WHERE number > %s ORDER BY number LIMIT %s",  # noqa: S608 - a constant list
            (after, _AT_ONCE),
        ).fetchall()
        if not rows:
            return
        yield from (RetentionRun(*row) for row in rows)
        after = rows[-1][0]


def chain_state(conn: Connection) -> ChainState:
    """Where the chain begins and ends."""
    row = conn.execute(
        "SELECT first_number, first_prev_hash, last_number, last_hash FROM privacy.retention_head"
    ).fetchall()[0]
    return ChainState(*row)
