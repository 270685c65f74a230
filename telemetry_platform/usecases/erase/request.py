"""Ask for an erasure: the tombstone stands before anything else happens, and says who, by pseudonyms only.

Invariants: tombstones, erasure, the person's state and the trail's entry are one transaction, also when it is asked for
again; the raw id goes no further than its pseudonyms; a held person is left alone until release.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from telemetry_platform.contracts.key_lives import LATE, PINNED
from telemetry_platform.contracts.own_actions import ERASURE_REQUESTED
from telemetry_platform.contracts.pii import Domain
from telemetry_platform.errors import ContractViolationError
from telemetry_platform.processing.pseudonyms import live_epochs
from telemetry_platform.stores import erasures, subjects
from telemetry_platform.stores.erasures import HELD, REQUESTED, Erasure
from telemetry_platform.usecases.own_actions import SYSTEM, ActedBy, Requested, record

if TYPE_CHECKING:
    from datetime import datetime

    from telemetry_platform.contracts.subject import SubjectState
    from telemetry_platform.processing.pseudonyms import KeyRing
    from telemetry_platform.stores.postgres import Connection

_LONGEST_ID = 256
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Asked:
    """By whom an erasure is asked for, and by which request, where it was one."""

    by: ActedBy = SYSTEM
    request: Requested | None = None


class Taken(NamedTuple):
    """The erasure, whose it is in the list of decisions, and their state to publish after the commit."""

    erasure: Erasure
    subject_hash: str
    state: SubjectState | None
    is_new: bool


def request_erasure(  # noqa: PLR0913 - who, where, when, and how it is asked for
    conn: Connection, ring: KeyRing, now: datetime, *, org_id: str, user_id: str, backup_days: int, asked: Asked
) -> Taken:
    """Take a request, in the caller's transaction. Raises ContractViolationError for what is no id.

    Asked for again before it has begun, it is the same erasure, of now, and under keys that were made meanwhile too; a
    later one is another. `state` is None of a held person.
    """
    if not 0 < len(user_id) <= _LONGEST_ID or not _is_text(user_id):
        raise ContractViolationError(
            f"the user id must be 1 to {_LONGEST_ID} characters, byte for byte as tokens have it"
        )
    subject_hash = ring.pseudonym(Domain.SUBJECT, 1, user_id)
    erasures.lock_person(conn, org_id, subject_hash)
    held = erasures.is_held(conn, org_id, subject_hash)
    actors = {epoch: ring.pseudonym(Domain.ACTOR, epoch, user_id) for epoch in live_epochs(ring, Domain.ACTOR)}
    until = tombstone_until(now, backup_days)
    status = HELD if held else REQUESTED
    known = erasures.unbegun_of(conn, org_id, subject_hash)
    if known is None:
        erasure = Erasure(uuid4(), org_id, status, now, now)
        erasures.add(conn, erasure, subject_hash, actors, until)
    else:
        erasure = replace(known, status=status, erased_at=now, waits_for="")
        erasures.ask_again(conn, erasure, subject_hash, actors, now, until)
    state = None if held else subjects.erase(conn, org_id, subject_hash, now)
    record(
        conn,
        ring,
        ERASURE_REQUESTED,
        now,
        org_id=org_id,
        by=asked.by,
        resource_id=str(erasure.erasure_id),
        details={"erasure_id": str(erasure.erasure_id), "status": erasure.status},
        request=asked.request,
    )
    return Taken(erasure, subject_hash, state, is_new=known is None)


def _is_text(user_id: str) -> bool:
    try:
        user_id.encode()
    except UnicodeEncodeError:  # half a character: nothing that could have been hashed
        return False
    return True


def release(conn: Connection, ring: KeyRing, erasure: Erasure, now: datetime, backup_days: int) -> Taken:
    """The hold is gone: the erasure begins now, in the caller's transaction."""
    erasures.release(conn, erasure.erasure_id, now=now, until=tombstone_until(now, backup_days))
    subject_hash = erasures.tombstones_of(conn, [erasure.erasure_id])[0].subject_hash
    state = subjects.erase(conn, erasure.org_id, subject_hash, now)
    record(
        conn,
        ring,
        ERASURE_REQUESTED,
        now,
        org_id=erasure.org_id,
        resource_id=str(erasure.erasure_id),
        details={"erasure_id": str(erasure.erasure_id), "status": REQUESTED},
    )
    return Taken(replace(erasure, status=REQUESTED, erased_at=now), subject_hash, state, is_new=False)


def tombstone_until(erased_at: datetime, backup_days: int) -> datetime:
    """Until nothing older can arrive or be restored: late events, sessions that go on, the oldest backup."""
    return erased_at + max(LATE + PINNED, backup_days * _DAY) + _DAY
