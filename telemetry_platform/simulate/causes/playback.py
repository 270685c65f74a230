"""A player under conditions: requests that take their time, a buffer that drains, a decoder that keeps up or does not.

Invariant: every wait follows from the conditions (rates, round trips, answers) and the buffer; nothing is made up to
look like a cause. Time is seconds since the page was opened.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from telemetry_platform.simulate.causes.conditions import Conditions, around
from telemetry_platform.simulate.chance import happens, one_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

_SEGMENT = 4.0
_BUFFER = 24.0
_HEARTBEAT = 10.0
_TIMEOUT = 30.0
_FRAMES = 30
_UNSEEN = 0.05
_INSTANT = 1e-9
_LADDER = ((400_000, "360p", 0.23), (1_200_000, "480p", 0.41), (2_800_000, "720p", 0.92), (5_500_000, "1080p", 2.07))
"""Bitrate, resolution and megapixels of a frame."""
_ERRORS = {"MEDIA_ERR_DECODE": 5, "MEDIA_ERR_SRC_NOT_SUPPORTED": 3, "DRM_LICENSE_INVALID": 2}


@dataclass(frozen=True)
class Said:
    """One event of the player or the app, at a second of the session."""

    event: str
    at: float
    data: Mapping[str, Any]


@dataclass
class Playback:
    """One session as it is lived."""

    conditions: Conditions
    random: Random
    length: float
    said: list[Said] = field(default_factory=list)
    api_calls: list[tuple[float, int, float]] = field(default_factory=list)
    """When each call to our API was answered, with which status, after how many seconds."""
    measured: dict[str, float] = field(default_factory=dict)
    now: float = 0.0
    position: float = 0.0
    watched: float = 0.0
    stalls: int = 0
    stalled: float = 0.0
    dropped: float = 0.0
    waited: float = 0.0
    answer_ms: float = 0.0
    level: int = 1
    ended: bool = False
    _wander: float = 0.0
    _estimate: float = 0.0
    _beat: float = 0.0

    def run(self) -> None:
        """From opening the page to its end."""
        if not self._ask_api():
            return
        first_byte = self._open_connection()
        answer = self._answer()
        self.measured["ttfb_ms"] = 1000 * (first_byte + answer)
        self.measured["cdn_response_time_ms"] = 1000 * answer
        took = self._download()
        ready = (
            self.now
            + first_byte
            + answer
            + (took or _TIMEOUT)
            + around(self.random, self.conditions.warm_up_ms, 0.2) / 1000
        )
        self.measured["video_load_time_ms"] = 1000 * ready
        self.now = ready
        if took is None:
            self._fail_loading()
            return
        if self.conditions.error_after_seconds == 0.0:
            self._break()
            return
        if ready > self.conditions.patience_seconds:
            self._leave()
            return
        self.now += abs(self.random.gauss(0.2, 0.3))
        self._say("play", position_seconds=0.0)
        self._beat = self.now + _HEARTBEAT
        self._play(_SEGMENT)

    def _ask_api(self) -> bool:
        """The exercise and the address of its video, each tried three times."""
        for _ in range(2):
            for attempt in range(3):
                took = around(self.random, self.conditions.api_ms, 0.35) / 1000 + self._round_trip()
                failed = happens(self.random, self.conditions.api_fails)
                self.now += took
                self.api_calls.append((self.now, 503 if failed else 200, took))
                if not failed:
                    break
                self.now += 0.5 * 2**attempt
            else:
                self._say("app_error", error_code="PLAY_URL_FAILED", http_status=503, fatal=True)
                return False
        return True

    def _round_trip(self) -> float:
        return around(self.random, self.conditions.rtt_ms, 0.2) / 1000

    def _open_connection(self) -> float:
        """Name, connection and encryption; a browser that was there before skips them."""
        return 0.0 if happens(self.random, 0.15) else sum(self._round_trip() for _ in range(3))

    def _answer(self) -> float:
        self.answer_ms = 1000 * self._round_trip() + around(self.random, self.conditions.cdn_ms, 0.35)
        return self.answer_ms / 1000

    def _download(self) -> float | None:
        """Seconds for the body of one segment; None when it failed or came too late."""
        if happens(self.random, self.conditions.cdn_fails):
            return None
        self._wander = 0.8 * self._wander + self.random.gauss(0.0, 0.6 * self.conditions.swing)
        rate = min(
            self.conditions.line_mbit * math.exp(self._wander), around(self.random, self.conditions.cdn_mbit, 0.2)
        )
        took = _LADDER[self.level][0] * _SEGMENT / (rate * 1e6)
        self._estimate = rate if not self._estimate else 0.6 * self._estimate + 0.4 * rate
        return took if took < _TIMEOUT else None

    def _play(self, buffered: float) -> None:
        """Fetch and play until the medium, the patient or the player comes to an end."""
        fetched = buffered
        while not self.ended and self.position < self.length - _UNSEEN:
            if fetched < self.length and buffered < _BUFFER:
                self._choose()
                answer, body = self._answer(), self._download()
                if body is None:
                    self._fail_loading()
                    return
                buffered = self._pass(answer + body, buffered) + _SEGMENT
                fetched += _SEGMENT
            else:
                step = min(_SEGMENT, self.length - self.position)
                buffered = self._pass(step, buffered, waits=False)
        if not self.ended:
            self._end("completed")

    def _choose(self) -> None:
        """The best rendition that the line has carried lately."""
        affordable = [n for n, (bitrate, _, _) in enumerate(_LADDER) if bitrate < 0.75e6 * self._estimate]
        self.level = min(max(affordable, default=0), self.level + 1)

    def _pass(self, seconds: float, buffered: float, *, waits: bool = True) -> float:
        """Let time go by while the buffer plays; what it lacks is a stall. The buffer left."""
        played = min(seconds, buffered)
        self._show(played)
        lacking = seconds - played
        if self.ended or not waits or lacking <= _UNSEEN:
            return buffered - played
        told = {"bitrate_before": _LADDER[self.level][0], "cdn_response_time_ms": self.answer_ms}
        self._say("buffering_start", position_seconds=self.position, **told)
        self.stalls += 1
        self.waited += lacking
        patience_ends = self.waited > self.conditions.patience_seconds
        self.now += lacking
        self.stalled += lacking
        self._beat += lacking
        if patience_ends:
            self._leave()
        else:
            self._say("buffering_end", position_seconds=self.position, duration_ms=1000 * lacking)
        return 0.0

    def _show(self, seconds: float) -> None:
        """Play: frames that the decoder cannot make in time are dropped, heartbeats tell of it."""
        left = seconds
        while left > _INSTANT and not self.ended:
            limits = [
                limit for limit in (self.conditions.leaves_after_seconds, self.conditions.error_after_seconds) if limit
            ]
            step = min(left, max(self._beat - self.now, 1e-3), *(max(limit - self.position, 1e-3) for limit in limits))
            demand = _LADDER[self.level][2] * _FRAMES
            lost = max(0.0, 1 - around(self.random, self.conditions.decoder_megapixels, 0.1) / demand)
            self.dropped += (lost + abs(self.random.gauss(0, 0.001))) * step * _FRAMES
            self.now, self.position, self.watched = self.now + step, self.position + step, self.watched + step
            left -= step
            if self.now >= self._beat:
                self._say("heartbeat", **self._totals())
                self._beat += _HEARTBEAT
            leaves, breaks = self.conditions.leaves_after_seconds, self.conditions.error_after_seconds
            if breaks and self.position >= breaks:
                self._break()
            elif leaves and self.position >= leaves:
                self._leave()

    def _totals(self) -> dict[str, Any]:
        return {
            "position_seconds": self.position,
            "buffering_count": self.stalls,
            "buffering_duration_ms": 1000 * self.stalled,
            "current_bitrate": _LADDER[self.level][0],
            "resolution": _LADDER[self.level][1],
            "dropped_frames": int(self.dropped),
        }

    def _fail_loading(self) -> None:
        """The player gave up on a segment; a gateway says so itself, a line just breaks."""
        status = {"http_status": 504} if happens(self.random, 0.7) and self.conditions.cdn_fails else {}
        self._error("HTTP_ERROR" if status else "MEDIA_ERR_NETWORK", status)

    def _break(self) -> None:
        self._error(one_of(self.random, _ERRORS), {})

    def _error(self, code: str, status: Mapping[str, int]) -> None:
        self._say("error", error_code=code, fatal=True, position_seconds=self.position, **status)
        self._end("abandoned")

    def _leave(self) -> None:
        self._end("abandoned")

    def _end(self, reason: str) -> None:
        self._say("session_end", **self._totals(), watched_seconds=self.watched, reason=reason)
        self.ended = True

    def _say(self, event: str, **data: Any) -> None:  # noqa: ANN401 - the fields of any event
        shown = {name: round(value, 3) if isinstance(value, float) else value for name, value in data.items()}
        self.said.append(Said(event, self.now, shown))
