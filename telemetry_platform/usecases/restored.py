"""Whether a database was restored from a backup since something was removed for good: then nobody works on it.

Erasures outlive a restore only if they are made again (`telemetry restore-check`); until then the drain does not start
and the API has no keys. Invariants: asked before the first entry is read, and before the first event is taken; a
witness that does not answer, or was emptied, says nothing; of a database that does not answer nothing is assumed.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from telemetry_platform.errors import RestoredDataError, TransientError
from telemetry_platform.stores import erasures, redis, restore_marks, tombstone_copies

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.warehouse import Warehouse

_NEXT = "it may hold again what was erased since: run `telemetry restore-check`, then start again"


def refuse_restored(conn: Connection, warehouse: Warehouse, settings: Settings, now: datetime) -> None:
    """For whoever works on both databases. Raises RestoredDataError."""
    refuse_restored_postgres(conn, settings, now)
    confirmed = restore_marks.newest_confirmed(conn)
    if confirmed is not None and not restore_marks.warehouse_has(warehouse, confirmed):
        raise RestoredDataError(f"ClickHouse was restored from a backup, or is another one than before; {_NEXT}")
    newest = restore_marks.newest_in_warehouse(warehouse)
    if newest is not None and not restore_marks.postgres_has(conn, newest.mark_id):
        raise RestoredDataError(f"PostgreSQL is behind ClickHouse: it was restored from a backup; {_NEXT}")


def refuse_unknown_loss(conn: Connection, warehouse: Warehouse, settings: Settings, now: datetime) -> None:
    """For a check without copies: PostgreSQL may lack erasures that nobody can name. Raises RestoredDataError."""
    newest = restore_marks.newest_in_warehouse(warehouse)
    behind = newest is not None and not restore_marks.postgres_has(conn, newest.mark_id)
    try:
        refuse_restored_postgres(conn, settings, now)
    except RestoredDataError:
        behind = True
    if behind:
        raise RestoredDataError(
            "PostgreSQL was restored from a backup, and erasures that were made since are not known: set "
            "TELEMETRY_PRIVACY__TOMBSTONE_COPY to the folder of their copies, or go on without them "
            "(--accept-lost-erasures) and ask for them again"
        )


def refuse_restored_postgres(conn: Connection, settings: Settings, now: datetime) -> None:
    """For whoever has PostgreSQL and Redis only. Raises RestoredDataError."""
    seen: list[tuple[str, UUID | None]] = []
    # A queue that does not answer stops its users by itself; here it is a witness.
    with suppress(TransientError), redis.connect(settings.redis, timeout_seconds=redis.TIMEOUT_SECONDS) as client:
        seen.append(("Redis", restore_marks.in_redis(client)))
    folder = settings.privacy.tombstone_copy
    if folder is not None:
        seen.append(("the copies of tombstones", tombstone_copies.read_mark(folder)))
    for witness, mark in seen:
        if mark is not None and not restore_marks.postgres_has(conn, mark):
            raise RestoredDataError(f"PostgreSQL is behind {witness}: it was restored from a backup; {_NEXT}")
    if folder is not None and lost_erasures(conn, folder, now):
        raise RestoredDataError(f"PostgreSQL lacks erasures that were copied: it was restored from a backup; {_NEXT}")


def lost_erasures(conn: Connection, folder: Path, now: datetime) -> frozenset[UUID]:
    """Erasures whose tombstones are copied and still count, and which PostgreSQL does not know."""
    copied = {one.erasure_id for one in tombstone_copies.read(folder) if one.until > now}
    return frozenset(copied - erasures.known(conn, copied))


def copy_tombstones(conn: Connection, folder: Path | None, now: datetime) -> int:
    """Let the folder hold what is in force, and nothing that is not any more; how many copies were written."""
    if folder is None:
        return 0
    in_force: dict[UUID, list[erasures.Tombstone]] = {}
    for one in erasures.tombstones(conn, now=now):
        in_force.setdefault(one.erasure_id, []).append(one)
    written = sum(tombstone_copies.write(folder, erasure_id, found) for erasure_id, found in in_force.items())
    for one in tombstone_copies.read(folder):
        if one.until <= now:
            tombstone_copies.remove(folder, one.erasure_id)
    return written


def mark_removal(  # noqa: PLR0913, PLR0917 - where it is written, what and when
    conn: Connection,
    warehouse: Warehouse,
    settings: Settings,
    why: str,
    mark_id: UUID,
    now: datetime,
    confirming: Callable[[], object] = lambda: None,
) -> None:
    """Say everywhere that data was removed for good: databases without this mark are older than that.

    Call it when an erasure has its certificate, and when retention has removed rows; `conn` commits by itself.
    `confirming` is called in the transaction that ends it.
    """
    mark = restore_marks.begin(conn, warehouse, mark_id, why, now)
    restore_marks.write_to_warehouse(warehouse, mark, now)
    with conn.transaction():
        confirming()
        restore_marks.confirm(conn, mark, now)
    with redis.connect(settings.redis) as client:
        restore_marks.write_to_redis(client, mark)
    if settings.privacy.tombstone_copy is not None:
        tombstone_copies.write_mark(settings.privacy.tombstone_copy, mark.mark_id)
