"""The world of one session: line, CDN, device, API and patient, and the one thing that is wrong with it.

Invariant: what is drawn here are physical quantities, and no limit of the verdict is known to this package: it judges
the verdict only as long as neither was made from the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from telemetry_platform.simulate.chance import happens, one_of

if TYPE_CHECKING:
    from random import Random

CAUSES = {
    "fine": 40.0,
    "left_early": 12.0,
    "patient_network": 14.0,
    "slow_cdn": 10.0,
    "slow_device": 8.0,
    "player_error": 8.0,
    "our_api": 8.0,
}
"""The true causes, and how many of a hundred sessions have each."""


@dataclass(frozen=True)
class Conditions:
    """Means of what a session meets. `swing` is how far the line's rate wanders (standard deviation of its log)."""

    cause: str
    line_mbit: float
    swing: float
    rtt_ms: float
    cdn_ms: float
    cdn_mbit: float
    cdn_fails: float
    decoder_megapixels: float
    warm_up_ms: float
    api_ms: float
    api_fails: float
    error_after_seconds: float | None
    leaves_after_seconds: float | None
    patience_seconds: float


def around(random: Random, middle: float, spread: float) -> float:
    """A positive quantity around its median; `spread` is the standard deviation of its logarithm."""
    return middle * math.exp(random.gauss(0.0, spread))


def healthy_api_ms(random: Random) -> float:
    """What one answer of our API takes on a good day."""
    return around(random, 70.0, 0.45)


def draw(random: Random, cause: str, length_seconds: float) -> Conditions:
    """The conditions of a session with this true cause."""
    is_mobile = happens(random, 0.45)
    good = Conditions(
        cause=cause,
        line_mbit=around(random, 16.0 if is_mobile else 40.0, 0.45),
        swing=0.3 if is_mobile else 0.12,
        rtt_ms=around(random, 55.0 if is_mobile else 22.0, 0.35),
        cdn_ms=around(random, 35.0, 0.5),
        cdn_mbit=around(random, 120.0, 0.3),
        cdn_fails=0.0,
        decoder_megapixels=around(random, 190.0, 0.25),
        warm_up_ms=around(random, 140.0, 0.4),
        api_ms=healthy_api_ms(random),
        api_fails=0.001,
        error_after_seconds=None,
        leaves_after_seconds=None,
        patience_seconds=around(random, 25.0, 0.5),
    )
    return _SPOIL[cause](good, random, length_seconds)


def _fine(good: Conditions, _random: Random, _length: float) -> Conditions:
    return good


def _leaves(good: Conditions, random: Random, length: float) -> Conditions:
    return replace(good, leaves_after_seconds=length * random.uniform(0.03, 0.65))


def _poor_line(good: Conditions, random: Random, _length: float) -> Conditions:
    """Thin, far away, or both: the cellar, the countryside, a full train."""
    kind = one_of(random, {"thin": 6, "far": 1, "both": 3})
    if kind != "far":
        good = replace(good, line_mbit=around(random, 0.65, 0.4), swing=0.5)
    if kind != "thin":
        # A long way and losses: what one connection carries falls with the round trip.
        rtt = around(random, 700.0, 0.3)
        good = replace(good, rtt_ms=rtt, line_mbit=min(good.line_mbit, 1400.0 / rtt), swing=0.5)
    return replace(good, patience_seconds=good.patience_seconds * 1.5)


def _slow_cdn(good: Conditions, random: Random, _length: float) -> Conditions:
    """An overloaded or far edge: it thinks long, and passes on little."""
    slow = replace(good, cdn_ms=around(random, 1900.0, 0.45), cdn_mbit=around(random, 1.6, 0.5))
    return replace(slow, cdn_fails=one_of(random, {0.0: 3.0, 0.04: 1.0}))


def _slow_device(good: Conditions, random: Random, _length: float) -> Conditions:
    return replace(good, decoder_megapixels=around(random, 8.0, 0.35), warm_up_ms=around(random, 900.0, 0.4))


def _breaks(good: Conditions, random: Random, length: float) -> Conditions:
    at_once = happens(random, 0.35)
    return replace(good, error_after_seconds=0.0 if at_once else length * random.uniform(0.02, 0.9))


def _api(good: Conditions, random: Random, _length: float) -> Conditions:
    failing = happens(random, 0.4)
    return replace(
        good,
        api_ms=around(random, 400.0 if failing else 2600.0, 0.35),
        api_fails=random.uniform(0.3, 0.9) if failing else 0.02,
    )


_SPOIL = {
    "fine": _fine,
    "left_early": _leaves,
    "patient_network": _poor_line,
    "slow_cdn": _slow_cdn,
    "slow_device": _slow_device,
    "player_error": _breaks,
    "our_api": _api,
}
