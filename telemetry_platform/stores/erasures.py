"""Erasures and the tombstones that they leave: who is to be forgotten, how far it has come, and what may not come back.

Invariants: an erasure row names nobody, only its tombstones do, by pseudonyms; a tombstone is in force from the commit
of the request until `until`, except while a legal hold keeps its erasure back. Callers own the transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from telemetry_platform.errors import ContractViolationError
from telemetry_platform.stores.tombstones import IN_FORCE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from telemetry_platform.stores.postgres import Connection

HELD, REQUESTED, ERASING, ERASED, CERTIFIED, FAILED = (
    "held",
    "requested",
    "erasing",
    "erased",
    "certified",
    "failed",
)
_COLUMNS = (
    "erasure_id, org_id, status, requested_at, erased_at, began_at, tried_at, attempts, waits_for, certified_at, "
    "certificate"
)


@dataclass(frozen=True)
class Erasure:
    """One erasure: its random reference, how far it has come, and in the end its certificate."""

    erasure_id: UUID
    org_id: str
    status: str
    requested_at: datetime
    erased_at: datetime
    began_at: datetime | None = None
    tried_at: datetime | None = None
    attempts: int = 0
    waits_for: str = ""
    certified_at: datetime | None = None
    certificate: Mapping[str, Any] | None = field(default=None, hash=False)


@dataclass(frozen=True)
class Tombstone:
    """One pseudonym of an erased person: what was received or began by `erased_at` is dropped, until `until`."""

    erasure_id: UUID
    org_id: str
    subject_hash: str = field(repr=False)
    epoch: int
    actor_hash: str = field(repr=False)
    erased_at: datetime
    until: datetime


def tombstones(conn: Connection, *, now: datetime) -> list[Tombstone]:
    """All that are in force, of all tenants; small: one row for each erased person and epoch, for some weeks."""
    rows = conn.execute(
        "SELECT t.erasure_id, t.org_id, t.subject_hash, t.epoch, t.actor_hash, t.erased_at, t.until "  # noqa: S608 - a constant
        "FROM privacy.tombstones t JOIN privacy.erasures e USING (erasure_id) "
        f"WHERE {IN_FORCE} AND t.until > %s ORDER BY t.erasure_id, t.epoch",
        (now,),
    ).fetchall()
    return [Tombstone(*row) for row in rows]


def tombstones_of(conn: Connection, erasure_ids: Sequence[UUID]) -> list[Tombstone]:
    """The pseudonyms that these erasures are about, also those of held ones."""
    rows = conn.execute(
        "SELECT erasure_id, org_id, subject_hash, epoch, actor_hash, erased_at, until FROM privacy.tombstones "
        "WHERE erasure_id = ANY(%s) ORDER BY erasure_id, epoch",
        (list(erasure_ids),),
    ).fetchall()
    return [Tombstone(*row) for row in rows]


def known(conn: Connection, erasure_ids: Collection[UUID]) -> frozenset[UUID]:
    """Those of these erasures that there are."""
    rows = conn.execute(
        "SELECT erasure_id FROM privacy.erasures WHERE erasure_id = ANY(%s)", (list(erasure_ids),)
    ).fetchall()
    return frozenset(row[0] for row in rows)


def lock_person(conn: Connection, org_id: str, subject_hash: str) -> None:
    """Let nobody else ask for the erasure of this person before the transaction ends."""
    conn.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"erasure {org_id} {subject_hash}",))


def is_held(conn: Connection, org_id: str, subject_hash: str) -> bool:
    """Whether a legal hold on the person is in force."""
    return (
        conn.execute(
            "SELECT 1 FROM privacy.legal_holds WHERE org_id = %s AND subject_hash = %s AND released_at IS NULL",
            (org_id, subject_hash),
        ).fetchone()
        is not None
    )


def add(conn: Connection, erasure: Erasure, subject_hash: str, actors: Mapping[int, str], until: datetime) -> None:
    """Write an erasure and its tombstones, one for each epoch of `actors`."""
    conn.execute(
        "INSERT INTO privacy.erasures (erasure_id, org_id, status, requested_at, erased_at) "
        "VALUES (%s, %s, %s, %s, %s)",
        (erasure.erasure_id, erasure.org_id, erasure.status, erasure.requested_at, erasure.erased_at),
    )
    conn.cursor().executemany(
        "INSERT INTO privacy.tombstones (erasure_id, org_id, subject_hash, epoch, actor_hash, erased_at, until) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [
            (erasure.erasure_id, erasure.org_id, subject_hash, epoch, actor_hash, erasure.erased_at, until)
            for epoch, actor_hash in actors.items()
        ],
    )


def unbegun_of(conn: Connection, org_id: str, subject_hash: str) -> Erasure | None:
    """The erasure of this person that can still be made one of now: nothing was swept, or it must be swept again."""
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM privacy.erasures e WHERE org_id = %s AND status IN ('held', 'requested', 'failed') "  # noqa: S608 - a constant list
        "AND EXISTS (SELECT FROM privacy.tombstones t WHERE t.erasure_id = e.erasure_id AND t.subject_hash = %s) "
        "ORDER BY requested_at DESC LIMIT 1",
        (org_id, subject_hash),
    ).fetchone()
    return Erasure(*row) if row else None


def ask_again(  # noqa: PLR0913, PLR0917 - which, when, and whose
    conn: Connection, erasure: Erasure, subject_hash: str, actors: Mapping[int, str], now: datetime, until: datetime
) -> None:
    """Make an erasure that has not begun one of now, and add pseudonyms under keys that are newer than it."""
    conn.execute(
        "UPDATE privacy.erasures SET erased_at = %s, status = %s, waits_for = '' WHERE erasure_id = %s",
        (now, erasure.status, erasure.erasure_id),
    )
    conn.execute(
        "UPDATE privacy.tombstones SET erased_at = %s, until = %s WHERE erasure_id = %s",
        (now, until, erasure.erasure_id),
    )
    conn.cursor().executemany(
        "INSERT INTO privacy.tombstones (erasure_id, org_id, subject_hash, epoch, actor_hash, erased_at, until) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (erasure_id, epoch) DO NOTHING",
        [
            (erasure.erasure_id, erasure.org_id, subject_hash, epoch, actor_hash, now, until)
            for epoch, actor_hash in actors.items()
        ],
    )


def find(conn: Connection, erasure_id: UUID, org_id: str | None = None) -> Erasure | None:
    """One erasure, of this tenant where one is named."""
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM privacy.erasures "  # noqa: S608 - a constant list
        "WHERE erasure_id = %(erasure_id)s AND (%(org_id)s::text IS NULL OR org_id = %(org_id)s)",
        {"erasure_id": erasure_id, "org_id": org_id},
    ).fetchone()
    return Erasure(*row) if row else None


def latest(conn: Connection, *, limit: int) -> list[Erasure]:
    """The newest erasures."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM privacy.erasures ORDER BY requested_at DESC, erasure_id LIMIT %s",  # noqa: S608 - a constant list
        (limit,),
    ).fetchall()
    return [Erasure(*row) for row in rows]


