"""Frames on their way through the queue: many in one body, packed, and in the drain one row each again.

A body says once what its frames share; beside that, one list for each column in which frames differ, and all points
as little-endian 32-bit floats in base64 (`points`), a missing number as NaN.
Invariants: a frame's event id is made of its session and number alone, here and in the API; what rests is rounded to
the digits of its axis once, in the drain, so that the same frame is the same row however often it is sent; a body
whose lists and pack do not agree, or whose numbers lie outside their axes, has no rows at all.
"""

from __future__ import annotations

import binascii
import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from telemetry_platform.contracts import columns as c
from telemetry_platform.processing.row_schema import row_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from telemetry_platform.contracts.event_kind import EventKind, Frames

PACK = "points"
_FLOAT = np.dtype("<f4")
_PER_FRAME = frozenset({c.OCCURRED_AT.name, c.CLIENT_AT.name, c.SKEWED.name})
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)
_UUID_LENGTH = 36
# Where the 32 digits of a UUID stand in its text, between the dashes.
_DIGITS = np.array([at for at in range(_UUID_LENGTH) if at not in {8, 13, 18, 23}])


def pack(points: NDArray[np.float32]) -> str:
    """Points of some frames (frame, point, axis) as text."""
    return binascii.b2a_base64(points.astype(_FLOAT, copy=False).tobytes(), newline=False).decode()


def pack_length(frames: Frames) -> int:
    """Characters of one frame's pack. Raises TypeError when packs of frames could not stand one behind the other."""
    size = len(frames.columns) * _FLOAT.itemsize
    if size % 3:
        raise TypeError("a frame's pack must be whole groups of three bytes: add an axis or a point")
    return size // 3 * 4


def frame_ids(sessions: Iterable[UUID], numbers: Iterable[int]) -> list[str]:
    """The event id of each frame: UUIDv5 of its session and number, as text."""
    ids = event_ids([session.bytes for session in sessions], list(numbers))
    text: list[str] = ids.to_pylist()
    return text


def event_ids(sessions: Sequence[bytes], numbers: Sequence[int]) -> pa.Array:
    """The same as a column: a million a day are made, one `UUID` for each of them would take longer than the rest."""
    digests = b"".join(
        hashlib.sha1(session + b"%d" % number, usedforsecurity=False).digest()[:16]
        for session, number in zip(sessions, numbers, strict=True)
    )
    raw = np.frombuffer(digests, np.uint8).reshape(-1, 16).copy()
    raw[:, 6] = raw[:, 6] & 0x0F | 0x50
    raw[:, 8] = raw[:, 8] & 0x3F | 0x80
    text = np.full((len(raw), _UUID_LENGTH), ord("-"), np.uint8)
    text[:, _DIGITS[0::2]] = _HEX[raw >> 4]
    text[:, _DIGITS[1::2]] = _HEX[raw & 0x0F]
    offsets = pa.py_buffer(np.arange(0, text.size + 1, _UUID_LENGTH, dtype=np.int32))
    return pa.Array.from_buffers(pa.string(), len(raw), [None, offsets, pa.py_buffer(text)])


@lru_cache(maxsize=64)
def body_schema(kind: EventKind) -> pa.Schema:
    """Columns of a body: a table's own, or with frames the shared ones, a list for each of the others, and the pack."""
    fields = [field for field in row_schema(kind.table) if field.name not in c.BESIDE_BODY]
    if kind.frames is None:
        return pa.schema(fields)
    points = {name for name, _ in kind.frames.columns}
    several = per_frame(kind.frames)
    found = [
        pa.field(field.name, pa.list_(field.with_nullable(False)), False) if field.name in several else field
        for field in fields
        if field.name not in points
    ]
    return pa.schema([*found, pa.field(PACK, pa.string(), False)])


def per_frame(frames: Frames) -> frozenset[str]:
    """Columns that a body has a list for, beside the pack."""
    return _PER_FRAME | {frames.number}


