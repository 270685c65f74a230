"""Bodies that move as MediaPipe sees them: sequences of 33 landmarks, in the coordinates of the picture.

Slow, chained movement (a foot goes where its knee takes it), a tracker's jitter of about a thousandth of the picture,
worse where it cannot see a joint, and visibilities that are nearly 1 or wander: what a recording looks like to a store.
Not noise and not constants, both of which compress as no recording does. Depth jitters three times as much as the
plane, as it does there.
Invariant: the same seed gives the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FRAMES_PER_SECOND = 30
JITTER = 1e-3
LANDMARKS = 33
_DEPTH_IS_WORSE = 3.0
_HIDDEN_IS_WORSE = 6.0
# Links of a standing body in the picture: landmark, what it hangs on, length (of the picture's height), resting angle
# (0 is down, in radians), depth, and how far exercise swings it.
_LINKS: tuple[tuple[int, int, float, float, float, float], ...] = (
    (13, 11, 0.14, 0.15, -0.05, 1.10),
    (14, 12, 0.14, -0.15, -0.05, -1.10),
    (15, 13, 0.12, 0.10, -0.15, 0.60),
    (16, 14, 0.12, -0.10, -0.15, -0.60),
    (17, 15, 0.03, 0.20, -0.18, 0.20),
    (18, 16, 0.03, -0.20, -0.18, -0.20),
    (19, 15, 0.04, 0.00, -0.19, 0.20),
    (20, 16, 0.04, 0.00, -0.19, -0.20),
    (21, 15, 0.025, -0.30, -0.17, 0.15),
    (22, 16, 0.025, 0.30, -0.17, -0.15),
    (25, 23, 0.20, 0.05, -0.02, 0.55),
    (26, 24, 0.20, -0.05, -0.02, -0.55),
    (27, 25, 0.19, 0.00, 0.15, -0.45),
    (28, 26, 0.19, 0.00, 0.15, 0.45),
    (29, 27, 0.03, -0.40, 0.17, 0.10),
    (30, 28, 0.03, 0.40, 0.17, -0.10),
    (31, 27, 0.06, 1.00, 0.02, 0.15),
    (32, 28, 0.06, -1.00, 0.02, -0.15),
)
# Where face, shoulders and hips are, from the middle of the hips: across, up, depth.
_TRUNK: dict[int, tuple[float, float, float]] = {
    0: (0.000, -0.400, -0.30),
    1: (0.010, -0.415, -0.28), 2: (0.017, -0.416, -0.28), 3: (0.023, -0.415, -0.28),
    4: (-0.010, -0.415, -0.28), 5: (-0.017, -0.416, -0.28), 6: (-0.023, -0.415, -0.28),
    7: (0.040, -0.405, -0.15), 8: (-0.040, -0.405, -0.15),
    9: (0.012, -0.375, -0.26), 10: (-0.012, -0.375, -0.26),
    11: (0.075, -0.300, -0.10), 12: (-0.075, -0.300, -0.10),
    23: (0.045, 0.000, 0.00), 24: (-0.045, 0.000, 0.00),
}  # fmt: skip


@dataclass(frozen=True)
class Sequence:
    """`points` has a row per frame, landmark and axis (x, y, z, visibility); NaN where a visibility is missing."""

    frame_numbers: NDArray[np.int64]
    offsets_ms: NDArray[np.int64]
    points: NDArray[np.float32]


def sequence(seed: int, frames: int, *, with_visibility: bool = True) -> Sequence:
    """One exercise of one person: repetitions with rests in between, in front of a camera that does not move."""
    random = np.random.default_rng(seed)
    numbers = np.arange(frames, dtype=np.int64)
    # A camera is never quite in time.
    offsets = np.round(numbers * 1000 / FRAMES_PER_SECOND + random.uniform(-3, 3, frames)).astype(np.int64)
    effort = _effort(random, offsets / 1000)
    visibility = _visibility(random, frames, effort)
    plane = _positions(random, offsets / 1000, effort)
    noise = random.normal(0, JITTER, plane.shape) * (1 + _HIDDEN_IS_WORSE * (1 - visibility[:, :, None]))
    noise[:, :, 2] *= _DEPTH_IS_WORSE
    seen = visibility if with_visibility else np.full_like(visibility, np.nan)
    points = np.concatenate([plane + noise, seen[:, :, None]], axis=2).astype(np.float32)
    return Sequence(numbers, np.maximum.accumulate(np.maximum(offsets, 0)), points)


def _effort(random: np.random.Generator, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far into a repetition the body is, from 0 to 1: no repetition is quite as long or as deep as another."""
    period = random.uniform(2.0, 5.0) * (1 + 0.05 * np.sin(2 * np.pi * seconds / random.uniform(20, 40)))
    depth = random.uniform(0.6, 1.0) * (1 + 0.1 * np.sin(2 * np.pi * seconds / random.uniform(11, 17)))
    swing = (1 - np.cos(2 * np.pi * seconds / period)) / 2
    resting = (seconds % 45.0) > 38.0  # noqa: PLR2004 - seven seconds of rest after every 38 of work
    return np.asarray(np.where(resting, 0.05, swing) * depth, np.float64)


def _positions(
    random: np.random.Generator, seconds: NDArray[np.float64], effort: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The true place of every landmark in every frame."""
    where = np.zeros((len(seconds), LANDMARKS, 3))
    sway = 0.01 * np.sin(2 * np.pi * seconds / random.uniform(3, 6))
    breath = 0.003 * np.sin(2 * np.pi * seconds / random.uniform(3, 5))
    drop = random.uniform(0.0, 0.12) * effort
    middle = random.uniform(0.4, 0.6) + sway, random.uniform(0.5, 0.58) + drop
    for landmark, (across, up, depth) in _TRUNK.items():
        where[:, landmark, 0] = middle[0] + across
        where[:, landmark, 1] = middle[1] + up + breath
        where[:, landmark, 2] = depth - 0.3 * drop
    for landmark, parent, length, rest, depth, swing in _LINKS:
        angle = rest + swing * random.uniform(0.3, 1.0) * effort
        where[:, landmark, 0] = where[:, parent, 0] + length * np.sin(angle)
        where[:, landmark, 1] = where[:, parent, 1] + length * np.cos(angle)
        where[:, landmark, 2] = depth + 0.2 * swing * effort
    return where


def _visibility(random: np.random.Generator, frames: int, effort: NDArray[np.float64]) -> NDArray[np.float64]:
    """Nearly 1 for most joints; a few are turned away from the camera, or leave the picture, and wander."""
    certainty = random.normal(7.0, 1.0, LANDMARKS)
    certainty[random.choice(LANDMARKS, 5, replace=False)] = random.uniform(-3.0, 1.5, 5)
    wander = np.cumsum(random.normal(0, 0.05, (frames, LANDMARKS)), axis=0)
    wander -= 0.5 * wander.mean(axis=0)
    logit = certainty + np.clip(wander, -2, 2) - 0.8 * effort[:, None]
    return np.asarray(1 / (1 + np.exp(-logit)), np.float64)
