"""Detection, decided purely: events of one group in time, an episode where they are too many, a step where it worsens.

A measure is taken at every moment at which something happened: the events, or their distinct values, of the window that
ends there. Where it reaches a threshold, that moment belongs to the episode nearby, or begins one.

Invariants: what is decided follows from the events' own times, never from when they are looked at; events that come
twice, or in another order, or in other batches, make no episode a second time; a step that was decided once is never
decided differently, so that it may be told again and again and stays one event.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from telemetry_platform.contracts.detection import LADDER, By
from telemetry_platform.contracts.episodes import Episode, Mark, Step

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from telemetry_platform.contracts.detection import Rule

_MOST_EPISODES = 64
_MOST_COUNTRIES = 10


def reached(rule: Rule, marks: Collection[Mark], since: int) -> list[Step]:
    """Every moment from `since` on at which a threshold is reached, in the order of time.

    `marks` are the events from `since` on with those of one window before them.
    """
    return [step for step in _steps(rule, marks) if step.at >= since]


def advanced(rule: Rule, steps: Iterable[Step], episodes: Sequence[Episode]) -> tuple[list[Episode], list[Episode]]:
    """All episodes of a group after these moments, and those of them that the moments belong to."""
    found = sorted(episodes, key=lambda episode: episode.began_at)
    touched: set[int] = set()
    for step in steps:
        place = next((place for place, episode in enumerate(found) if _is_near(rule, episode, step.at)), None)
        if place is None:
            found.append(Episode(step.at, step.at))
            place = len(found) - 1
        found[place] = _grown(found[place], step)
        touched.add(found[place].began_at)
    kept = sorted(found, key=lambda episode: episode.began_at)[-_MOST_EPISODES:]
    return kept, [episode for episode in kept if episode.began_at in touched]


def _is_near(rule: Rule, episode: Episode, moment: int) -> bool:
    """Whether what happens at a moment belongs to the episode."""
    return episode.began_at - rule.quiet_ms <= moment <= episode.last_at + rule.quiet_ms


def _grown(episode: Episode, step: Step) -> Episode:
    """The episode after one more moment; the step counts where it is worse than all before it."""
    grown = replace(episode, last_at=max(episode.last_at, step.at))
    if episode.steps and LADDER.index(step.severity) <= LADDER.index(episode.steps[-1].severity):
        return grown
    return replace(grown, steps=(*episode.steps, step))


def _steps(rule: Rule, marks: Collection[Mark]) -> Iterator[Step]:
    """Every moment at which a threshold is reached, in the order of time."""
    for at, first_at, measure, values in _measures(rule, sorted(set(marks))):
        severity = rule.severity_of(measure)
        if severity is not None:
            told = tuple(sorted(values)[:_MOST_COUNTRIES]) if rule.distinct is By.COUNTRY else ()
            yield Step(severity, at, first_at, measure, told)


def _measures(rule: Rule, marks: Sequence[Mark]) -> Iterator[tuple[int, int, int, Iterable[str]]]:
    """For each moment: itself, the first one of the window that ends with it, the measure, the distinct values.

    Events of one millisecond are one moment: nobody can say which of them came first.
    """
    values: Counter[str] = Counter()
    weight = begin = 0
    for at, together in groupby(marks, key=lambda mark: mark.at):
        for mark in together:
            weight += mark.weight
            if mark.value:
                values[mark.value] += 1
        while marks[begin].at <= at - rule.window_ms:
            gone = marks[begin]
            weight -= gone.weight
            if gone.value:
                values[gone.value] -= 1
                if not values[gone.value]:
                    del values[gone.value]
            begin += 1
        yield at, marks[begin].at, weight if rule.distinct is None else len(values), values
