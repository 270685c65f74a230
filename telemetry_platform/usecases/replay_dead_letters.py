"""Put dead letters back into the queue, after what made them fail was mended.

Invariants: a letter is locked while it is queued, and marked in the same transaction; killed in between, it is queued
once more by the next replay, and its event_id sees to it that it is stored once. A replayed entry carries no
producer's number: it is not one of those that are counted from the API. A letter of which nobody knows whose it is,
or under which consent and key it was taken, is never queued: the drain would have to make that up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.contracts.landing import LandingEntry
from telemetry_platform.errors import ContractViolationError
from telemetry_platform.stores import dead_letters

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from telemetry_platform.stores.dead_letters import DeadLetter
    from telemetry_platform.stores.landing_queue import LandingQueue
    from telemetry_platform.stores.postgres import Connection


@dataclass(frozen=True)
class ReplayReport:
    """How many letters were queued again, were not there or replayed before, and lack what a replay needs."""

    queued: int = 0
    skipped: int = 0
    refused: int = 0


def replay(
    conn: Connection, queue: LandingQueue, letter_ids: Iterable[int], *, now: datetime, body: str | None = None
) -> ReplayReport:
    """Queue letters again, each with its own body or, mended, with `body`. What fails again becomes a new letter.

    `conn` is a connection without a transaction. Raises ContractViolationError for a body of several lines.
    """
    if body is not None and "\n" in body.strip():
        raise ContractViolationError("the mended body must be one JSON object on one line")
    queued = skipped = refused = 0
    for letter_id in letter_ids:
        with conn.transaction():
            letter = dead_letters.find(conn, letter_id)
            if letter is None or letter.replayed_at is not None:
                skipped += 1
                continue
            if not letter.is_replayable:
                refused += 1
                continue
            queue.requeue(letter.stream, _entry(letter, body))
            dead_letters.mark_replayed(conn, letter_id, now=now)
            queued += 1
    return ReplayReport(queued, skipped, refused)


def _entry(letter: DeadLetter, body: str | None) -> LandingEntry:
    return LandingEntry(
        kind=letter.kind,
        event_id=letter.event_id,
        received_at=int(letter.received_at.timestamp() * 1000),
        org_id=letter.org_id,
        actor_hash=letter.actor_hash,
        key_epoch=letter.key_epoch,
        consent_level=letter.consent_level,
        producer="",
        producer_seq=0,
        trace_id="",
        body=(letter.body if body is None else body.strip()).encode(),
    )
