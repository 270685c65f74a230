"""Which groups of a statistic an analyst may see.

A group stands for a person as soon as few enough are in it, whether it is printed or is what is left when the printed
ones are taken from a total. So both are held to one measure: five actors within one key epoch. Two epochs give one
person two pseudonyms, therefore counts of different epochs are never added up.

An actor's mark is 64 bits with the epoch in the high 16; rollups keep the five smallest of each epoch, and unions of
such marks still answer "are there five?" exactly.
"""

from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

FEWEST_ACTORS = 5
_EPOCH_SHIFT = 48


@dataclass(frozen=True)
class Group:
    """One line of an answer before anything is withheld. `n` is its exact count of rows."""

    key: str
    n: int
    marks: frozenset[int]


@dataclass(frozen=True)
class Disclosure:
    """The groups that may be shown, in the order given, and how many others there are."""

    shown: tuple[Group, ...]
    withheld: int


def largest_epoch_count(marks: AbstractSet[int]) -> int:
    """The largest number of different actors within one key epoch."""
    return max(Counter(mark >> _EPOCH_SHIFT for mark in marks).values(), default=0)


def has_enough_actors(marks: AbstractSet[int]) -> bool:
    """Whether these actors are too many to stand for one person."""
    return largest_epoch_count(marks) >= FEWEST_ACTORS


def round_down(count: int) -> int:
    """A count as analysts see it: down to a multiple of five, so that one more row does not show."""
    return count - count % FEWEST_ACTORS


def disclose(groups: Sequence[Group]) -> Disclosure:
    """Withhold small groups and, where these together are still few, the smallest other group beside them."""
    small = [group for group in groups if not has_enough_actors(group.marks)]
    withheld = {group.key for group in small}
    together: frozenset[int] = frozenset().union(*(group.marks for group in small))
    large = [group for group in groups if group.key not in withheld]
    if small and large and not has_enough_actors(together):
        withheld.add(min(large, key=lambda group: (group.n, group.key)).key)
    shown = tuple(group for group in groups if group.key not in withheld)
    return Disclosure(shown=shown, withheld=len(groups) - len(shown))
