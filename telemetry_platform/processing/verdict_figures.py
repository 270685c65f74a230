"""The figures of a session, rated by fixed limits, and the signals that rules ask for.

Invariant: what was not measured has the value None and the rating `unknown`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.contracts.verdict import Evidence, Figure

if TYPE_CHECKING:
    from collections.abc import Callable

    from telemetry_platform.contracts.verdict import Rating

FRAMES_A_SECOND = 30
"""Players report dropped frames without saying of how many; exercise videos have 30 a second."""


@dataclass(frozen=True)
class Measure:
    """How one figure is read, and its limits: up to `good` it is good, up to `warn` it is a warning."""

    name: str
    label: str
    unit: str
    read: Callable[[Evidence], float | None]
    good: float
    warn: float
    more_is_better: bool = False

    def rate(self, value: float | None) -> Rating:
        """By the limits; a limit itself belongs to the better side."""
        if value is None:
            return "unknown"
        sign = -1 if self.more_is_better else 1
        if sign * value <= sign * self.good:
            return "good"
        return "warn" if sign * value <= sign * self.warn else "bad"


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def stalled_percent(evidence: Evidence) -> float | None:
    """Share of the time in which playback stood still; None while nothing has played."""
    if evidence.watched_seconds <= 0:
        return None
    share = _share(evidence.stall_ms / 1000, evidence.watched_seconds + evidence.stall_ms / 1000)
    return None if share is None else 100 * share


def dropped_percent(evidence: Evidence) -> float | None:
    """Share of the frames that the device could not show; None when the player does not count them."""
    if evidence.dropped_frames is None:
        return None
    share = _share(evidence.dropped_frames, evidence.watched_seconds * FRAMES_A_SECOND)
    return None if share is None else min(100.0, 100 * share)


def bandwidth_margin(evidence: Evidence) -> float | None:
    """How many times the played bitrate the line carries, as the browser estimates it."""
    if evidence.bandwidth_mbit is None or not evidence.bitrate:
        return None
    return evidence.bandwidth_mbit * 1e6 / evidence.bitrate


def _api_errors(evidence: Evidence) -> float | None:
    share = _share(evidence.api.server_errors, evidence.api.requests)
    return None if share is None else 100 * share


def api_slowness(evidence: Evidence) -> float | None:
    """How many times slower our API answered than in the days before."""
    now, before = evidence.api.median_ms, evidence.api.before_median_ms
    return now / before if now is not None and before else None


def _completion(evidence: Evidence) -> float | None:
    return evidence.completion


MEASURES = (
    Measure("ttfb_ms", "Time to the first byte", "ms", lambda e: e.ttfb_ms, 500, 1000),
    Measure("load_ms", "Loading time", "ms", lambda e: e.load_ms, 2000, 4000),
    Measure("startup_ms", "Time until it played", "ms", lambda e: e.startup_ms, 2000, 4000),
    Measure("cdn_ms", "Answer of the CDN", "ms", lambda e: e.cdn_ms, 250, 500),
    Measure("rtt_ms", "Round trip of the network", "ms", lambda e: e.rtt_ms, 150, 300),
    Measure("bandwidth_margin", "Bandwidth over bitrate", "x", bandwidth_margin, 1.5, 1.0, more_is_better=True),
    Measure("stalled_percent", "Stalled share", "%", stalled_percent, 1, 5),
    Measure("stall_count", "Stalls", "", lambda e: float(e.stall_count), 1, 3),
    Measure("dropped_percent", "Dropped frames", "%", dropped_percent, 1, 5),
    Measure("completion", "Share watched", "", _completion, 0.75, 0.5, more_is_better=True),
    Measure("api_error_percent", "Failed answers of our API", "%", _api_errors, 2, 5),
    Measure("api_slowness", "Our API against the days before", "x", api_slowness, 1.5, 2.5),
)


def figures_of(evidence: Evidence) -> tuple[Figure, ...]:
    """Every figure with its rating and its peers, in the order in which people read them."""
    return tuple(_figure(evidence, measure) for measure in MEASURES)


def _figure(evidence: Evidence, measure: Measure) -> Figure:
    value = measure.read(evidence)
    if value is not None and not (math.isfinite(value) and value >= 0):
        value = None
    return Figure(
        measure.name, measure.label, value, measure.unit, evidence.peers.get(measure.name), measure.rate(value)
    )


def in_words(figure: Figure) -> str:
    """A figure as a sentence: its value, its unit and what peers had."""
    if figure.value is None:
        return f"{figure.label}: not measured"
    said = f"{figure.label}: {_number(figure.value, figure.unit)}"
    if figure.peers is not None:
        said += f" (peers: {_number(figure.peers.median, figure.unit)}, {figure.peers.what}, n={figure.peers.n})"
    return said


def _number(value: float, unit: str) -> str:
    digits = 0 if unit == "ms" or value == int(value) else 2 if unit in {"", "x"} else 1
    return f"{value:,.{digits}f} {unit}".rstrip()
