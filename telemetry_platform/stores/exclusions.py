"""The list of excluded networks in PostgreSQL: in force, withdrawn, staged, and the log of the syncs.

Invariants: whoever changes the list holds the lock of `only_sync`, which is the connection's own, so that a sync whose
connection is lost can change nothing any more; the list that is in force changes in one transaction with the log's row
(`exchange` and `finish`); no row is ever deleted here but staged ones.
"""

from __future__ import annotations

import json
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from telemetry_platform import sql_files
from telemetry_platform.contracts.exclusions import SyncMode, SyncStatus
from telemetry_platform.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from telemetry_platform.stores.postgres import Connection

# Two numbers of our own: such locks are a space apart from those with one number.
_LOCK = (0x7E1E, 1)


@dataclass(frozen=True)
class SyncRow:
    """One row of the log."""

    sync_id: int
    mode: SyncMode
    status: SyncStatus
    began_at: datetime
    ended_at: datetime | None
    accept_shrink: bool = False
    updates_after: datetime | None = None
    requests: int = 0
    http_status: int | None = None
    error_code: str | None = None
    received: int = 0
    ignored: int = 0
    refused: int = 0
    added: int = 0
    withdrawn: int = 0
    active: int | None = None
    warnings: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Exchanged:
    """What an exchange changed, and what is in force after it."""

    added: int
    withdrawn: int
    active: int


@contextmanager
def only_sync(conn: Connection) -> Iterator[None]:
    """Let one sync at a time into the block. Raises TransientError when another one is in it."""
    if not conn.execute("SELECT pg_try_advisory_lock(%s, %s)", _LOCK).fetchall()[0][0]:
        raise TransientError("another sync of the exclusion list is at work: look at its result, or try again later")
    try:
        yield
    finally:
        # A connection that is lost has no lock any more; what happened to it is told by whoever needed it.
        if not conn.closed:
            with suppress(TransientError):
                conn.execute("SELECT pg_advisory_unlock(%s, %s)", _LOCK)


def end_interrupted(conn: Connection, now: datetime) -> int:
    """End the rows of syncs that never did; how many. Whoever calls it holds the lock, so that none of them runs."""
    with conn.transaction():
        conn.execute("DELETE FROM privacy.privacy_exclusions_staged")
        return conn.execute(
            "UPDATE privacy.privacy_exclusion_sync_log SET status = %s, ended_at = greatest(began_at, %s) "
            "WHERE status = %s",
            (SyncStatus.INTERRUPTED.value, now, SyncStatus.RUNNING.value),
        ).rowcount


def begin(
    conn: Connection, mode: SyncMode, now: datetime, *, accept_shrink: bool, updates_after: datetime | None
) -> int:
    """Open a row in the log; its number."""
    with conn.transaction():
        row = conn.execute(
            "INSERT INTO privacy.privacy_exclusion_sync_log (mode, status, began_at, accept_shrink, updates_after) "
            "VALUES (%s, %s, %s, %s, %s) RETURNING sync_id",
            (mode.value, SyncStatus.RUNNING.value, now, accept_shrink, updates_after),
        ).fetchall()[0]
    return int(row[0])


def stage(conn: Connection, networks: Iterable[tuple[str, datetime | None]]) -> None:
    """Put a fetched list beside the one in force, in place of whatever an earlier sync left there."""
    with conn.transaction(), conn.cursor() as cursor:
        cursor.execute("DELETE FROM privacy.privacy_exclusions_staged")
        with cursor.copy("COPY privacy.privacy_exclusions_staged (network, last_updated) FROM STDIN") as copy:
            for network in networks:
                copy.write_row(network)


def exchange(conn: Connection, sync_id: int, now: datetime, *, exclusion_type: str, withdraws: bool) -> Exchanged:
    """Bring the staged list into force, in the caller's transaction; with `withdraws` nothing else stays in force."""
    parameters = {"sync_id": sync_id, "now": now, "exclusion_type": exclusion_type}
    withdrawn = _run(conn, "withdraw_exclusions", parameters) if withdraws else 0
    _run(conn, "renew_exclusions", parameters)
    added = _run(conn, "add_exclusions", parameters)
    return Exchanged(added, withdrawn, count_active(conn))


