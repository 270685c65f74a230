"""Events of a person who was erased and has come back: which of them are from before, and so dropped by the API.

Invariant: only the sender's own erasure is known here. What a service posts on somebody's behalf is judged by the
drain, by the same rule: a batch may name 500 persons, and Redis is asked for one person a request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform.processing.erased import is_before

if TYPE_CHECKING:
    from collections.abc import Iterable

    from telemetry_platform.stores.session_pins import SessionPins
    from telemetry_platform.usecases.request_entries import RequestEntries


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
