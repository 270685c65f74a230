"""The end of a batch: one transaction says what became of every entry, then the entries leave the stream.

Invariants: everything that must be true together commits together (counts, dead letters, producers' marks, gaps,
touched days; for the audit trail also its rows), under the lease. Only after that are entries acknowledged.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from telemetry_platform.contracts.landing import letter_number
from telemetry_platform.contracts.types import parse_tenant
from telemetry_platform.processing.dead_bodies import scrubbed_body
from telemetry_platform.processing.producers import number_runs
from telemetry_platform.stores import dead_letters, ingest_ledger
from telemetry_platform.stores.dead_letters import UNKNOWN, DeadLetter
from telemetry_platform.usecases import intake

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    import pyarrow as pa

    from telemetry_platform.processing.batches import DeadEntry
    from telemetry_platform.stores.ingest_ledger import Outcome
    from telemetry_platform.usecases.drain.desk import Desk, Work

_DIGITS = 15
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_PSEUDONYM = re.compile(r"[0-9a-f]{64}", re.ASCII)


def close(
    desk: Desk,
    work: Work,
    dead: Sequence[DeadEntry],
    outcome: Callable[[], Outcome],
    touched: Mapping[str, set[date]],
) -> None:
    """End the batch. `outcome` is called inside the transaction: it may write what must commit with it."""
    batch, now, kind = work.batch, desk.now(), work.kind
    with desk.conn.transaction():
        desk.held.check(desk.conn)
        counts = outcome()
        dead_letters.add(desk.conn, [_letter(work, entry, now) for entry in dead])
        ingest_ledger.mark_producers(desk.conn, batch, number_runs(work.entries), now=now)
        intake.note(desk.conn, kind, batch.stream, work.entries, now)
        for table, days in touched.items():
            ingest_ledger.mark_touched_days(desk.conn, table, days, batch.root_id, now=now)
        ingest_ledger.close_batch(desk.conn, batch, counts, _received(work), now=now)
        desk.checkpoint(f"{kind.name}.before_commit")
    desk.tally.count(kind.table.name, counts, len(batch.entry_ids))
    desk.checkpoint(f"{kind.name}.after_postgres")
    acknowledge(desk, work)


def acknowledge(desk: Desk, work: Work) -> None:
    """Take the entries of a closed batch out of the stream."""
    desk.held.check(desk.conn)
    desk.checkpoint(f"{work.kind.name}.before_ack")
    desk.queue.acknowledge(work.batch.stream, work.batch.entry_ids)
    desk.checkpoint(f"{work.kind.name}.after_ack")


def days_of(rows: pa.Table, column: str) -> set[date]:
    """The days of a column of times."""
    return set(pc.unique(rows[column].cast("date32")).to_pylist()) - {None}


def _received(work: Work) -> tuple[datetime, datetime] | None:
    """When the API took the first and the last entry, as far as they say it."""
    numbers = [int(value) for value in work.entries.columns["received_at"] if value.isdigit() and len(value) <= _DIGITS]
    moments = sorted(filter(None, map(_moment, (min(numbers), max(numbers))))) if numbers else []
    return (moments[0], moments[-1]) if moments else None


def _moment(milliseconds: int) -> datetime | None:
    """A time of Redis or the API; None for what is none."""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _letter(work: Work, entry: DeadEntry, now: datetime) -> DeadLetter:
    """An entry as a dead letter. Fields beside the body look like the API's, or they are left empty (numbers: -1).

    What cannot be read is not guessed: a level or an epoch that is made up would let the letter be replayed under it.
    """
    fields = {name: values[entry.position] for name, values in work.entries.columns.items()}
    text = {name: fields[name].decode("utf-8", "replace").replace("\0", "�")[:256] for name in fields if name != "body"}
    received_at = _number(fields["received_at"], 10**_DIGITS)
    return DeadLetter(
        kind=work.kind.name,
        stream=work.batch.stream,
        entry_id=work.entries.ids[entry.position].decode(),
        batch_id=work.batch.root_id,
        event_id=text["event_id"] if _UUID.fullmatch(text["event_id"]) else "",
        received_at=(_moment(received_at) if received_at != UNKNOWN else None) or now,
        org_id=_tenant(text["org_id"]),
        actor_hash=text["actor_hash"] if _PSEUDONYM.fullmatch(text["actor_hash"]) else "",
        key_epoch=_number(fields["key_epoch"], 2**32),
        consent_level=_number(fields["consent_level"], 4),
        reason=entry.reason.value,
        detail=entry.detail,
        attempts=work.batch.charged,
        body=scrubbed_body(work.kind, fields["body"]),
        failed_at=now,
        replay_of=letter_number(text["trace_id"]),
    )


def _tenant(org_id: str) -> str:
    """A tenant's id as tokens have it, which may look like a long number; nothing where it is none."""
    try:
        return parse_tenant(org_id)
    except ValueError:
        return ""


def _number(value: bytes, limit: int) -> int:
    """A small number; UNKNOWN for what is none."""
    number = int(value) if value.isdigit() and len(value) <= _DIGITS else UNKNOWN
    return number if number < limit else UNKNOWN
