"""Legal holds in PostgreSQL: on whom, why, and under which pseudonyms what they are in is found.

Invariants: a hold names a person by pseudonyms only; those under the actor domains go with its release; it is placed
and released while nothing is deleted (`lock_against_deletion`), so that no deletion is decided by an older state.
Callers own the transaction.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from telemetry_platform.contracts.pii import Domain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from telemetry_platform.stores.postgres import Connection

# Two numbers of our own: such locks are a space apart from those with one number.
_DELETION, _SETTLING = (0x7E1E, 5), (0x7E1E, 6)
_COLUMNS = "hold_id, org_id, subject_hash, placed_at, released_at, why, released_why"


@dataclass(frozen=True)
class Hold:
    """One hold: its random reference, on whom, since and until when, and why."""

    hold_id: UUID
    org_id: str
    subject_hash: str = field(repr=False)
    placed_at: datetime
    released_at: datetime | None
    why: str
    released_why: str | None = None


class ActorName(NamedTuple):
    """One pseudonym of a held person."""

    domain: Domain
    epoch: int
    actor_hash: str


class InForce(NamedTuple):
    """A hold in force, with the person's pseudonyms in event rows."""

    hold_id: UUID
    org_id: str
    actors: tuple[str, ...]


@contextmanager
def nothing_changes(conn: Connection) -> Iterator[None]:
    """No hold is placed or released during the block: whoever copies held rows and deletes the others stands in it."""
    conn.execute("SELECT pg_advisory_lock_shared(%s, %s)", _DELETION)
    try:
        yield
    finally:
        if not conn.closed and not conn.broken:
            conn.execute("SELECT pg_advisory_unlock_shared(%s, %s)", _DELETION)


@contextmanager
def only_settling(conn: Connection) -> Iterator[None]:
    """One at a time brings the warehouse to what the holds say."""
    conn.execute("SELECT pg_advisory_lock(%s, %s)", _SETTLING)
    try:
        yield
    finally:
        if not conn.closed and not conn.broken:
            conn.execute("SELECT pg_advisory_unlock(%s, %s)", _SETTLING)


def lock_against_deletion(conn: Connection) -> None:
    """Wait until what is being deleted is, and let no other deletion begin before the transaction ends.

    Minutes, where a large table is swept: somebody waits at a terminal for it.
    """
    conn.execute("SET LOCAL lock_timeout = '10min'")
    conn.execute("SET LOCAL statement_timeout = '10min'")
    conn.execute("SELECT pg_advisory_xact_lock(%s, %s)", _DELETION)


def place(conn: Connection, hold: Hold) -> None:
    """Write a hold; it is in force when this commits."""
    conn.execute(
        "INSERT INTO privacy.legal_holds (hold_id, org_id, subject_hash, placed_at, why) VALUES (%s, %s, %s, %s, %s)",
        (hold.hold_id, hold.org_id, hold.subject_hash, hold.placed_at, hold.why),
    )


def note_actors(conn: Connection, org_id: str, subject_hash: str, names: Iterable[ActorName]) -> int:
    """Let all holds in force on a person know these pseudonyms; how many were new to one."""
    given = list(names)
    return conn.execute(
        "INSERT INTO privacy.hold_actors (hold_id, org_id, domain, epoch, actor_hash) "
        "SELECT h.hold_id, h.org_id, n.domain, n.epoch, n.actor_hash FROM privacy.legal_holds h, "
        "unnest(%s::text[], %s::int[], %s::text[]) AS n (domain, epoch, actor_hash) "
        # Waits for a release that is being made: its pseudonyms go with it, and none may come in behind.
        "WHERE h.org_id = %s AND h.subject_hash = %s AND h.released_at IS NULL FOR SHARE OF h ON CONFLICT DO NOTHING",
        (
            [name.domain.value for name in given],
            [name.epoch for name in given],
            [name.actor_hash for name in given],
            org_id,
            subject_hash,
        ),
    ).rowcount


def in_force(conn: Connection) -> list[InForce]:
    """All holds in force, the oldest first, each with the pseudonyms under which event rows are found."""
    rows = conn.execute(
        "SELECT h.hold_id, h.org_id, array_remove(array_agg(a.actor_hash ORDER BY a.epoch), NULL) "
        "FROM privacy.legal_holds h LEFT JOIN privacy.hold_actors a ON a.hold_id = h.hold_id AND a.domain = %s "
        "WHERE h.released_at IS NULL GROUP BY h.hold_id ORDER BY h.placed_at, h.hold_id",
        (Domain.ACTOR.value,),
    ).fetchall()
    return [InForce(hold_id, org_id, tuple(actors)) for hold_id, org_id, actors in rows]


def are_in_force(conn: Connection) -> bool:
    """Whether there is any hold in force."""
    row = conn.execute("SELECT EXISTS (SELECT FROM privacy.legal_holds WHERE released_at IS NULL)").fetchone()
    return row is not None and bool(row[0])


