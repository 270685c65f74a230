"""Bodies of entries become columns, or are told apart by what is wrong with them.

Invariants: all work is done by column, on all bodies at once; only when something is wrong are they halved until it is
found. What leaves here satisfies its table and its contract; of what does not, only names of our own columns are told.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from telemetry_platform.contracts import columns as c
from telemetry_platform.contracts.rejects import DeadLetterReason
from telemetry_platform.contracts.types import END_OF_MOMENTS, FIRST_MOMENT
from telemetry_platform.processing.column_limits import Limit, limits
from telemetry_platform.processing.frames import are_whole, body_schema, frames_in
from telemetry_platform.processing.row_schema import MILLISECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry_platform.contracts.event_kind import EventKind, Frames

UUID_TEXT = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_BLOCK_BYTES = 1 << 20
# In milliseconds, and the same as the payload's own: a time outside would be clipped, or kept for ever by a TTL.
_MOMENTS = round(FIRST_MOMENT.timestamp() * 1000), round(END_OF_MOMENTS.timestamp() * 1000)
# What DateTime64 holds: a device whose clock was never set shows 1970, and its own time is kept as it came.
_CLIENT_MOMENTS = -2_208_988_800_000, 10_413_792_000_000
Unreadable = tuple[int, DeadLetterReason, str]


@dataclass(frozen=True)
class Shape:
    """What bodies of a kind must be like: their columns, the limits of these, and how their frames are packed."""

    schema: pa.Schema
    bounds: Mapping[str, Limit]
    frames: Frames | None = None

    @classmethod
    @lru_cache(maxsize=64)
    def of(cls, kind: EventKind) -> Shape:
        """The shape of a kind's bodies."""
        return cls(body_schema(kind), limits(kind), kind.frames)

    def alone(self, field: pa.Field) -> Shape:
        """The shape of a body that has this column only."""
        return replace(self, schema=pa.schema([field]), frames=None)

    def holds(self, rows: pa.Table) -> bool:
        """Whether every column fits, and every list and pack of frames fits the others."""
        if not all(_fits(rows[field.name], field, self.bounds.get(field.name)) for field in self.schema):
            return False
        return self.frames is None or are_whole(self.frames, rows)


def read_bodies(bodies: list[bytes], shape: Shape) -> tuple[pa.Table, list[Unreadable]]:
    """Bodies as columns; those that do not fit are found by halving, so that a few of them cost little."""
    rows = _read_all(bodies, shape)
    if rows is not None:
        return rows, []
    if len(bodies) == 1:
        return _stored(shape.schema).empty_table(), [(0, *_why(bodies[0], shape))]
    middle = len(bodies) // 2
    left, wrong_left = read_bodies(bodies[:middle], shape)
    right, wrong_right = read_bodies(bodies[middle:], shape)
    wrong = wrong_left + [(at + middle, reason, detail) for at, reason, detail in wrong_right]
    return pa.concat_tables([left, right]), wrong


def events_in(kind: EventKind, body: bytes) -> int:
    """How many events an entry stands for, as far as its body says it: one, or its frames."""
    if kind.frames is None:
        return 1
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return 1
    return frames_in(kind.frames, found) if isinstance(found, dict) else 1


def in_time(moments: pa.Array | pa.ChunkedArray, bounds: tuple[int, int] = _MOMENTS) -> pa.Array | pa.ChunkedArray:
    """Whether each is a moment that a table can hold."""
    return pc.and_(pc.greater_equal(moments, bounds[0]), pc.less(moments, bounds[1]))


def _stored(schema: pa.Schema) -> pa.Schema:
    """The same columns as they leave here: moments instead of milliseconds."""
    return pa.schema(_as_moments(field) for field in schema)


def _as_moments(field: pa.Field) -> pa.Field:
    if pa.types.is_list(field.type):
        return field.with_type(pa.list_(_as_moments(field.type.value_field)))
    return field.with_type(MILLISECONDS) if field.type == pa.int64() else field


def _read_all(bodies: list[bytes], shape: Shape) -> pa.Table | None:
    """All bodies as columns, or None when any of them is not exactly one object that fits."""
    if not bodies:
        return _stored(shape.schema).empty_table()
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
            pj.ParseOptions(explicit_schema=shape.schema, unexpected_field_behavior="error"),
        )
        rows.validate(full=True)
    except pa.ArrowInvalid:
        return None
    if rows.num_rows != len(bodies) or not shape.holds(rows):
        return None
    return rows.cast(_stored(shape.schema))


def _fits(values: pa.ChunkedArray, field: pa.Field, limit: Limit | None) -> bool:
    """Whether a column holds nothing that its table or contract cannot: no NULL without leave, NaN, NUL, odd moment."""
    if values.null_count and not field.nullable:
        return False
    if pa.types.is_list(field.type):
        return _fits(pc.list_flatten(values), field.type.value_field, limit)
    if field.type == pa.int64():
        moments = _CLIENT_MOMENTS if field.name == c.CLIENT_AT.name else _MOMENTS
        return bool(pc.all(in_time(values, moments), min_count=0).as_py())
    if pa.types.is_floating(field.type) and not pc.all(pc.is_finite(values), min_count=0).as_py():
        return False
    if pa.types.is_string(field.type):
        is_uuid = (field.metadata or {}).get(b"type") == b"UUID"
        return _are_texts(values, is_uuid=is_uuid, limit=limit)
    return limit is None or limit.hold(values)


def _are_texts(values: pa.ChunkedArray, *, is_uuid: bool, limit: Limit | None) -> bool:
    """Whether all text is a UUID, or free of NUL and within its limit."""
    # Few values are distinct, and patterns cost more than finding out which.
    values = pc.unique(values).drop_null()
    if is_uuid:
        return bool(pc.all(pc.match_substring_regex(values, UUID_TEXT), min_count=0).as_py())
    if pc.any(pc.match_substring(values, "\0"), min_count=0).as_py():
        return False
    return limit is None or limit.hold(values)


def _why(body: bytes, shape: Shape) -> tuple[DeadLetterReason, str]:
    """Why one body is no row, and the names of the columns at fault: never a name or value of the body's own."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return DeadLetterReason.UNREADABLE_BODY, "no JSON"
    if not isinstance(found, dict):
        return DeadLetterReason.UNREADABLE_BODY, "no JSON object"
    wrong = [field.name for field in shape.schema if not _fits_alone(found, field, shape)]
    if wrong:
        return DeadLetterReason.INVALID_FIELD, ", ".join(wrong)
    if shape.frames is not None and found.keys() <= set(shape.schema.names):
        return DeadLetterReason.INVALID_FIELD, shape.frames.field
    return DeadLetterReason.INVALID_FIELD, "unknown or repeated field"


def _fits_alone(found: dict[str, object], field: pa.Field, shape: Shape) -> bool:
    body = json.dumps({field.name: found[field.name]} if field.name in found else {}).encode()
    return _read_all([body], shape.alone(field)) is not None