def finish(conn: Connection, sync_id: int, status: SyncStatus, now: datetime, **columns: Any) -> None:  # noqa: ANN401 - values of columns
    """Close a row of the log, and forget what was staged, in the caller's transaction."""
    conn.execute("DELETE FROM privacy.privacy_exclusions_staged")
    values = {"http_status": None, "error_code": None, "requests": 0, "received": 0, "ignored": 0, "refused": 0}
    values |= {"added": 0, "withdrawn": 0, "active": None} | columns
    conn.execute(
        "UPDATE privacy.privacy_exclusion_sync_log SET status = %(status)s, ended_at = greatest(began_at, %(now)s), "
        "requests = %(requests)s, http_status = %(http_status)s, error_code = %(error_code)s, "
        "received = %(received)s, ignored = %(ignored)s, refused = %(refused)s, added = %(added)s, "
        "withdrawn = %(withdrawn)s, active = %(active)s, warnings = %(warnings)s::jsonb WHERE sync_id = %(sync_id)s",
        values
        | {
            "sync_id": sync_id,
            "status": status.value,
            "now": now,
            "warnings": json.dumps(columns.get("warnings", {})),
        },
    )


def _run(conn: Connection, name: str, parameters: Mapping[str, Any]) -> int:
    return conn.execute(sql_files.read(f"postgres/queries/{name}.sql").encode(), parameters).rowcount


def count_active(conn: Connection) -> int:
    """Networks in force."""
    row = conn.execute("SELECT count(*) FROM privacy.privacy_exclusions WHERE withdrawn_at IS NULL").fetchall()[0]
    return int(row[0])


def newest_entry(conn: Connection, not_after: datetime) -> datetime | None:
    """When the newest entry in force was published, by the list's own word; later ones than `not_after` are no word."""
    row = conn.execute(
        "SELECT max(last_updated) FROM privacy.privacy_exclusions WHERE withdrawn_at IS NULL AND last_updated <= %s",
        (not_after,),
    ).fetchall()[0]
    found: datetime | None = row[0]
    return found


def version(conn: Connection) -> str | None:
    """What names the list in force: it changes with every sync that succeeded; None before the first."""
    row = conn.execute(
        "SELECT sync_id, ended_at FROM privacy.privacy_exclusion_sync_log WHERE status = 'succeeded' "
        "ORDER BY sync_id DESC LIMIT 1"
    ).fetchone()
    return f"{row[0]}@{row[1]:%Y-%m-%dT%H:%M:%S.%fZ}" if row else None


def active_networks(conn: Connection) -> list[str]:
    """The networks in force, as text with their prefix, in order: what is in order already is sorted fastest."""
    rows = conn.execute(
        "SELECT network::text FROM privacy.privacy_exclusions WHERE withdrawn_at IS NULL ORDER BY network"
    ).fetchall()
    return [row[0] for row in rows]


def syncs(
    conn: Connection, *, limit: int, mode: SyncMode | None = None, statuses: Iterable[SyncStatus] | None = None
) -> list[SyncRow]:
    """Rows of the log, the newest first; of one mode and of some statuses, where they are given."""
    rows = conn.execute(
        sql_files.read("postgres/queries/select_exclusion_syncs.sql").encode(),
        {
            "limit": limit,
            "mode": mode and mode.value,
            "statuses": None if statuses is None else [status.value for status in statuses],
        },
    ).fetchall()
    return [SyncRow(row[0], SyncMode(row[1]), SyncStatus(row[2]), *row[3:]) for row in rows]


def last_success(conn: Connection, mode: SyncMode | None = None) -> SyncRow | None:
    """The newest sync that succeeded."""
    found = syncs(conn, limit=1, mode=mode, statuses=(SyncStatus.SUCCEEDED,))
    return found[0] if found else None
