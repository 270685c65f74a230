"""Frames as they were posted: which are good, and what is wrong with the others.

A frame is read by its contract's model, whose validator is compiled: 300 frames of 132 numbers take it a third of the
time that reading their JSON does. Invariants: a rejection repeats nothing of a frame but its own number; whatever is
wrong within a frame costs that frame alone; limits count from the event that holds the frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from telemetry_platform.processing.json_reading import JsonFaultError, excess, repaired
from telemetry_platform.processing.payload_reading import FieldFault, PayloadReader, Rejection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from telemetry_platform.contracts.event_kind import EventKind, Frames

_LARGEST_NUMBER = 2**32 - 1


@dataclass(frozen=True, eq=False)
class GoodFrame:
    """A valid frame; `points` has a row per point and a column per axis, NaN where a number is missing."""

    number: int
    client_at: int
    points: NDArray[np.float32]

    def says_the_same(self, other: GoodFrame) -> bool:
        """Whether both are copies of one frame."""
        return self.client_at == other.client_at and self.points.tobytes() == other.points.tobytes()


@dataclass(frozen=True)
class Judged:
    """The verdict on each frame, in order, how many fields nobody knows, and whether any text was repaired."""

    verdicts: list[GoodFrame | Rejection]
    unknown_fields: int
    repaired: bool


class FrameReader:
    """Reads the frames of one kind."""

    def __init__(self, kind: EventKind, frames: Frames) -> None:
        self._frames = frames
        self._axes = tuple(axis.name for axis in frames.axes)
        self._shape = len(frames.points), len(frames.axes)
        self._names = frozenset({*frames.frame.model_fields, *self._axes})
        self._reader = PayloadReader(kind, (frames.frame,), self._names)

    def read(self, given: Sequence[Any], *, may_need_repair: bool = False) -> Judged:
        """The verdict on each frame."""
        verdicts: list[GoodFrame | Rejection] = []
        unknown, changed = 0, False
        for frame in given:
            try:
                good, was_changed = repaired(frame) if may_need_repair else (frame, False)
                verdict, more = self._read(good)
            except JsonFaultError as fault:
                # Of an event it would cost the request; the other frames here are as good as they were.
                verdict, more, was_changed = self._refused(frame, "", fault.code, str(fault)), 0, False
            verdicts.append(verdict)
            unknown += more
            changed |= was_changed
        return Judged(verdicts, unknown, changed)

    def _read(self, frame: Any) -> tuple[GoodFrame | Rejection, int]:  # noqa: ANN401 - whatever JSON held
        """The verdict on one frame, and how many of its fields nobody knows. Raises JsonFaultError when too deep."""
        field = self._frames.points_field
        points = frame.get(field) if isinstance(frame, dict) else None
        if isinstance(points, list) and len(points) != self._shape[0]:
            return self._miscounted(len(points)).naming(**self._name_of(frame)), 0
        read = self._reader.read(frame)
        if isinstance(read, Rejection):
            return read.naming(**self._name_of(frame)), 0
        values = read.model.__dict__
        good = values[field]
        # What nobody knows is left out of the points by their model.
        strange = sum(map(len, points or ())) - sum(map(len, good))
        unknown = read.unknown_fields + strange
        # A frame stands in a list in its event: two levels that count like the frame's own.
        if unknown and (beyond := excess([[frame]], self._names)):
            return self._refused(frame, beyond.field, beyond.code, beyond.message), 0
        axes = self._axes
        flat = [point.get(axis) for point in good for axis in axes]
        array = np.array(flat, np.float64).astype(np.float32).reshape(self._shape)
        client_at = round(values["timestamp"].timestamp() * 1000)
        return GoodFrame(values[self._frames.number], client_at, array), unknown

    def _refused(self, frame: Any, field: str, code: str, message: str) -> Rejection:  # noqa: ANN401 - as above
        """The rejection of a frame that goes beyond a limit."""
        fault = FieldFault(field, message, code)
        return Rejection("invalid_event", message, (fault,)).naming(**self._name_of(frame))

    def _name_of(self, frame: Any) -> dict[str, int | None]:  # noqa: ANN401 - whatever JSON held
        """The number that the frame gives itself, where it is one."""
        number = frame.get(self._frames.number) if isinstance(frame, dict) else None
        return {self._frames.number: number if type(number) is int and 0 <= number <= _LARGEST_NUMBER else None}

    def _miscounted(self, count: int) -> Rejection:
        field, wanted = self._frames.points_field, self._shape[0]
        fault = FieldFault(field, f"must be {wanted} {field}, not {count}", "wrong_count")
        return Rejection("invalid_event", f"a frame has {wanted} {field}, this one has {count}", (fault,))
