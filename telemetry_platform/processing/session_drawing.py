"""A session as a drawing: positions, stalls and bitrates over time, in the units of the picture.

Invariants: everything is placed by the session's own clock; what a session does not tell is not drawn; nothing here
knows of SVG or HTML, and no text of an event is drawn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

WIDTH, HEIGHT = 960, 320
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 28, 40
_BITRATE_HEIGHT = 56
"""The lower part, which holds bitrates; positions are above it."""
_GAP = 24
_MARKS = {
    "play": "play",
    "pause": "pause",
    "seek": "seek",
    "error": "error",
    "session_end": "end",
    "milestone": "milestone",
}
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200)
_TICKS = 8


@dataclass(frozen=True)
class Band:
    """A stall: from where to where, its cause, and its length in words."""

    x: float
    width: float
    cause: str
    label: str


@dataclass(frozen=True)
class Mark:
    """Something that happened at a moment."""

    x: float
    y: float
    sort: str
    label: str


@dataclass(frozen=True)
class Tick:
    """A line of an axis with its text."""

    at: float
    label: str


@dataclass(frozen=True)
class Drawing:
    """All of it; `positions` and `bitrates` are lines as SVG takes points."""

    positions: str
    bitrates: str
    bands: tuple[Band, ...]
    marks: tuple[Mark, ...]
    time_ticks: tuple[Tick, ...]
    position_ticks: tuple[Tick, ...]
    bitrate_label: str
    seconds: float
    width: int = WIDTH
    height: int = HEIGHT


def draw(
    events: Sequence[Mapping[str, Any]], stalls: Sequence[Mapping[str, Any]], *, duration_seconds: float | None
) -> Drawing | None:
    """The drawing of a session's events, which are in order; None for a session without any."""
    if not events:
        return None
    begin: datetime = events[0]["at"]
    ends = [events[-1]["at"], *(stall["ended_at"] for stall in stalls if stall["ended_at"] is not None)]
    seconds = max((max(ends) - begin).total_seconds(), 1.0)
    furthest = max((each for event in events for each in _positions(event)), default=0.0)
    height = max(duration_seconds or 0.0, furthest, 1.0)
    scale = _Scale(begin, seconds, height)
    return Drawing(
        positions=_line(_position_points(events, scale)),
        bitrates=_line(_bitrate_points(events, scale)),
        bands=tuple(_bands(stalls, scale)),
        marks=tuple(_marks(events, scale)),
        time_ticks=tuple(Tick(scale.x_of(each), clock(each)) for each in _ticks(seconds)),
        position_ticks=tuple(Tick(scale.y_of(each), clock(each)) for each in _ticks(height, 4)),
        bitrate_label=_bitrate_label(events),
        seconds=seconds,
    )


def clock(seconds: float) -> str:
    """A length of time as minutes and seconds, or hours."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


@dataclass(frozen=True)
class _Scale:
    begin: datetime
    seconds: float
    position: float

    def x_of(self, seconds: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * min(max(seconds / self.seconds, 0.0), 1.0), 2)

    def x(self, moment: datetime) -> float:
        return self.x_of((moment - self.begin).total_seconds())

    def y_of(self, position: float) -> float:
        low = HEIGHT - BOTTOM - _BITRATE_HEIGHT - _GAP
        return round(low - (low - TOP) * min(max(position / self.position, 0.0), 1.0), 2)


def _positions(event: Mapping[str, Any]) -> list[float]:
    found = [event.get("position_before"), event.get("position_after")]
    return [float(each) for each in found if each is not None]


def _position_points(events: Iterable[Mapping[str, Any]], scale: _Scale) -> list[tuple[float, float]]:
    return [(scale.x(event["at"]), scale.y_of(each)) for event in events for each in dict.fromkeys(_positions(event))]


def _bitrate_points(events: Sequence[Mapping[str, Any]], scale: _Scale) -> list[tuple[float, float]]:
    """Steps: a bitrate lasts until the next one is told."""
    told = [(event["at"], float(event["told_bitrate"])) for event in events if event["told_bitrate"] is not None]
    if not told:
        return []
    most = max(rate for _, rate in told) or 1.0
    base = HEIGHT - BOTTOM
    points: list[tuple[float, float]] = []
    for moment, rate in told:
        y = round(base - _BITRATE_HEIGHT * rate / most, 2)
        if points:
            points.append((scale.x(moment), points[-1][1]))
        points.append((scale.x(moment), y))
    points.append((scale.x_of(scale.seconds), points[-1][1]))
    return points


def _bitrate_label(events: Sequence[Mapping[str, Any]]) -> str:
    rates = [float(event["told_bitrate"]) for event in events if event["told_bitrate"] is not None]
    return f"bitrate, up to {max(rates) / 1e6:.1f} Mbit/s" if rates else ""


def _bands(stalls: Iterable[Mapping[str, Any]], scale: _Scale) -> Iterable[Band]:
    for stall in stalls:
        begin = scale.x(stall["started_at"])
        end = scale.x_of(scale.seconds) if stall["ended_at"] is None else scale.x(stall["ended_at"])
        length = "still open" if stall["duration_ms"] is None else f"{stall['duration_ms'] / 1000:.1f} s"
        yield Band(begin, round(max(end - begin, 2.0), 2), stall["cause"], f"{stall['cause']}, {length}")


def _marks(events: Iterable[Mapping[str, Any]], scale: _Scale) -> Iterable[Mark]:
    for event in events:
        sort = _MARKS.get(event["event"])
        if sort is not None:
            places = _positions(event)
            y = scale.y_of(places[-1]) if places else float(TOP)
            yield Mark(scale.x(event["at"]), y, sort, f"{sort} at {clock((event['at'] - scale.begin).total_seconds())}")


def _ticks(most: float, count: int = _TICKS) -> list[float]:
    step = next((each for each in _STEPS if most / each <= count), 86_400)
    return [float(step * number) for number in range(math.floor(most / step) + 1)]


def _line(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)
