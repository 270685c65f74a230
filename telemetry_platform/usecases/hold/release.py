"""Release a legal hold: an erasure that it kept back goes on, and retention takes what has passed meanwhile.

Invariants: release, the person's state and the trail's entry are one transaction, under the person's lock and while
nothing is being deleted; a hold is released once; another hold on the same person keeps everything that this one did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from telemetry_platform.contracts.own_actions import HOLD_RELEASED
from telemetry_platform.errors import ContractViolationError
from telemetry_platform.stores import erasures, holds, subjects
from telemetry_platform.usecases.hold.place import reason
from telemetry_platform.usecases.own_actions import SYSTEM, ActedBy, record

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from telemetry_platform.contracts.subject import SubjectState
    from telemetry_platform.processing.pseudonyms import KeyRing
    from telemetry_platform.stores.holds import Hold
    from telemetry_platform.stores.postgres import Connection


class Released(NamedTuple):
    """The hold, whether another one keeps the person, and their state to publish after the commit, where it changed."""

    hold: Hold
    is_still_held: bool
    state: SubjectState | None


def release(  # noqa: PLR0913 - which, why, when, and by whom; all but the first three by name
    conn: Connection, ring: KeyRing, now: datetime, *, hold_id: UUID, why: str, by: ActedBy = SYSTEM
) -> Released:
    """Release it, in the caller's transaction. Raises ContractViolationError when there is none of it in force."""
    note = reason(why)
    hold = holds.find(conn, hold_id)
    if hold is None:
        raise ContractViolationError("there is no hold of that reference: look at `telemetry hold list`")
    holds.lock_against_deletion(conn)
    erasures.lock_person(conn, hold.org_id, hold.subject_hash)
    if not holds.release(conn, hold_id, now, note):
        raise ContractViolationError("this hold was released before: look at `telemetry hold list`")
    is_still_held = erasures.is_held(conn, hold.org_id, hold.subject_hash)
    holds.hand_over(conn, hold)
    state = None if is_still_held else subjects.hold(conn, hold.org_id, hold.subject_hash, None, now)
    details = {"hold_id": str(hold_id), "placed_at": hold.placed_at.isoformat(), "is_still_held": is_still_held}
    record(conn, ring, HOLD_RELEASED, now, org_id=hold.org_id, by=by, resource_id=str(hold_id), details=details)
    return Released(hold, is_still_held, state)
