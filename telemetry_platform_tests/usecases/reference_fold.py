"""The fold once more, in plain Python, from the rules as they are written down: what the SQL is compared with.

It walks through a session event by event, as a player did, where the SQL looks at all of them at once; it shares no
code with the platform.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from uuid import UUID

    from telemetry_platform_tests.usecases.media_log import Event

_TURNS = {
    name: n for n, name in enumerate(("session_start", "seek", "buffering_start", "buffering_end", "play", "pause"))
}
_MARKS = ("buffering_start", "buffering_end", "play", "pause", "session_end")
_BITRATES = ("current_bitrate", "to_bitrate", "bitrate_after", "bitrate_before", "initial_bitrate")
_RESOLUTIONS = ("resolution", "to_resolution", "initial_resolution")


@dataclass
class Stall:
    """One stall, as it is being walked through."""

    event_id: UUID
    began: int
    position: float | None
    cause: str = ""
    ended: int | None = None
    closed_by: str = "open"
    measured: bool = True
    before: str = ""
    bitrate_after: int | None = None

    @property
    def lasted(self) -> int | None:
        """Milliseconds, where they are known."""
        return None if self.ended is None or not self.measured else self.ended - self.began


@dataclass
class Step:
    """One event on the session's clock."""

    at: int
    event: Event

    @property
    def name(self) -> str:
        return self.event.event

    @property
    def data(self) -> dict[str, Any]:
        return self.event.data

    def first(self, names: Iterable[str]) -> Any:  # noqa: ANN401 - a column of the payload
        """The first of these columns that the event names."""
        return next((self.data[name] for name in names if self.data.get(name) is not None), None)


@dataclass
class Folded:
    """What a session comes to."""

    row: dict[str, Any] = field(default_factory=dict)
    stalls: list[Stall] = field(default_factory=list)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _steps(events: Iterable[Event]) -> list[Step]:
    """Each event once, in the order of the session's clock."""
    first_copies: dict[UUID, Event] = {}
    for event in events:
        kept = first_copies.get(event.event_id)
        if kept is None or event.received_at < kept.received_at:
            first_copies[event.event_id] = event
    shifts = [_ms(event.occurred_at) - _ms(event.client_at) for event in first_copies.values()]
    jumped = max(shifts) - min(shifts) > 60_000
    steps = [
        Step(_ms(event.occurred_at) if jumped else _ms(event.client_at) + min(shifts), event)
        for event in first_copies.values()
    ]
    turns = {**_TURNS, "session_end": 7}
    return sorted(steps, key=lambda step: (step.at, turns.get(step.name, 6), step.event.event_id.int))


def _stalls(steps: list[Step]) -> list[Stall]:
    found: list[Stall] = []
    current: Stall | None = None
    paused_at: int | None = None
    last_wait = previous = ""
    previous_at = next((step.at for step in steps if step.name == "session_start"), None)
    played_at = min((step.at for step in steps if step.name in ("play", "heartbeat")), default=None)
    for step in (step for step in steps if step.name in _MARKS):
        if current and paused_at is not None:
            late = step.name == "buffering_end" and step.at - paused_at <= 10_000
            _close(
                current, step if late else None, step.at if late else paused_at, "buffering_end" if late else "pause"
            )
            current, paused_at = None, None
        elif current and step.name == "pause":
            paused_at = step.at
        elif current:
            _close(current, step, step.at, "next_stall" if step.name == "buffering_start" else step.name)
            current = None
        elif step.name == "buffering_end" and last_wait != "buffering_start":
            told = step.data.get("duration_ms")
            began = step.at - int(told or 0)
            began = began if previous_at is None else min(step.at, max(began, previous_at))
            found.append(
                Stall(
                    step.event.event_id,
                    began,
                    step.data.get("position_seconds"),
                    measured=told is not None,
                    before=previous,
                )
            )
            _close(found[-1], step, step.at, "end_only")
        if step.name == "buffering_start":
            current = Stall(step.event.event_id, step.at, step.data.get("position_seconds"))
            found.append(current)
        if step.name.startswith("buffering"):
            last_wait = step.name
        previous, previous_at = step.name, step.at
    if current and paused_at is not None:
        _close(current, None, paused_at, "pause")
    seeks = [step.at for step in steps if step.name == "seek"]
    for stall in found:
        at_start = not stall.position and (played_at is None or stall.began <= played_at)
        sought = any(abs(seek - stall.began) <= 1000 for seek in seeks)
        stall.cause = "startup" if at_start else "seek" if sought else "rebuffer"
    return found


def _close(stall: Stall, end: Step | None, at: int, by: str) -> None:
    stall.ended, stall.closed_by = at, by
    if end and by in ("buffering_end", "end_only"):
        stall.bitrate_after = end.data.get("bitrate_after")


