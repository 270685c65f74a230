"""Entries of the queue become columns of a table: decoding, checking, and telling first copies from re-sent ones.

Invariants: pure, no clock, no I/O; the same entries give the same answer on every try, or a batch that is tried again
would be counted differently. All work is done by column: only what a check has found wrong is looked at row by row.
A row that leaves here satisfies its table, so that one bad entry cannot make a store refuse the whole block, and its
contract: what consent, pseudonyms and bounds demand holds at rest, whoever wrote into the queue.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from telemetry_platform.contracts import columns as c
from telemetry_platform.contracts.key_lives import ADDRESS_KEY_EPOCH
from telemetry_platform.contracts.landing import VERSION
from telemetry_platform.contracts.rejects import DeadLetterReason
from telemetry_platform.processing.bodies import UUID_TEXT, Shape, events_in, in_time, read_bodies
from telemetry_platform.processing.column_limits import limits
from telemetry_platform.processing.consent_rows import is_agreed
from telemetry_platform.processing.frames import unpacked_rows
from telemetry_platform.processing.row_schema import MILLISECONDS, row_schema

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from telemetry_platform.contracts.event_kind import EventKind
    from telemetry_platform.contracts.landing import RawEntries


@dataclass(frozen=True)
class DeadEntry:
    """An entry that cannot become rows: its place in the batch, why, and the names (never values) that say where.

    `events` is how many rows it would have been: more than one with frames.
    """

    position: int
    reason: DeadLetterReason
    detail: str = ""
    events: int = 1


@dataclass(frozen=True)
class Decoded:
    """Rows of a batch without what the drain adds, the place of each in the batch, and the entries that are none.

    `erased` counts events that were left out because their person was erased.
    """

    rows: pa.Table
    positions: pa.Array
    dead: tuple[DeadEntry, ...]
    erased: int = 0

    @property
    def dead_events(self) -> int:
        """How many rows the dead entries would have been."""
        return sum(entry.events for entry in self.dead)

    def keep(self, mask: pa.Array) -> Decoded:
        """The same with only the rows where `mask` is true."""
        return replace(self, rows=self.rows.filter(mask), positions=self.positions.filter(mask))


def decode(
    kind: EventKind,
    entries: RawEntries,
    epochs: Mapping[int, int | None],
    address_epochs: Collection[int] = frozenset(),
) -> Decoded:
    """All entries of a batch as rows of `kind`'s table, or as dead entries.

    `epochs` maps each known key epoch to the last millisecond at which an entry under it may have been received (None:
    no limit); `address_epochs` are the known ones of addresses, for kinds that hold their pseudonyms.
    """
    beside, dead = _read_beside(kind, entries, epochs)
    positions = [position for position in range(len(entries)) if position not in dead]
    bodies = entries.columns["body"]
    if dead:
        bodies = [bodies[position] for position in positions]
        beside = beside.take(pa.array(positions, pa.int32()))
    parsed, unreadable = read_bodies(bodies, Shape.of(kind))
    if unreadable:
        dead |= {positions[at]: DeadEntry(positions[at], reason, detail) for at, reason, detail in unreadable}
        wrong = {at for at, _, _ in unreadable}
        good = [at for at in range(len(positions)) if at not in wrong]
        beside = beside.take(pa.array(good, pa.int32()))
        positions = [positions[at] for at in good]
    places = pa.array(positions, pa.int32())
    if kind.frames is not None:
        parsed, frames = unpacked_rows(kind.frames, parsed, kind.session_field or "")
        beside, places = beside.take(frames).set_column(0, "event_id", parsed["event_id"]), places.take(frames)
        dead = {at: replace(entry, events=events_in(kind, entries.columns["body"][at])) for at, entry in dead.items()}
    names = row_schema(kind.table).names
    rows = pa.table({name: (beside if name in c.BESIDE_BODY else parsed)[name] for name in names})
    decoded = _agreed(kind, Decoded(rows, places, tuple(dead[position] for position in sorted(dead))))
    return _under_known_address_epochs(decoded, address_epochs)


def _agreed(kind: EventKind, decoded: Decoded) -> Decoded:
    """Without the rows whose type needs a higher level than was given: they should never have been queued."""
    return _only(decoded, is_agreed(kind, decoded.rows), DeadLetterReason.INVALID_FIELD, "consent_level")


def _under_known_address_epochs(decoded: Decoded, epochs: Collection[int]) -> Decoded:
    """Without the rows whose address has a pseudonym under a key that nobody knows: it could correlate nothing."""
    if ADDRESS_KEY_EPOCH not in decoded.rows.column_names:
        return decoded
    column = decoded.rows[ADDRESS_KEY_EPOCH]
    good = pc.or_(pc.is_null(column), pc.is_in(column, pa.array(sorted(epochs), column.type)))
    return _only(decoded, good, DeadLetterReason.UNKNOWN_EPOCH, ADDRESS_KEY_EPOCH)


def _only(decoded: Decoded, good: pa.Array | pa.ChunkedArray, reason: DeadLetterReason, detail: str) -> Decoded:
    """The rows where `good` is true; the entries of the others are dead."""
    if pc.all(good, min_count=0).as_py():
        return decoded
    bad = [DeadEntry(place, reason, detail) for place in decoded.positions.filter(pc.invert(good)).to_pylist()]
    kept = decoded.keep(good)
    return Decoded(kept.rows, kept.positions, tuple(sorted((*decoded.dead, *bad), key=lambda dead: dead.position)))


def _text(values: list[bytes]) -> pa.Array:
    """Values as text; bytes that are no UTF-8 become NULL one by one."""
    raw = pa.array(values, pa.binary())
    try:
        return raw.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([_utf8_or_none(value) for value in values], pa.string())


def _utf8_or_none(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _numbers(values: list[bytes], kind: pa.DataType) -> pa.Array:
    """Values as whole numbers; what is none becomes NULL."""
    text = _text(values)
    digits = pc.match_substring_regex(text, "^[0-9]{1,15}$")
    numbers = pc.if_else(digits, text, None).cast(pa.int64())
    try:
        return numbers.cast(kind)
    except pa.ArrowInvalid:
        return pc.if_else(pc.less(numbers, 1 << kind.bit_width), numbers, None).cast(kind)


def _read_beside(
    kind: EventKind, entries: RawEntries, epochs: Mapping[int, int | None]
) -> tuple[pa.Table, dict[int, DeadEntry]]:
    """The fields beside the body as columns, and the entries whose fields already say that they cannot be stored."""
    fields = entries.columns
    beside = pa.table(
        {
            "event_id": _text(fields["event_id"]),
            "received_at": _numbers(fields["received_at"], pa.int64()),
            "org_id": _text(fields["org_id"]),
            "actor_hash": _text(fields["actor_hash"]),
            "key_epoch": _numbers(fields["key_epoch"], pa.uint32()),
            "consent_level": _numbers(fields["consent_level"], pa.uint8()),
        }
    )
    dead: dict[int, DeadEntry] = {}

    def check(good: pa.Array | pa.ChunkedArray, reason: DeadLetterReason, detail: str) -> None:
        if pc.all(good, skip_nulls=False).as_py():
            return
        for position, fine in enumerate(good.to_pylist()):
            if not fine:
                dead.setdefault(position, DeadEntry(position, reason, detail))

    invalid = DeadLetterReason.INVALID_FIELD
    version, name = str(VERSION).encode(), kind.name.encode()
    check(pa.array([v == version for v in fields["v"]], pa.bool_()), DeadLetterReason.UNKNOWN_VERSION, "v")
    check(pa.array([value == name for value in fields["kind"]], pa.bool_()), invalid, "kind")
    check(pc.match_substring_regex(beside["event_id"], UUID_TEXT), invalid, "event_id")
    check(in_time(beside["received_at"]), invalid, "received_at")
    check(pc.greater(pc.binary_length(beside["org_id"]), 0), invalid, "org_id")
    for column, limit in limits(kind).items():
        if column in c.BESIDE_BODY:
            check(limit.each(beside[column]), invalid, column)
    check(pc.is_valid(beside["key_epoch"]), invalid, "key_epoch")
    check(pc.less_equal(beside["consent_level"], 3), invalid, "consent_level")
    if kind.consent is not None:
        check(pc.greater_equal(beside["consent_level"], kind.consent.value), invalid, "consent_level")
    if any(column.name == "key_epoch" for column in kind.table.columns):
        check(_under_known_epoch(beside, epochs), DeadLetterReason.UNKNOWN_EPOCH, "key_epoch")
    return beside.set_column(1, "received_at", beside["received_at"].cast(MILLISECONDS)), dead


def _under_known_epoch(beside: pa.Table, epochs: Mapping[int, int | None]) -> pa.ChunkedArray:
    """Whether each row's pseudonym, if it has one, is under an epoch that was still open to it when it was received."""
    nobody = pc.equal(beside["actor_hash"], "")
    good = nobody
    for epoch, until in epochs.items():
        under = pc.equal(beside["key_epoch"], epoch)
        good = pc.or_(good, under if until is None else pc.and_(under, pc.less_equal(beside["received_at"], until)))
    return good