def are_whole(frames: Frames, rows: pa.Table) -> bool:
    """Whether in each body every list is as long as its pack says, and every number lies within its axis."""
    lengths = pc.list_value_length(rows[frames.number])
    lists = [rows[field.name] for field in rows.schema if pa.types.is_list(field.type)]
    if not all(pc.all(pc.equal(pc.list_value_length(column), lengths), min_count=0).as_py() for column in lists):
        return False
    packed = pc.multiply(lengths.cast(pa.int64()), pack_length(frames))
    if not pc.all(pc.and_(pc.equal(pc.binary_length(rows[PACK]), packed), pc.greater(lengths, 0)), min_count=0).as_py():
        return False
    points = _unpacked(frames, rows[PACK])
    return points is not None and _within(frames, points)


def _unpacked(frames: Frames, packs: pa.ChunkedArray) -> NDArray[np.float32] | None:
    """All frames' numbers, a row each in the order of the columns; None when a pack is no base64 of whole frames."""
    # Packs are whole groups of three bytes, so that those of many bodies can be read as one.
    texts = [_characters(chunk) for chunk in packs.chunks if len(chunk)]
    try:
        found = b"".join(binascii.a2b_base64(text, strict_mode=True) for text in texts)
    except ValueError:
        return None
    # Padding is legal base64 and stands for nothing: a pack of the right length that ends in `=` is some bytes short.
    if len(found) * pack_length(frames) != sum(map(len, texts)) * len(frames.columns) * _FLOAT.itemsize:
        return None
    return np.frombuffer(found, _FLOAT).reshape(-1, len(frames.columns))


def _characters(texts: pa.Array) -> memoryview:
    """All texts of a column behind one another, as they lie in memory."""
    _, ends, characters = texts.buffers()
    places = np.frombuffer(ends, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return memoryview(characters)[places[0] : places[-1]]


def _within(frames: Frames, points: NDArray[np.float32]) -> bool:
    by_axis = points.reshape(-1, len(frames.axes))
    for place, axis in enumerate(frames.axes):
        numbers = by_axis[:, place]
        good = (numbers >= np.float32(axis.minimum)) & (numbers <= np.float32(axis.maximum))
        if not bool(np.all(good | np.isnan(numbers) if axis.optional else good)):
            return False
    return True


def frames_in(frames: Frames, body: dict[str, Any]) -> int:
    """How many frames a body says that it holds; one that does not say it counts as one event."""
    numbers = body.get(frames.number)
    return max(len(numbers), 1) if isinstance(numbers, list) else 1


def is_pack(frames: Frames, text: str) -> bool:
    """Whether text is nothing but the numbers of frames."""
    if not text or len(text) % pack_length(frames) or not text.isascii():
        return False
    points = _unpacked(frames, pa.chunked_array([[text]], pa.string()))
    return points is not None and _within(frames, points)


def unpacked_rows(frames: Frames, bodies: pa.Table, session: str) -> tuple[pa.Table, pa.Array]:
    """One row per frame of bodies that are whole: its columns and `event_id`, and the place of the body it was in."""
    bodies = bodies.combine_chunks()
    points = _unpacked(frames, bodies[PACK])
    assert points is not None  # noqa: S101 - `are_whole` has unpacked them before
    places = _one(pc.list_parent_indices(bodies[frames.number]))
    found: dict[str, Any] = {
        field.name: pc.list_flatten(bodies[field.name])
        if pa.types.is_list(field.type)
        else _one(bodies[field.name]).take(places)
        for field in bodies.schema
        if field.name != PACK
    }
    for place, (name, axis) in enumerate(frames.columns):
        found[name] = _decimals(points[:, place], axis.digits)
    raw = [UUID(text).bytes for text in bodies[session].to_pylist()]
    sessions = [raw[place] for place in places.to_pylist()]
    found["event_id"] = event_ids(sessions, found[frames.number].to_pylist())
    return pa.table(found), places


def _decimals(numbers: NDArray[np.float32], digits: int) -> pa.Array:
    """Numbers rounded to so many digits, NaN as NULL."""
    missing = np.isnan(numbers)
    units = np.rint(np.where(missing, 0, numbers).astype(np.float64) * 10**digits).astype("<i4")
    seen = pa.py_buffer(np.packbits(~missing, bitorder="little")) if missing.any() else None
    return pa.Array.from_buffers(pa.decimal32(9, digits), len(units), [seen, pa.py_buffer(units)])


def _one(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
