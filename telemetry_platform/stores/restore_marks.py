"""Marks in both databases, and in Redis and a folder as witnesses, by which a restored database is told.

Whatever removes data for good (an erasure that ended, retention) writes a mark everywhere; a database that lacks a mark
that another place has is an older state of itself. Invariants: a mark is in PostgreSQL before it is anywhere else, and
confirmed there once ClickHouse has it, so that a crash in between looks like no restore; marks are never removed. Redis
and the folder only ever accuse: one of them that is empty or old says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from telemetry_platform.errors import ContractViolationError
from telemetry_platform.stores import redis

if TYPE_CHECKING:
    from datetime import datetime

    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.warehouse import Warehouse

ERASURE, RETENTION, RESTORE_CHECK = "erasure", "retention", "restore_check"
_KEY = "restore:mark"


@dataclass(frozen=True)
class Mark:
    """One mark; numbers grow."""

    mark_id: UUID
    number: int


def begin(conn: Connection, warehouse: Warehouse, mark_id: UUID, why: str, now: datetime) -> Mark:
    """Write it where it must be first; commits. What was begun before goes on under its number."""
    newest = newest_in_warehouse(warehouse)
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(hashtext('ops.restore_marks'))")
        known = conn.execute("SELECT number FROM ops.restore_marks WHERE mark_id = %s", (mark_id,)).fetchone()
        row = (
            known
            or conn.execute(
                "INSERT INTO ops.restore_marks (mark_id, number, why, written_at) "
                "SELECT %s, greatest(coalesce(max(number), 0), %s) + 1, %s, %s FROM ops.restore_marks RETURNING number",
                (mark_id, 0 if newest is None else newest.number, why, now),
            ).fetchone()
        )
    if row is None:
        raise ContractViolationError("PostgreSQL did not say which number the mark has")
    return Mark(mark_id, int(row[0]))


def write_to_warehouse(warehouse: Warehouse, mark: Mark, now: datetime) -> None:
    """Write it in ClickHouse."""
    parameters = {"mark_id": str(mark.mark_id), "number": mark.number, "written_at": now}
    warehouse.execute("insert_restore_mark", parameters)


def confirm(conn: Connection, mark: Mark, now: datetime) -> None:
    """Both have it; in the caller's transaction."""
    conn.execute("UPDATE ops.restore_marks SET confirmed_at = %s WHERE mark_id = %s", (now, mark.mark_id))


def write_to_redis(client: redis.Redis, mark: Mark) -> None:
    """Let Redis be a witness."""
    with redis.own_errors():
        client.set(_KEY, str(mark.mark_id))


def in_redis(client: redis.Redis) -> UUID | None:
    """The mark that Redis remembers; None where it says nothing."""
    with redis.own_errors():
        text = client.get(_KEY)
    return _read(text) if isinstance(text, bytes) else None


def newest_in_warehouse(warehouse: Warehouse) -> Mark | None:
    """The newest mark of ClickHouse."""
    rows = warehouse.rows("select_newest_restore_mark")
    return Mark(UUID(str(rows[0][0])), int(rows[0][1])) if rows else None


def newest_confirmed(conn: Connection) -> Mark | None:
    """The newest mark that PostgreSQL knows ClickHouse to have."""
    row = conn.execute(
        "SELECT mark_id, number FROM ops.restore_marks WHERE confirmed_at IS NOT NULL ORDER BY number DESC LIMIT 1"
    ).fetchone()
    return Mark(*row) if row else None


def warehouse_has(warehouse: Warehouse, mark: Mark) -> bool:
    """Whether ClickHouse has it."""
    return bool(warehouse.rows("count_restore_mark", {"mark_id": str(mark.mark_id)})[0][0])


def postgres_has(conn: Connection, mark_id: UUID) -> bool:
    """Whether PostgreSQL has it, confirmed or not."""
    found = conn.execute("SELECT 1 FROM ops.restore_marks WHERE mark_id = %s", (mark_id,)).fetchone()
    return found is not None


def _read(text: bytes) -> UUID:
    try:
        return UUID(text.decode("ascii", "replace"))
    except ValueError:
        raise ContractViolationError(f"`{_KEY}` in Redis is no mark: delete it") from None
