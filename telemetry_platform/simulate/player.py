"""A video player: plays, stalls, seeks, pauses and fails as told, and emits what a real one would.

It keeps its own count of what happened. Invariant: these counts come from what was done, never from the events that
were emitted, so that they can judge what the platform makes of the events. Time is milliseconds since the session's
start, position milliseconds in the medium; a playing second moves both by one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from telemetry_platform.simulate.catalogue import RENDITIONS, Medium

if TYPE_CHECKING:
    from collections.abc import Mapping

HEARTBEAT_MS = 10_000
_BUFFERED_MS = 150
_PERCENTS = (25, 50, 75, 95)


@dataclass(frozen=True)
class Emitted:
    """One event of the player: its type, when (ms since the session's start), and its `data`."""

    event: str
    at_ms: int
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Lived:
    """What really happened in a session; None where nobody can tell."""

    state: str = "open"
    started: bool = False
    ttfb_ms: float | None = None
    startup_ms: float | None = None
    stalls: int = 0
    stall_ms: float = 0.0
    seek_stall_ms: float = 0.0
    startup_stalls: int = 0
    seek_stalls: int = 0
    watched_seconds: float | None = None
    completion: float | None = None
    milestones: tuple[int, ...] = ()
    errors: int = 0
    fatal: bool = False
    dropped_frames: int | None = None


@dataclass
class Player:
    """One view of one medium."""

    medium: Medium
    rendition: int
    now_ms: int = 0
    position_ms: int = 0
    events: list[Emitted] = field(default_factory=list)
    lived: Lived = field(default_factory=Lived)
    _furthest_ms: int = 0
    _played_ms: int = 0
    _next_heartbeat_ms: int = HEARTBEAT_MS

    @property
    def length_ms(self) -> int:
        """Length of the medium."""
        return self.medium.seconds * 1000

    def start(self, data: Mapping[str, Any]) -> None:
        """The view begins; `data` is what the browser measured."""
        shown = RENDITIONS[self.rendition]
        begun = {"total_duration_seconds": float(self.medium.seconds), "initial_bitrate": shown.bitrate}
        self._emit("session_start", begun | {"initial_resolution": shown.resolution} | dict(data))
        self._now(started=True, ttfb_ms=data.get("ttfb_ms"))

    def wait_for_first_frame(self, startup_ms: int, stall_ms: int) -> None:
        """Loading; of it, `stall_ms` (may be 0) shows as a stall at position 0. Then playback begins."""
        if stall_ms:
            self.now_ms += startup_ms - stall_ms
            self._emit(
                "buffering_start", {"position_seconds": 0.0, "bitrate_before": RENDITIONS[self.rendition].bitrate}
            )
            self.now_ms += stall_ms
            self._emit("buffering_end", {"position_seconds": 0.0, "duration_ms": float(stall_ms)})
            self._now(startup_stalls=1)
        else:
            self.now_ms += startup_ms
        self._emit("play", {"position_seconds": 0.0})
        self._next_heartbeat_ms = self.now_ms + HEARTBEAT_MS
        self._now(startup_ms=float(startup_ms))

    def play_to(self, position_ms: int) -> None:
        """Play on, with heartbeats every 10 s and milestones where they are passed."""
        target = min(position_ms, self.length_ms)
        while self.position_ms < target:
            milestones = [
                percent
                for percent in _PERCENTS
                if percent not in self.lived.milestones and self._place_of(percent) > self.position_ms
            ]
            stops = [target, self.position_ms + max(0, self._next_heartbeat_ms - self.now_ms)]
            stops += [self._place_of(percent) for percent in milestones]
            self._advance(min(stop for stop in stops if stop >= self.position_ms))
            for percent in milestones:
                if self._place_of(percent) == self.position_ms:
                    self._emit("milestone", {"percent": percent, "position_seconds": self._seconds})
                    self._now(milestones=(*self.lived.milestones, percent))
            if self.now_ms >= self._next_heartbeat_ms:
                self._emit("heartbeat", self._totals())
                self._next_heartbeat_ms = self.now_ms + HEARTBEAT_MS

    def stall(self, duration_ms: int, cdn_ms: float) -> None:
        """Playback stops for want of data; heartbeats wait as well."""
        shown = RENDITIONS[self.rendition]
        self._emit(
            "buffering_start",
            {"position_seconds": self._seconds, "bitrate_before": shown.bitrate, "cdn_response_time_ms": cdn_ms},
        )
        self._pass(duration_ms)
        self._emit(
            "buffering_end",
            {"position_seconds": self._seconds, "duration_ms": float(duration_ms), "bitrate_after": shown.bitrate},
        )
        self._now(stalls=self.lived.stalls + 1, stall_ms=self.lived.stall_ms + duration_ms)

    def seek(self, to_ms: int, stall_ms: int) -> None:
        """Jump; of a stall of `stall_ms` (may be 0) right after it, the jump is the cause."""
        to_ms = max(0, min(to_ms, self.length_ms))
        self._emit("seek", {"from_position": self._seconds, "to_position": to_ms / 1000})
        self.position_ms = to_ms
        if stall_ms:
            self._advance(self.position_ms + _BUFFERED_MS)
            self._emit("buffering_start", {"position_seconds": self._seconds})
            self._pass(stall_ms)
            self._emit("buffering_end", {"position_seconds": self._seconds, "duration_ms": float(stall_ms)})
            self._now(seek_stalls=self.lived.seek_stalls + 1, seek_stall_ms=self.lived.seek_stall_ms + stall_ms)

    def pause(self, duration_ms: int | None) -> None:
        """Pause; for good when `duration_ms` is None."""
        self._emit("pause", {"position_seconds": self._seconds})
        if duration_ms is not None:
            self.now_ms += duration_ms
            self._emit("play", {"position_seconds": self._seconds})
            self._next_heartbeat_ms = self.now_ms + HEARTBEAT_MS

    def change_quality(self, rendition: int, reason: str) -> None:
        """Another rendition from here on."""
        before, after = RENDITIONS[self.rendition], RENDITIONS[rendition]
        self.rendition = rendition
        data = {"from_bitrate": before.bitrate, "to_bitrate": after.bitrate, "reason": reason}
        data |= {"from_resolution": before.resolution, "to_resolution": after.resolution}
        self._emit("quality_change", data | {"position_seconds": self._seconds})

    def fail(self, code: str, message: str, *, fatal: bool, http_status: int | None) -> None:
        """An error of the player; after a fatal one nothing plays any more."""
        data = {"error_code": code, "error_message": message, "fatal": fatal, "position_seconds": self._seconds}
        self._emit("error", data if http_status is None else data | {"http_status": http_status})
        self._now(errors=self.lived.errors + 1, fatal=self.lived.fatal or fatal)

    def drop_frames(self, frames: int) -> None:
        """Frames that the device could not show; the next heartbeat tells."""
        self._now(dropped_frames=(self.lived.dropped_frames or 0) + frames)

    def end(self, reason: str) -> None:
        """The view is over, and the player says so."""
        watched = round(self._played_ms / 1000, 3)
        self._emit("session_end", self._totals() | {"watched_seconds": watched, "reason": reason})
        self._now(state=reason, watched_seconds=watched)

    def finish(self) -> Lived:
        """What happened; frames that were dropped after the last report stay unknown to everybody."""
        reported = [event.data["dropped_frames"] for event in self.events if "dropped_frames" in event.data]
        completion = min(1.0, self._furthest_ms / self.length_ms) if self.lived.started else None
        return replace(self.lived, completion=completion, dropped_frames=max(reported, default=None))

    @property
    def _seconds(self) -> float:
        return round(self.position_ms / 1000, 3)

    def _place_of(self, percent: int) -> int:
        return self.length_ms * percent // 100

    def _totals(self) -> dict[str, Any]:
        shown = RENDITIONS[self.rendition]
        return {
            "position_seconds": self._seconds,
            "buffering_count": self.lived.stalls,
            "buffering_duration_ms": self.lived.stall_ms,
            "current_bitrate": shown.bitrate,
            "resolution": shown.resolution,
            "dropped_frames": self.lived.dropped_frames or 0,
        }

    def _advance(self, position_ms: int) -> None:
        played = position_ms - self.position_ms
        self.now_ms += played
        self._played_ms += played
        self.position_ms = position_ms

    def _pass(self, duration_ms: int) -> None:
        self.now_ms += duration_ms
        self._next_heartbeat_ms += duration_ms

    def _emit(self, event: str, data: Mapping[str, Any]) -> None:
        self._furthest_ms = max(self._furthest_ms, self.position_ms)
        self.events.append(Emitted(event, self.now_ms, dict(data)))

    def _now(self, **changes: Any) -> None:  # noqa: ANN401 - the fields of Lived, checked by replace
        self.lived = replace(self.lived, **changes)
