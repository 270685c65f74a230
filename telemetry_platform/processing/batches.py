"""Entries of the queue become columns of a table: decoding, checking, and telling first copies from re-sent ones.

Invariants: pure, no clock, no I/O; the same entries give the same answer on every try, or a batch that is tried again
would be counted differently. All work is done by column: only what a check has found wrong is looked at row by row.
A row that leaves here satisfies its table, so that one bad entry cannot make a store refuse the whole block, and its
contract: what consent, pseudonyms and bounds demand holds at rest, whoever wrote into the queue.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from telemetry_platform.contracts import columns as c
from telemetry_platform.contracts.landing import VERSION
from telemetry_platform.contracts.rejects import DeadLetterReason
from telemetry_platform.processing.column_limits import Limit, limits
from telemetry_platform.processing.consent_rows import is_agreed

if TYPE_CHECKING:
    from telemetry_platform.contracts.event_kind import EventKind, Table
    from telemetry_platform.contracts.landing import RawEntries

MILLISECONDS = pa.timestamp("ms", tz="UTC")
_ARROW_TYPES: dict[str, pa.DataType] = {
    "String": pa.string(),
    "Bool": pa.bool_(),
    "Float64": pa.float64(),
    "UInt8": pa.uint8(),
    "UInt16": pa.uint16(),
    "UInt32": pa.uint32(),
    "UInt64": pa.uint64(),
    "UUID": pa.string(),
    c.JSON: pa.string(),
    c.TIME: pa.int64(),
}
_UUID = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_BLOCK_BYTES = 1 << 20
# Milliseconds of 2000-01-01 and 2100-01-01: a time outside would be clipped by DateTime64 or kept for ever by a TTL.
_MOMENTS = 946_684_800_000, 4_102_444_800_000
# What DateTime64 holds: a device whose clock was never set shows 1970, and its own time is kept as it came.
_CLIENT_MOMENTS = -2_208_988_800_000, 10_413_792_000_000


@dataclass(frozen=True)
class DeadEntry:
    """An entry that cannot become a row: its place in the batch, why, and the names (never values) that say where."""

    position: int
    reason: DeadLetterReason
    detail: str = ""


@dataclass(frozen=True)
class Decoded:
    """Rows of a batch without what the drain adds, the place of each in the batch, and the entries that are none."""

    rows: pa.Table
    positions: pa.Array
    dead: tuple[DeadEntry, ...]

    def keep(self, mask: pa.Array) -> Decoded:
        """The same with only the rows where `mask` is true."""
        return Decoded(self.rows.filter(mask), self.positions.filter(mask), self.dead)


@lru_cache(maxsize=64)
def row_schema(table: Table) -> pa.Schema:
    """Columns of a decoded row: what comes in the body and beside it; UUIDs as text."""
    return pa.schema(
        pa.field(column.name, _ARROW_TYPES[column.clickhouse], column.nullable, {"type": column.clickhouse})
        for column in table.carried
        if column.name not in c.FROM_DRAIN | c.FROM_STORE
    )


@lru_cache(maxsize=64)
def _body_schema(table: Table) -> pa.Schema:
    return pa.schema(field for field in row_schema(table) if field.name not in c.BESIDE_BODY)


def decode(kind: EventKind, entries: RawEntries, epochs: Mapping[int, int | None]) -> Decoded:
    """All entries of a batch as rows of `kind`'s table, or as dead entries.

    `epochs` maps each known key epoch to the last millisecond at which an entry under it may have been received (None:
    no limit).
    """
    beside, dead = _read_beside(kind, entries, epochs)
    positions = [position for position in range(len(entries)) if position not in dead]
    bodies = entries.columns["body"]
    if dead:
        bodies = [bodies[position] for position in positions]
        beside = beside.take(pa.array(positions, pa.int32()))
    parsed, unreadable = _parse(bodies, _body_schema(kind.table), limits(kind))
    if unreadable:
        dead |= {positions[at]: DeadEntry(positions[at], reason, detail) for at, reason, detail in unreadable}
        wrong = {at for at, _, _ in unreadable}
        good = [at for at in range(len(positions)) if at not in wrong]
        beside = beside.take(pa.array(good, pa.int32()))
        positions = [positions[at] for at in good]
    names = row_schema(kind.table).names
    rows = pa.table({name: (beside if name in c.BESIDE_BODY else parsed)[name] for name in names})
    decoded = Decoded(rows, pa.array(positions, pa.int32()), tuple(dead[position] for position in sorted(dead)))
    return _agreed(kind, decoded)


def _agreed(kind: EventKind, decoded: Decoded) -> Decoded:
    """Without the rows whose type needs a higher level than was given: they should never have been queued."""
    good = is_agreed(kind, decoded.rows)
    if pc.all(good, min_count=0).as_py():
        return decoded
    low = [
        DeadEntry(position, DeadLetterReason.INVALID_FIELD, "consent_level")
        for position in decoded.positions.filter(pc.invert(good)).to_pylist()
    ]
    kept = decoded.keep(good)
    return Decoded(kept.rows, kept.positions, tuple(sorted((*decoded.dead, *low), key=lambda dead: dead.position)))


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
    check(pc.match_substring_regex(beside["event_id"], _UUID), invalid, "event_id")
    check(_in_time(beside["received_at"]), invalid, "received_at")
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


def _in_time(moments: pa.ChunkedArray, bounds: tuple[int, int] = _MOMENTS) -> pa.ChunkedArray:
    """Whether each is a moment that a table can hold."""
    return pc.and_(pc.greater_equal(moments, bounds[0]), pc.less(moments, bounds[1]))


def _under_known_epoch(beside: pa.Table, epochs: Mapping[int, int | None]) -> pa.ChunkedArray:
    """Whether each row's pseudonym, if it has one, is under an epoch that was still open to it when it was received."""
    nobody = pc.equal(beside["actor_hash"], "")
    good = nobody
    for epoch, until in epochs.items():
        under = pc.equal(beside["key_epoch"], epoch)
        good = pc.or_(good, under if until is None else pc.and_(under, pc.less_equal(beside["received_at"], until)))
    return good