def _walk(steps: list[Step]) -> dict[str, Any]:
    """Played time, the mean bitrate and the cut count of stalled time."""
    beats = any(step.name == "heartbeat" for step in steps)
    switch: str | None = None
    stalled = beaten = False
    bitrate: int | None = None
    played = weighed = weight = counted = high = 0.0
    counted_at = next((step.at for step in steps if step.name == "session_start"), None)
    for number, step in enumerate(steps):
        if step.name in ("play", "pause", "session_end"):
            switch = step.name
        elif step.data.get("fatal"):
            switch = "fatal"
        if step.name in _MARKS and step.name != "pause":
            stalled = step.name == "buffering_start"
        beaten = beaten or step.name == "heartbeat"
        bitrate = step.first(_BITRATES) if step.first(_BITRATES) is not None else bitrate
        told = step.data.get("buffering_duration_ms")
        if told is not None:
            grown = told - high
            counted += max(0.0, grown if counted_at is None else min(grown, step.at - counted_at))
            high, counted_at = max(high, told), step.at
        following = steps[number + 1] if number + 1 < len(steps) else None
        plays = (switch == "play" or (switch is None and beaten)) and not stalled
        if following and plays:
            span = float(following.at - step.at)
            here, there = (
                step.first(("to_position", "position_seconds")),
                following.first(("from_position", "position_seconds")),
            )
            if beats and span > 60_000 and here is not None and there is not None:
                span = min(span, max(60_000.0, (there - here) * 1000))
            played += span
            if bitrate is not None:
                weighed, weight = weighed + span * bitrate, weight + span
    any_count = any(step.data.get("buffering_duration_ms") is not None for step in steps)
    return {
        "played": played,
        "avg_bitrate": weighed / weight if weight else None,
        "buffering_duration_ms": counted if any_count else None,
        "paused": switch == "pause",
    }


def _outcome(steps: list[Step], completion: float | None, milestones: list[int]) -> tuple[int, str, int] | None:
    """When and how it ended, and how many ends say otherwise."""
    far = (completion or 0) >= 0.95 or 95 in milestones
    ends = [
        (step.at, step.data.get("reason") or ("completed" if far else "abandoned"))
        for step in sorted(steps, key=lambda step: (step.at, step.event.event_id.int))
        if step.name == "session_end"
    ]
    if not ends:
        return None
    at, how = next((end for end in ends if end[1] == "completed"), ends[0])
    return at, how, sum(end[1] != how for end in ends)


def fold_all(events: Iterable[Event]) -> dict[tuple[str, UUID], Folded]:
    """Every session of these events: each tenant's by itself, whatever ids they share."""
    sessions: dict[tuple[str, UUID], list[Event]] = {}
    for event in events:
        sessions.setdefault((event.org_id, event.session_id), []).append(event)
    return {name: fold(its_events) for name, its_events in sessions.items()}


def fold(events: Iterable[Event]) -> Folded:
    """The session that these events make, and its stalls."""
    copies = list(events)
    steps = _steps(copies)
    stalls = _stalls(steps)
    walked = _walk(steps)
    by_client = sorted(copies, key=lambda event: (event.client_at, event.event_id.int))
    starts = [event.data for event in by_client if event.event == "session_start"]

    def of_start(name: str) -> Any:  # noqa: ANN401 - a column of the payload
        return next((start[name] for start in starts if start.get(name) is not None), None)

    def last(names: Iterable[str]) -> Any:  # noqa: ANN401 - a column of the payload
        return next((value for step in reversed(steps) if (value := step.first(names)) is not None), None)

    def most(*names: str, over: Callable[..., Any] = max) -> Any:  # noqa: ANN401 - a column of the payload
        return over((value for step in steps if (value := step.first(names)) is not None), default=None)

    start_at = next((step.at for step in steps if step.name == "session_start"), None)
    play_at = next((step.at for step in steps if step.name == "play"), None)
    length = of_start("total_duration_seconds")
    furthest = most("position_seconds", "from_position")
    completion = min(1.0, (furthest or 0) / length) if length else None
    milestones = sorted({step.data["percent"] for step in steps if step.data.get("percent") is not None})
    end = _outcome(steps, completion, milestones)
    unseen = sum(
        stall.lasted or 0
        for stall in stalls
        if stall.closed_by == "end_only" and stall.before in ("play", "buffering_end")
    )
    seen = any(step.name in ("play", "heartbeat") for step in steps)
    told = min(most("watched_seconds") or 0, (steps[-1].at - steps[0].at) / 1000)
    rebuffers = [stall for stall in stalls if stall.cause == "rebuffer"]
    row = {
        "started_at": start_at,
        "ended_at": end[0] if end else None,
        "last_event_at": steps[-1].at,
        "occurred_at": steps[0].at,
        "state": end[1] if end else "paused" if walked["paused"] else "active",
        "start_seen": start_at is not None,
        "event_count": len(steps),
        "total_duration_seconds": length,
        "connection_type": of_start("connection_type"),
        "ttfb_ms": of_start("ttfb_ms"),
        "startup_ms": max(play_at - start_at, 0) if play_at is not None and start_at is not None else None,
        "position_seconds": last(("to_position", "position_seconds")),
        "furthest_seconds": furthest,
        "buffering_count": most("buffering_count"),
        "buffering_duration_ms": walked["buffering_duration_ms"],
        "stall_count": len(rebuffers),
        "stall_ms": sum(stall.lasted or 0 for stall in rebuffers),
        "seek_stall_ms": sum(stall.lasted or 0 for stall in stalls if stall.cause == "seek"),
        "watched_seconds": max(walked["played"] - unseen, 0) / 1000 if seen else told,
        "completion": completion,
        "avg_bitrate": walked["avg_bitrate"],
        "last_bitrate": last(_BITRATES),
        "resolution": last(_RESOLUTIONS),
        "dropped_frames": most("dropped_frames"),
        "milestones": milestones,
        "error_count": sum(step.name == "error" for step in steps),
        "fatal_error": any(step.data.get("fatal") for step in steps),
        "conflicting_terminals": end[2] if end else 0,
        "skewed": any(step.event.skewed for step in steps),
        "fold_version": 2**40 + len(steps),
    }
    return Folded(row, stalls)
