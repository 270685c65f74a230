"""The scrubber on the labelled texts: what it promises without exception, and what it states that it does not do."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from telemetry_platform.processing.scrub import scrub
from telemetry_platform_tests.processing.labelled_texts import PROMISED, labelled

if TYPE_CHECKING:
    from telemetry_platform_tests.processing.labelled_texts import Labelled

PAGE = Path(__file__).parents[2] / "docs" / "scrubbing.md"
ALL = [one for file in PROMISED for one in labelled(file)]
STATED_MISSES, STATED_FALSE_POSITIVES = labelled("stated_misses"), labelled("stated_false_positives")


def _name(one: Labelled) -> str:
    return f"{one.label}-{one.text[:40]}"


@pytest.mark.parametrize("one", ALL, ids=_name)
def test_what_must_vanish_vanishes_and_what_must_stay_stays(one: Labelled) -> None:
    clean = scrub(one.text)
    assert (one.missed(clean), one.lost(clean)) == ((), ()), clean


@pytest.mark.parametrize("one", STATED_MISSES, ids=_name)
def test_what_is_stated_as_missed_is_missed(one: Labelled) -> None:
    # Once it is found, it belongs among the promises, and out of the page.
    assert one.missed(scrub(one.text))


@pytest.mark.parametrize("one", STATED_FALSE_POSITIVES, ids=_name)
def test_what_is_stated_as_a_false_positive_is_one(one: Labelled) -> None:
    assert one.lost(scrub(one.text))


@pytest.mark.parametrize("one", [*ALL, *STATED_MISSES, *STATED_FALSE_POSITIVES], ids=_name)
def test_what_was_scrubbed_stays_as_it_is(one: Labelled) -> None:
    clean = scrub(one.text)
    assert scrub(clean) == clean


def test_texts_that_people_and_programs_write_are_never_given_up_as_a_whole() -> None:
    assert [one.text for one in ALL if scrub(one.text) == "[text]"] == []


def test_the_page_states_what_is_measured() -> None:
    counts = Counter(one.label for one in ALL)
    missed = Counter(one.label for one in ALL if one.missed(scrub(one.text)))
    lost = Counter(one.label for one in ALL if one.lost(scrub(one.text)))
    for label, found in (("cannot_be_seen", STATED_MISSES), ("looks_personal", STATED_FALSE_POSITIVES)):
        counts[label] = len(found)
        missed[label] = sum(bool(one.missed(scrub(one.text))) for one in found)
        lost[label] = sum(bool(one.lost(scrub(one.text))) for one in found)
    measured = {label: (counts[label], missed[label], lost[label]) for label in counts}
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (\d+) \| (\d+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {label: tuple(map(int, figures)) for label, *figures in rows} == measured
    assert sum(counts.values()) >= 300