Unreadable = tuple[int, DeadLetterReason, str]
Bounds = Mapping[str, Limit]


def _parse(bodies: list[bytes], schema: pa.Schema, bounds: Bounds) -> tuple[pa.Table, list[Unreadable]]:
    """Bodies as columns; those that do not fit are found by halving, so that a few of them cost little."""
    rows = _parse_all(bodies, schema, bounds)
    if rows is not None:
        return rows, []
    if len(bodies) == 1:
        return schema.empty_table().cast(_stored(schema)), [(0, *_why(bodies[0], schema, bounds))]
    middle = len(bodies) // 2
    left, wrong_left = _parse(bodies[:middle], schema, bounds)
    right, wrong_right = _parse(bodies[middle:], schema, bounds)
    wrong = wrong_left + [(at + middle, reason, detail) for at, reason, detail in wrong_right]
    return pa.concat_tables([left, right]), wrong


def _stored(schema: pa.Schema) -> pa.Schema:
    """The same columns as they leave here: moments instead of milliseconds."""
    return pa.schema(field.with_type(MILLISECONDS) if _is_time(field) else field for field in schema)


def _is_time(field: pa.Field) -> bool:
    return bool(field.type == pa.int64())


def _parse_all(bodies: list[bytes], schema: pa.Schema, bounds: Bounds) -> pa.Table | None:
    """All bodies as columns, or None when any of them is not exactly one object that fits."""
    if not bodies:
        return schema.empty_table().cast(_stored(schema))
    raw = pa.array(bodies, pa.binary())
    # Each body is at least one object, then; as many rows as bodies means that each is exactly one.
    braces = pc.and_(pc.starts_with(raw, "{"), pc.ends_with(raw, "}"))
    if not pc.all(braces).as_py():
        return None
    text = b"\n".join(bodies)
    try:
        rows = pj.read_json(
            pa.BufferReader(text),
            # A body larger than a block cannot be read in a run of others; alone it is one block.
            pj.ReadOptions(use_threads=True, block_size=_BLOCK_BYTES if len(bodies) > 1 else len(text) + 1),
            pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error"),
        )
        rows.validate(full=True)
    except pa.ArrowInvalid:
        return None
    if rows.num_rows != len(bodies):
        return None
    if not all(_fits(rows[field.name], field, bounds.get(field.name)) for field in schema):
        return None
    return rows.cast(_stored(schema))


def _fits(values: pa.ChunkedArray, field: pa.Field, limit: Limit | None) -> bool:
    """Whether a column holds nothing that its table or contract cannot: no NULL without leave, NaN, NUL, odd moment."""
    if values.null_count and not field.nullable:
        return False
    if _is_time(field):
        moments = _CLIENT_MOMENTS if field.name == c.CLIENT_AT.name else _MOMENTS
        return bool(pc.all(_in_time(values, moments), min_count=0).as_py())
    if pa.types.is_floating(field.type) and not pc.all(pc.is_finite(values), min_count=0).as_py():
        return False
    if pa.types.is_string(field.type):
        # Few values are distinct, and patterns cost more than finding out which.
        values = pc.unique(values).drop_null()
        if (field.metadata or {}).get(b"type") == b"UUID":
            return bool(pc.all(pc.match_substring_regex(values, _UUID), min_count=0).as_py())
        if pc.any(pc.match_substring(values, "\0"), min_count=0).as_py():
            return False
    return limit is None or limit.hold(values)


def _why(body: bytes, schema: pa.Schema, bounds: Bounds) -> tuple[DeadLetterReason, str]:
    """Why one body is no row, and the names of the columns at fault: never a name or value of the body's own."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return DeadLetterReason.UNREADABLE_BODY, "no JSON"
    if not isinstance(found, dict):
        return DeadLetterReason.UNREADABLE_BODY, "no JSON object"
    wrong = [field.name for field in schema if not _fits_alone(found, field, bounds)]
    return DeadLetterReason.INVALID_FIELD, ", ".join(wrong) or "unknown or repeated field"


def _fits_alone(found: dict[str, object], field: pa.Field, bounds: Bounds) -> bool:
    body = json.dumps({field.name: found[field.name]} if field.name in found else {}).encode()
    return _parse_all([body], pa.schema([field]), bounds) is not None
