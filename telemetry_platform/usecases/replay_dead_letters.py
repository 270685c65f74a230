"""Put dead letters back into the queue, after what made them fail was mended, or give them up.

Invariants: a letter is locked while it is queued, and marked in the same transaction; killed in between, it is queued
once more by the next replay, and its event_id sees to it that it is stored once. A replayed entry names its letter, so
that one that fails again is that letter with more attempts, and carries no producer's number: it is not one of those
that are counted from the API. A letter of which nobody knows whose it is, or under which consent and key it was taken,
is never queued: the drain would have to make that up; nor is one from before its person's erasure.
"""

from __future__ import annotations

import json
import math
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.contracts.landing import LandingEntry, letter_trace, stream_name
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.errors import ContractViolationError
from telemetry_platform.processing.erased import body_moment, is_before
from telemetry_platform.processing.scrub import scrub
from telemetry_platform.stores import dead_letters, tombstones

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from telemetry_platform.stores.dead_letters import DeadLetter
    from telemetry_platform.stores.landing_queue import LandingQueue
    from telemetry_platform.stores.postgres import Connection

_LONGEST_NOTE = 200


@dataclass(frozen=True)
class ReplayReport:
    """How many letters were queued again, did not wait (any more), lack what a replay needs, and are of erased persons.

    The last ones are emptied instead.
    """

    queued: int = 0
    skipped: int = 0
    refused: int = 0
    erased: int = 0


@dataclass(frozen=True)
class DropReport:
    """How many letters were given up, and how many did not wait (any more)."""

    dropped: int = 0
    skipped: int = 0


def no_checkpoint(_: str) -> None:
    """Nothing happens at the named points."""


def replay(  # noqa: PLR0913 - what a replay is told; all but the first three by name
    conn: Connection,
    queue: LandingQueue,
    letter_ids: Iterable[int],
    *,
    shards: int,
    now: datetime,
    body: str | None = None,
    checkpoint: Callable[[str], None] = no_checkpoint,
) -> ReplayReport:
    """Queue letters again, each with its own body or, mended, with `body`.

    `conn` is a connection without a transaction; `checkpoint` is called between queueing and marking. Raises
    ContractViolationError for a mended body that is not one JSON object.
    """
    mended = None if body is None else _one_object(body)
    queued = skipped = refused = erased = 0
    for letter_id in letter_ids:
        with conn.transaction():
            letter = dead_letters.find(conn, letter_id)
            if letter is None or not letter.is_waiting:
                skipped += 1
                continue
            if not letter.is_replayable or letter.kind not in kinds():
                refused += 1
                continue
            if _is_of_erased(conn, letter):
                dead_letters.drop(conn, letter_id, by="erasure", why="the person was erased", now=now)
                erased += 1
                continue
            queue.requeue(_stream(letter, shards), _entry(letter, mended))
            checkpoint("queued")
            dead_letters.mark_replayed(conn, letter_id, now=now)
            queued += 1
    return ReplayReport(queued, skipped, refused, erased)


def _is_of_erased(conn: Connection, letter: DeadLetter) -> bool:
    """Whether the letter is from before its person's erasure; the drain asks again."""
    erased_at = tombstones.erased_at(conn, letter.org_id, letter.actor_hash)
    if erased_at is None:
        return False
    received_at = math.floor(letter.received_at.timestamp() * 1000)
    return is_before(erased_at, received_at, body_moment(letter.body.encode("utf-8", "replace")))


def drop(conn: Connection, letter_ids: Iterable[int], *, by: str, why: str, now: datetime) -> DropReport:
    """Give letters up. Their rows keep kind, reason, tenant, times, and who dropped them and why, until they expire.

    Raises ContractViolationError without a reason.
    """
    note = scrub(" ".join(why.split()))[:_LONGEST_NOTE]
    if not note:
        raise ContractViolationError("say why these letters are given up: the reason is kept with them")
    dropped = skipped = 0
    for letter_id in letter_ids:
        if dead_letters.drop(conn, letter_id, by=by, why=note, now=now):
            dropped += 1
        else:
            skipped += 1
    return DropReport(dropped, skipped)


def _one_object(body: str) -> bytes:
    """A mended body on one line: the queue's bodies have no line breaks, JSON's own space does not matter."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ContractViolationError("the mended body must be one JSON object, as `telemetry dead-letters show` has it")
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _stream(letter: DeadLetter, shards: int) -> str:
    """The stream that it came through; one that is not drained any more, after shards were taken away, is another."""
    shard = letter.stream.rpartition(":")[2]
    if shard.isdecimal() and int(shard) < shards:
        return letter.stream
    return stream_name(letter.kind, zlib.crc32(letter.event_id.encode()) % shards)


def _entry(letter: DeadLetter, mended: bytes | None) -> LandingEntry:
    return LandingEntry(
        kind=letter.kind,
        event_id=letter.event_id,
        received_at=round(letter.received_at.timestamp() * 1000),
        org_id=letter.org_id,
        actor_hash=letter.actor_hash,
        key_epoch=letter.key_epoch,
        consent_level=letter.consent_level,
        producer="",
        producer_seq=0,
        trace_id=letter_trace(letter.id),
        body=letter.body.encode() if mended is None else mended,
    )
