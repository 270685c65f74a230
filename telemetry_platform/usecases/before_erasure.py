"""Events from before a person's erasure, as the API meets them: the sender's own, and what a service posts of somebody.

A tombstone names the pseudonyms under the keys that there were when the erasure was asked for. What comes late and
after the next rotation is hashed under a key that no tombstone names, so that the drain cannot tell it: only here,
where the raw id is still known, it can be, by the subject hash, which has one key for ever.
Invariants: the rule is `is_before`, the same as the drain's and the replay's; all persons that a request names are
asked for in one command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform.contracts.pii import Domain
from telemetry_platform.errors import PlatformError
from telemetry_platform.processing.erased import UNLINKED, holds_actors, is_before

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from telemetry_platform.contracts.event_kind import EventKind
    from telemetry_platform.stores.session_pins import SessionPins
    from telemetry_platform.usecases.request_entries import Draft, RequestEntries
    from telemetry_platform.usecases.subject_list import SubjectList


def occurred_before(request: RequestEntries, occurred_at: int) -> bool:
    """Whether an event of the request occurred, or was received, by the moment at which its sender was erased."""
    given = request.submission
    return given.erased_at is not None and is_before(given.erased_at, occurred_at, given.received_at)


async def began_before(pins: SessionPins, request: RequestEntries, session_ids: Iterable[str | None]) -> frozenset[str]:
    """The sessions that had begun by then, told by their pins, which must have been taken; nobody else is asked for."""
    given = request.submission
    if given.erased_at is None:
        return frozenset()
    known = sorted({session_id for session_id in session_ids if session_id is not None})
    beginnings = await pins.beginnings(given.origin.org_id, known, given.received_at)
    return frozenset(session_id for session_id, began in beginnings.items() if is_before(given.erased_at, began))


def names_persons(kind: EventKind) -> bool:
    """Whether a service posts events of the kind about persons who can be erased: not the trail's, not nobody's."""
    return kind.on_behalf is not None and kind.on_behalf.actor is not None and holds_actors(kind)


async def concerned_before(
    subjects: SubjectList, kind: EventKind, request: RequestEntries, drafts: Sequence[Draft]
) -> frozenset[int]:
    """The places of events of a kind that `names_persons` from before the erasure of whom they concern.

    Raises PlatformError while it cannot be known who was erased, except for a kind that is kept always.
    """
    persons = {
        draft.place: (draft.origin.org_id, request.pseudonym(Domain.SUBJECT, draft.origin.actor_id))
        for draft in drafts
        if draft.origin.actor_id is not None
    }
    if not persons:
        return frozenset()
    try:
        states = await subjects.states(sorted(set(persons.values())), must_be_whole=not kind.is_kept_always)
    except PlatformError:
        if not kind.is_kept_always:
            raise
        # An attack that is not recorded is gone, and a row can be unlinked later: the drain judges by the tombstones.
        return frozenset()
    received_at = request.submission.received_at
    before = set()
    for draft in drafts:
        state = states.get(persons.get(draft.place, ("", "")))
        if state is None or draft.origin.actor_id is None:
            continue
        subjects.met(request.ring, draft.origin.org_id, draft.origin.actor_id, state)
        if state.erased_at is not None and is_before(state.erased_at, draft.row["occurred_at"], received_at):
            before.add(draft.place)
    return frozenset(before)


def unlinked(draft: Draft) -> Draft:
    """The event without its person and without the pseudonym of their address: as the drain leaves such a row."""
    row = draft.row | {name: nobody for name, nobody in UNLINKED.items() if name in draft.row}
    return draft._replace(row=row, origin=draft.origin._replace(actor_id=None))
