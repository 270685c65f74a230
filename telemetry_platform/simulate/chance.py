"""Where the simulator's chance comes from: one source for each thing, so that nothing disturbs the draws of another.

Invariant: the same seed and names give the same draws on every machine and in every process.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")


def chance(seed: int, *names: object) -> Random:
    """The source of chance of one thing; nothing else draws from it."""
    return Random(":".join(map(str, (seed, *names))))  # noqa: S311 - a story that can be told again, no secret


def happens(random: Random, share: float) -> bool:
    """Whether something happens that does so in `share` of all cases."""
    return random.random() < share


def one_of(random: Random, shares: Mapping[T, float]) -> T:
    """One of the keys, by their shares."""
    return random.choices(list(shares), list(shares.values()))[0]
