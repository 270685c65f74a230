"""Episodes and their steps: the same for every order, every duplicate and every cut into batches."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_platform.contracts.detection import LADDER, RULES, By, Rule, Severity
from telemetry_platform.contracts.episodes import Episode, Mark, Step
from telemetry_platform.processing.detection import advanced, reached

if TYPE_CHECKING:
    import random

RULE = Rule(
    "guesses",
    "for these tests",
    ("auth.failed",),
    By.NETWORK,
    timedelta(seconds=60),
    ((Severity.LOW, 3), (Severity.MEDIUM, 6), (Severity.CRITICAL, 12)),
    quiet=timedelta(seconds=120),
)
DISTINCT = replace(RULE, distinct=By.ACCOUNT)
SECOND = 1_000
START = 1_771_322_400_000

moments = st.lists(st.integers(0, 900), min_size=1, max_size=60)


def marks(*seconds: float, weight: int = 1) -> list[Mark]:
    """Events at these seconds, each with an id of its own."""
    return [
        Mark(START + round(at * SECOND), f"event-{place}", weight, f"value-{place % 4}")
        for place, at in enumerate(seconds)
    ]


def looked_at(
    rule: Rule, known: list[Mark], episodes: list[Episode], since: int
) -> tuple[list[Episode], list[Episode]]:
    return advanced(rule, reached(rule, known, since), episodes)


def in_one(rule: Rule, found: list[Mark]) -> list[Episode]:
    return looked_at(rule, found, [], min(mark.at for mark in found))[0]


def in_batches(rule: Rule, batches: list[list[Mark]]) -> list[Episode]:
    """As the drain does it: everything that is known, and the new ones of each batch."""
    known: list[Mark] = []
    episodes: list[Episode] = []
    for batch in batches:
        known += batch
        episodes, _ = looked_at(rule, known, episodes, min(mark.at for mark in batch))
    return episodes


def severities(episode: Episode) -> list[Severity]:
    return [step.severity for step in episode.steps]


def test_below_the_threshold_nothing_begins() -> None:
    assert in_one(RULE, marks(0, 1)) == []
    assert in_one(RULE, marks(0, 30, 61, 92)) == []


def test_an_episode_begins_where_the_threshold_is_reached_and_says_since_when() -> None:
    (episode,) = in_one(RULE, marks(5, 10, 20))
    assert episode == Episode(
        START + 20 * SECOND,
        START + 20 * SECOND,
        (Step(Severity.LOW, START + 20 * SECOND, START + 5 * SECOND, 3),),
    )


def test_the_window_is_half_open_at_its_beginning() -> None:
    assert in_one(RULE, marks(0, 30, 60)) == []
    assert len(in_one(RULE, marks(0.001, 30, 60))) == 1


def test_one_episode_climbs_and_tells_each_severity_once() -> None:
    (episode,) = in_one(RULE, marks(*range(40)))
    assert severities(episode) == [Severity.LOW, Severity.MEDIUM, Severity.CRITICAL]
    assert [step.measure for step in episode.steps] == [3, 6, 12]


def test_what_comes_at_once_climbs_at_once() -> None:
    (episode,) = in_one(RULE, marks(0, weight=500))
    assert severities(episode) == [Severity.CRITICAL]


def test_an_episode_ends_after_the_quiet_period_and_not_before() -> None:
    burst = (0, 1, 2)
    assert len(in_one(RULE, marks(*burst, *(at + 100 for at in burst)))) == 1
    assert len(in_one(RULE, marks(*burst, *(at + 200 for at in burst)))) == 2


def test_distinct_values_are_counted_and_not_events() -> None:
    assert in_one(DISTINCT, [replace(mark, value="one") for mark in marks(*range(50))]) == []
    (episode,) = in_one(DISTINCT, marks(*range(50)))
    assert [(step.severity, step.measure) for step in episode.steps] == [(Severity.LOW, 3)]


def test_a_value_that_left_the_window_is_not_counted() -> None:
    found = [replace(mark, value=f"value-{place}") for place, mark in enumerate(marks(0, 70, 140, 210))]
    assert in_one(DISTINCT, found) == []


def test_countries_are_named() -> None:
    rule = replace(RULE, distinct=By.COUNTRY, thresholds=((Severity.MEDIUM, 2),))
    found = [Mark(START, "a", 1, "RO"), Mark(START + 1, "b", 1, "DE"), Mark(START + 2, "c", 1, "RO")]
    (episode,) = in_one(rule, found)
    assert episode.steps[0].values == ("DE", "RO")


@given(moments, st.randoms(use_true_random=False))
def test_order_within_a_batch_and_copies_change_nothing(seconds: list[int], chance: random.Random) -> None:
    found = marks(*seconds)
    mixed = [*found, *chance.choices(found, k=len(found) // 2)]
    chance.shuffle(mixed)
    for rule in (RULE, DISTINCT):
        assert in_one(rule, mixed) == in_one(rule, found)


@given(moments, st.lists(st.integers(1, 10), min_size=1, max_size=30))
def test_however_it_is_cut_into_batches_the_episodes_are_the_same(seconds: list[int], sizes: list[int]) -> None:
    found = sorted(marks(*seconds))
    batches: list[list[Mark]] = []
    rest = found
    for size in [*sizes, len(found)]:
        if rest:
            batches.append(rest[:size])
            rest = rest[size:]
    # Events of one millisecond in two batches are one moment that grows: what it was before was told already.
    if any(one[-1].at == other[0].at for one, other in pairwise(batches)):
        return
    for rule in (RULE, DISTINCT):
        assert in_batches(rule, batches) == in_one(rule, found)


@given(moments, st.integers(1, 20))
def test_a_batch_that_is_looked_at_again_changes_nothing_and_tells_the_same(seconds: list[int], size: int) -> None:
    found = sorted(marks(*seconds))
    before, batch = found[:-size], found[-size:]
    episodes = in_one(RULE, before) if before else []
    since = batch[0].at
    after, told = looked_at(RULE, found, episodes, since)
    again, told_again = looked_at(RULE, found, after, since)
    assert again == after
    assert {(one.began_at, step) for one in told for step in one.steps} <= {
        (one.began_at, step) for one in told_again for step in one.steps
    }


@given(moments, st.randoms(use_true_random=False))
def test_late_events_lose_no_episode_and_change_no_step_that_was_told(
    seconds: list[int], chance: random.Random
) -> None:
    found = marks(*seconds)
    chance.shuffle(found)
    told: dict[tuple[int, Severity], Step] = {}
    known: list[Mark] = []
    episodes: list[Episode] = []
    for mark in found:
        known.append(mark)
        episodes, _ = looked_at(RULE, known, episodes, mark.at)
        for episode in episodes:
            for step in episode.steps:
                assert told.setdefault((episode.began_at, step.severity), step) == step
    for right in in_one(RULE, found):
        for step in right.steps:
            near = [one for one in episodes if one.began_at - RULE.quiet_ms <= step.at <= one.last_at + RULE.quiet_ms]
            assert near
            assert max(LADDER.index(severities(one)[-1]) for one in near) >= LADDER.index(step.severity)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_can_begin_climb_and_end(rule: Rule) -> None:
    for severity, least in rule.thresholds:
        found = [Mark(START + place, f"event-{place}", 1, f"value-{place}") for place in range(least)]
        (episode,) = in_one(rule, found)
        assert (severities(episode)[-1], len(episode.steps)) == (severity, severities(episode).index(severity) + 1)
    assert in_one(rule, found[: rule.thresholds[0][1] - 1]) == []