def unended(conn: Connection, *, only: UUID | None = None, limit: int | None = None) -> list[Erasure]:
    """Erasures without a certificate, those that waited longest for a try first; none while a hold is in force.

    With `only`, also others of the same person: what a killed run left half done of them must be booked first.
    """
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM privacy.erasures e WHERE status <> 'certified' "  # noqa: S608 - a constant list
        "AND (%(only)s::uuid IS NULL OR erasure_id IN (SELECT t.erasure_id FROM privacy.tombstones t "
        "JOIN privacy.tombstones named USING (org_id, subject_hash) WHERE named.erasure_id = %(only)s::uuid)) "
        "AND NOT EXISTS "
        "(SELECT FROM privacy.tombstones t JOIN privacy.legal_holds h USING (org_id, subject_hash) "
        "WHERE t.erasure_id = e.erasure_id AND h.released_at IS NULL) "
        "ORDER BY tried_at NULLS FIRST, requested_at, erasure_id LIMIT %(limit)s",
        {"only": only, "limit": limit},
    ).fetchall()
    return [Erasure(*row) for row in rows]


def certified(conn: Connection) -> list[Erasure]:
    """Erasures that came to their end."""
    rows = conn.execute(f"SELECT {_COLUMNS} FROM privacy.erasures WHERE status = 'certified'").fetchall()  # noqa: S608 - a constant list
    return [Erasure(*row) for row in rows]


