"""One batch from its commitment to its end: tries are counted, and an entry that breaks the worker is isolated.

Invariants: a try is counted in PostgreSQL before it begins, since one that kills the process counts too; a try that
failed because a store did not answer is taken off again. After N counted tries the batch is cut in halves, each with
one try of its own, until a single entry is left that is put aside; every other entry is stored.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.contracts.landing import RawEntries
from telemetry_platform.contracts.rejects import DeadLetterReason
from telemetry_platform.errors import LeaseLostError, PermanentError, PlatformError, TransientError, UnreadyStoreError
from telemetry_platform.processing.batches import DeadEntry
from telemetry_platform.processing.bodies import events_in
from telemetry_platform.stores import ingest_ledger
from telemetry_platform.stores.ingest_ledger import Batch, Outcome
from telemetry_platform.usecases.drain import analytics, audit, folding
from telemetry_platform.usecases.drain.closing import acknowledge, close
from telemetry_platform.usecases.drain.desk import Desk, TooManyInvalidError, Work
from telemetry_platform.usecases.drain.judging import judge
from telemetry_platform.usecases.drain.sparing import spare_dead

if TYPE_CHECKING:
    from telemetry_platform.contracts.event_kind import EventKind

_log = logging.getLogger(__name__)
_STORE = {Store.CLICKHOUSE: analytics.store, Store.POSTGRES: audit.store}


def take_new(desk: Desk, kind: EventKind, stream: str, entries: RawEntries) -> None:
    """Commit to freshly claimed entries as one batch, and store it."""
    desk.checkpoint(f"{kind.name}.after_claim")
    # Unique without chance: a stream never gives an entry id twice, and a fencing number is given once.
    batch_id = f"{stream}:{entries.ids[0].decode()}:{desk.held.fencing}"
    batch = Batch(stream, batch_id, batch_id, kind.name, "open", desk.held.fencing, tuple(entries.ids))
    with desk.turns.together():
        with desk.conn.transaction():
            desk.held.check(desk.conn)
            ingest_ledger.open_batch(desk.conn, batch, run_id=desk.run_id, now=desk.now())
        desk.checkpoint(f"{kind.name}.after_open")
        stored = _try(desk, Work(batch, kind, entries))
    if not stored:
        finish_open(desk, kind, stream)


def finish_open(desk: Desk, kind: EventKind, stream: str) -> None:
    """End every batch of the stream that is not ended, from the entries that were committed to."""
    while unfinished := ingest_ledger.unfinished(desk.conn, stream):
        batch = unfinished[0]
        if batch.state == "closed":
            acknowledge(desk, Work(batch, kind, RawEntries.joined([])))
            with desk.conn.transaction():
                desk.held.check(desk.conn)
                ingest_ledger.forget_acknowledged(desk.conn, stream)
            continue
        with desk.turns.alone():
            _try_again(desk, kind, batch)


def _try_again(desk: Desk, kind: EventKind, batch: Batch) -> None:
    """One more try of a batch that a drain has begun before."""
    with desk.conn.transaction():
        desk.held.check(desk.conn)
        ingest_ledger.begin_attempt(desk.conn, batch)
    batch = replace(batch, attempts=batch.attempts + 1)
    entries = desk.queue.read_ids(batch.stream, batch.entry_ids)
    work = Work(batch, kind, entries, missing=len(batch.entry_ids) - len(entries))
    if work.missing:
        _log.error("%s: %d entries of batch %s are gone from the queue", batch.stream, work.missing, batch.batch_id)
    if batch.charged > desk.settings.max_attempts:
        _isolate(desk, work)
    else:
        _try(desk, work)


def _try(desk: Desk, work: Work) -> bool:
    """One try; False when it failed for a reason that may lie in the batch. Other failures leave as they came."""
    try:
        _STORE[work.kind.store](desk, work)
    except LeaseLostError:
        raise
    except (TransientError, TooManyInvalidError, UnreadyStoreError):
        _forgive(desk, work, 1)
        raise
    except Exception as error:  # noqa: BLE001 - an entry can break the worker in ways that nobody foresaw: each is a try
        # The class of the error only: its text may hold what broke it.
        told = f": {error}" if isinstance(error, PlatformError) else ""
        _log.warning(
            "try %d of batch %s failed with %s%s", work.batch.charged, work.batch.batch_id, type(error).__name__, told
        )
        return False
    return True


def _forgive(desk: Desk, work: Work, tries: int) -> None:
    """Take tries off again; when PostgreSQL is what does not answer, they stay counted."""
    try:
        with desk.conn.transaction():
            desk.held.check(desk.conn)
            ingest_ledger.forgive_attempts(desk.conn, work.batch, tries)
    except (TransientError, PermanentError):
        _log.warning("the failed try of batch %s stays counted", work.batch.batch_id)


def _isolate(desk: Desk, work: Work) -> None:
    """Cut a batch that failed too often in two; the entries of a single event are put aside."""
    batch = work.batch
    halves = _halves(work)
    if halves is not None:
        with desk.conn.transaction():
            desk.held.check(desk.conn)
            ingest_ledger.split_batch(desk.conn, batch, halves, run_id=desk.run_id, now=desk.now())
        return
    dead = [
        DeadEntry(place, DeadLetterReason.PROCESSING_FAILED, events=events_in(work.kind, body))
        for place, body in enumerate(work.entries.columns["body"])
    ]
    try:
        judge(desk, work, dead)
    except TooManyInvalidError:
        # After what is wrong with us is mended, the entry gets a try again.
        _forgive(desk, work, 2)
        raise
    # The try that put it aside is not one that it broke.
    made = replace(work, batch=replace(batch, forgiven=batch.forgiven + 1))
    kept, erased = spare_dead(desk, work, dead)
    outcome = Outcome(
        dead_lettered=sum(entry.events for entry in kept), erased=erased, missing=work.missing, letters=len(kept)
    )
    # Its rows may have been stored before what broke it: their days are changed, whatever becomes of the entry.
    close(desk, made, kept, lambda: outcome, folding.stored_days(desk, work))


def _halves(work: Work) -> tuple[tuple[bytes, ...], tuple[bytes, ...]] | None:
    """The batch's entries in two parts, all copies of an event in the same one; None when there is one event only.

    Copies in two parts would both be counted as stored: rows of the same batch are no answer to "is it new".
    """
    columns = work.entries.columns
    events = list(zip(columns["org_id"], columns["event_id"], strict=True))
    distinct = list(dict.fromkeys(events))
    if len(distinct) < 2:  # noqa: PLR2004 - two parts
        return None
    first = set(distinct[: len(distinct) // 2])
    left = {entry_id for entry_id, event in zip(work.entries.ids, events, strict=True) if event in first}
    entry_ids = work.batch.entry_ids
    return (
        tuple(entry_id for entry_id in entry_ids if entry_id in left),
        tuple(entry_id for entry_id in entry_ids if entry_id not in left),
    )