def find(conn: Connection, hold_id: UUID) -> Hold | None:
    """One hold, in force or released."""
    row = conn.execute(f"SELECT {_COLUMNS} FROM privacy.legal_holds WHERE hold_id = %s", (hold_id,)).fetchone()  # noqa: S608 - a constant list
    return Hold(*row) if row else None


def latest(conn: Connection, *, limit: int) -> list[Hold]:
    """Those in force first, then the newest."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM privacy.legal_holds "  # noqa: S608 - a constant list
        "ORDER BY released_at IS NOT NULL, placed_at DESC, hold_id LIMIT %s",
        (limit,),
    ).fetchall()
    return [Hold(*row) for row in rows]


def release(conn: Connection, hold_id: UUID, now: datetime, why: str) -> bool:
    """End a hold; False when it had ended, or there is none."""
    return (
        conn.execute(
            "UPDATE privacy.legal_holds SET released_at = greatest(%s, placed_at), released_why = %s "
            "WHERE hold_id = %s AND released_at IS NULL",
            (now, why, hold_id),
        ).rowcount
        == 1
    )


def hand_over(conn: Connection, hold: Hold) -> None:
    """Let a waiting erasure of the person have the pseudonyms that came up while they were held; then forget them."""
    conn.execute(
        "INSERT INTO privacy.tombstones (erasure_id, org_id, subject_hash, epoch, actor_hash, erased_at, until) "
        "SELECT t.erasure_id, t.org_id, t.subject_hash, a.epoch, a.actor_hash, t.erased_at, t.until "
        "FROM privacy.hold_actors a, (SELECT DISTINCT ON (erasure_id) * FROM privacy.tombstones "
        "JOIN privacy.erasures USING (erasure_id, org_id, erased_at) "
        "WHERE org_id = %(org_id)s AND subject_hash = %(subject_hash)s AND status IN ('held', 'requested', 'failed') "
        "ORDER BY erasure_id) t WHERE a.hold_id = %(hold_id)s AND a.domain = %(domain)s ON CONFLICT DO NOTHING",
        {
            "org_id": hold.org_id,
            "subject_hash": hold.subject_hash,
            "hold_id": hold.hold_id,
            "domain": Domain.ACTOR.value,
        },
    )
    conn.execute("DELETE FROM privacy.hold_actors WHERE hold_id = %s", (hold.hold_id,))


def hold_back(conn: Connection, org_id: str, subject_hash: str) -> int:
    """Turn erasures of the person that have removed nothing yet into held ones; how many there were."""
    return conn.execute(
        "UPDATE privacy.erasures e SET status = 'held', waits_for = '' WHERE org_id = %s "
        "AND status IN ('requested', 'failed') AND EXISTS (SELECT FROM privacy.tombstones t "
        "WHERE t.erasure_id = e.erasure_id AND t.org_id = e.org_id AND t.subject_hash = %s)",
        (org_id, subject_hash),
    ).rowcount


def is_being_erased(conn: Connection, org_id: str, subject_hash: str) -> bool:
    """Whether an erasure of the person has begun to remove rows and has not ended."""
    row = conn.execute(
        "SELECT EXISTS (SELECT FROM privacy.erasures e JOIN privacy.tombstones t USING (erasure_id, org_id) "
        "WHERE org_id = %s AND t.subject_hash = %s AND e.status IN ('erasing', 'erased'))",
        (org_id, subject_hash),
    ).fetchone()
    return row is not None and bool(row[0])


def epochs(conn: Connection) -> Mapping[tuple[Domain, int], int]:
    """Pseudonyms of held persons by domain and epoch."""
    rows = conn.execute("SELECT domain, epoch, count(*) FROM privacy.hold_actors GROUP BY domain, epoch").fetchall()
    return {(Domain(domain), epoch): count for domain, epoch, count in rows}


def strangers(conn: Connection, hold_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of these holds that there is no row of."""
    rows = conn.execute("SELECT hold_id FROM privacy.legal_holds WHERE hold_id = ANY(%s)", (list(hold_ids),)).fetchall()
    return frozenset(hold_ids) - {row[0] for row in rows}


def keepers(conn: Connection, hold_ids: Sequence[UUID]) -> Mapping[UUID, UUID | None]:
    """Of these holds those that have ended, each with another hold on the same person that is in force, or None.

    Left out, besides those in force: holds whose person a waiting erasure is about. It takes the copies, and counts
    them in its certificate.
    """
    rows = conn.execute(
        "SELECT o.hold_id, (SELECT h.hold_id FROM privacy.legal_holds h WHERE h.org_id = o.org_id "
        "AND h.subject_hash = o.subject_hash AND h.released_at IS NULL ORDER BY h.placed_at, h.hold_id LIMIT 1) "
        "FROM privacy.legal_holds o WHERE o.hold_id = ANY(%s) AND o.released_at IS NOT NULL AND NOT EXISTS ("
        "SELECT FROM privacy.tombstones t JOIN privacy.erasures e USING (erasure_id, org_id) WHERE t.org_id = o.org_id "
        "AND t.subject_hash = o.subject_hash AND e.status <> 'certified')",
        (list(hold_ids),),
    ).fetchall()
    return dict(rows)