def count_held(conn: Connection) -> int:
    """Erasures that a hold keeps back, or kept back until a moment ago."""
    row = conn.execute("SELECT count(*) FROM privacy.erasures WHERE status = 'held'").fetchone()
    return int(row[0]) if row else 0


def release(conn: Connection, erasure_id: UUID, *, now: datetime, until: datetime) -> None:
    """The hold is gone: the erasure begins, and its moment is now."""
    conn.execute(
        "UPDATE privacy.erasures SET status = 'requested', erased_at = %s, waits_for = '' "
        "WHERE erasure_id = %s AND status = 'held'",
        (now, erasure_id),
    )
    conn.execute(
        "UPDATE privacy.tombstones SET erased_at = %s, until = %s WHERE erasure_id = %s", (now, until, erasure_id)
    )


def begin_try(conn: Connection, erasure_id: UUID, *, now: datetime) -> None:
    """Count a try before it begins."""
    conn.execute(
        "UPDATE privacy.erasures SET attempts = attempts + 1, tried_at = %s, waits_for = '' WHERE erasure_id = %s",
        (now, erasure_id),
    )


def begin_sweep(conn: Connection, erasure: Erasure, subject_hash: str, *, now: datetime) -> bool:
    """From here on rows are removed: False when it was asked for again, or held, since it was read.

    In the caller's transaction, in which nobody else can ask for the person or hold them.
    """
    lock_person(conn, erasure.org_id, subject_hash)
    if is_held(conn, erasure.org_id, subject_hash):
        conn.execute("UPDATE privacy.erasures SET status = 'held' WHERE erasure_id = %s", (erasure.erasure_id,))
        return False
    changed = conn.execute(
        "UPDATE privacy.erasures SET status = 'erasing', began_at = coalesce(began_at, %s) "
        "WHERE erasure_id = %s AND erased_at = %s AND status IN ('requested', 'failed', 'erasing')",
        (now, erasure.erasure_id, erasure.erased_at),
    )
    return changed.rowcount == 1


def put_off(conn: Connection, erasure_id: UUID, waits_for: str, *, failed: bool = False) -> None:
    """This try came to no end; the next one goes on from here."""
    conn.execute(
        "UPDATE privacy.erasures SET waits_for = %s, status = CASE WHEN %s THEN 'failed' ELSE status END "
        "WHERE erasure_id = %s AND status <> 'certified'",
        (waits_for, failed, erasure_id),
    )


def finish(
    conn: Connection, erasure_id: UUID, status: str, certificate: Mapping[str, Any], *, certified_at: datetime | None
) -> None:
    """Write the certificate: of what is `erased`, for now, or `certified`, for good.

    Raises ContractViolationError when it is certified already: a certificate is never written twice.
    """
    changed = conn.execute(
        "UPDATE privacy.erasures SET status = %s, certificate = %s::jsonb, certified_at = %s, waits_for = '' "
        "WHERE erasure_id = %s AND status <> 'certified'",
        (status, orjson.dumps(certificate).decode(), certified_at, erasure_id),
    ).rowcount
    if changed != 1:
        raise ContractViolationError(f"the erasure {erasure_id} has its certificate already, or does not exist")
