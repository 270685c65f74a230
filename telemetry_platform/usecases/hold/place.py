"""Place a legal hold on a person, and let holds in force know the pseudonyms that came up since.

From the commit on, no erasure and no retention takes what there is of them. Invariants: hold, pseudonyms, the erasures
that it keeps back, the person's state and the trail's entry are one transaction, under the person's lock and while
nothing is being deleted; the raw id goes no further than its pseudonyms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from telemetry_platform.contracts.own_actions import HOLD_PLACED, HOLD_REFRESHED
from telemetry_platform.contracts.pii import Domain
from telemetry_platform.errors import ContractViolationError
from telemetry_platform.processing.pseudonyms import live_epochs
from telemetry_platform.processing.scrub import scrub
from telemetry_platform.stores import erasures, holds, subjects
from telemetry_platform.stores.holds import ActorName, Hold
from telemetry_platform.usecases.own_actions import SYSTEM, ActedBy, record

if TYPE_CHECKING:
    from datetime import datetime

    from telemetry_platform.contracts.subject import SubjectState
    from telemetry_platform.processing.pseudonyms import KeyRing
    from telemetry_platform.stores.postgres import Connection

_LONGEST_ID = 256
_LONGEST_NOTE = 500
_OF_ROWS = (Domain.ACTOR, Domain.AUDIT_ACTOR)


class Placed(NamedTuple):
    """The hold, how it is found, what it keeps back, and the person's state to publish after the commit."""

    hold: Hold
    epochs: int
    erasures_held: int
    is_being_erased: bool
    """An erasure had begun to remove rows: what it has removed is gone, and this run of it may remove more."""
    state: SubjectState


def place(  # noqa: PLR0913 - on whom, why, when, and by whom; all but the first three by name
    conn: Connection, ring: KeyRing, now: datetime, *, org_id: str, user_id: str, why: str, by: ActedBy = SYSTEM
) -> Placed:
    """Place one, in the caller's transaction. Raises ContractViolationError for what is no id, and without a reason."""
    subject_hash = _subject_hash(ring, user_id)
    hold = Hold(uuid4(), org_id, subject_hash, now, None, reason(why))
    holds.lock_against_deletion(conn)
    erasures.lock_person(conn, org_id, subject_hash)
    holds.place(conn, hold)
    epochs = holds.note_actors(conn, org_id, subject_hash, names_of(ring, user_id))
    held_back = holds.hold_back(conn, org_id, subject_hash)
    is_being_erased = holds.is_being_erased(conn, org_id, subject_hash)
    state = subjects.hold(conn, org_id, subject_hash, now, now)
    details = {"hold_id": str(hold.hold_id), "epochs": epochs, "erasures_held": held_back}
    record(conn, ring, HOLD_PLACED, now, org_id=org_id, by=by, resource_id=str(hold.hold_id), details=details)
    return Placed(hold, epochs, held_back, is_being_erased, state)


def refresh(  # noqa: PLR0913 - whose, when, and by whom; all but the first three by name
    conn: Connection, ring: KeyRing, now: datetime, *, org_id: str, user_id: str, by: ActedBy = SYSTEM
) -> int:
    """Let all holds on a person know their pseudonyms of now; how many were new. In the caller's transaction."""
    subject_hash = _subject_hash(ring, user_id)
    erasures.lock_person(conn, org_id, subject_hash)
    if not erasures.is_held(conn, org_id, subject_hash):
        raise ContractViolationError("nobody of that id is held in this tenant: look at `telemetry hold list`")
    added = holds.note_actors(conn, org_id, subject_hash, names_of(ring, user_id))
    if added:
        record(conn, ring, HOLD_REFRESHED, now, org_id=org_id, by=by, details={"epochs": added})
    return added


def names_of(ring: KeyRing, user_id: str) -> list[ActorName]:
    """A person's pseudonyms in rows, under every key that exists."""
    return [
        ActorName(domain, epoch, ring.pseudonym(domain, epoch, user_id))
        for domain in _OF_ROWS
        for epoch in live_epochs(ring, domain)
    ]


def reason(why: str) -> str:
    """As it is kept: one line, without personal data. Raises ContractViolationError without one."""
    note = scrub(" ".join(why.split()))[:_LONGEST_NOTE]
    if not note:
        raise ContractViolationError("say why: the reason is kept with the hold")
    return note


def _subject_hash(ring: KeyRing, user_id: str) -> str:
    try:
        user_id.encode()
    except UnicodeEncodeError:  # half a character: nothing that could have been hashed
        user_id = ""
    if not 0 < len(user_id) <= _LONGEST_ID:
        raise ContractViolationError(
            f"the user id must be 1 to {_LONGEST_ID} characters, byte for byte as tokens have it"
        )
    return ring.pseudonym(Domain.SUBJECT, 1, user_id)
