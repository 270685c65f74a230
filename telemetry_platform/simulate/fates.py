"""What must become of every event that is sent, told from the order in which it is sent.

Invariant: this is the platform's promise in the simulator's own words: the first copy of an event is stored, a later
one is a duplicate, another content under the same id is a conflict, and consent is judged before anything else is kept.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from telemetry_platform.simulate.events import Outgoing, Request


class Fate(StrEnum):
    """What becomes of one event of one request."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    ID_CONFLICT = "id_conflict"
    TOO_LATE = "too_late"
    REJECTED = "rejected"
    DROPPED = "dropped"
    DROPPED_AGAIN = "dropped_again"
    """A copy of a dropped event: dropped too, and not counted twice."""
    ERROR_ONLY = "error_only"
    """A player's error at consent 1: dropped as a media event, kept as an error; it leaves no session."""
    ERROR_ONLY_DUPLICATE = "error_only_duplicate"


def fated(requests: Iterable[Request]) -> tuple[Request, ...]:
    """The same requests with the fate of each event, in the order in which they are sent."""
    seen: set[str] = set()
    return tuple(
        replace(request, events=tuple(replace(event, fate=_fate(event, seen)) for event in request.events))
        for request in requests
    )


def _fate(event: Outgoing, seen: set[str]) -> Fate:
    if event.broken is not None:
        return Fate.REJECTED
    if event.is_too_late:
        return Fate.TOO_LATE
    is_known = event.is_recognised and event.key in seen
    seen.add(event.key)
    if event.drop:
        # What is kept all the same is of another kind than what was sent.
        if event.rows.keys() - {event.kind}:
            return Fate.ERROR_ONLY_DUPLICATE if is_known else Fate.ERROR_ONLY
        return Fate.DROPPED_AGAIN if is_known else Fate.DROPPED
    if is_known:
        return Fate.ID_CONFLICT if event.contradicts else Fate.DUPLICATE
    return Fate.STORED
