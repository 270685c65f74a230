"""The numbers of producers as runs."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from telemetry_platform.processing.producers import number_runs, source_runs
from telemetry_platform_tests.processing.test_batches import media, raw


def test_entries_without_a_producer_are_not_numbered() -> None:
    entries = raw(media(1, producer="api-1", producer_seq=1), media(2), media(3, producer="api-1", producer_seq=3))
    assert number_runs(entries) == {"api-1": [(1, 1), (3, 3)]}


def test_services_and_api_processes_are_counted_apart() -> None:
    entries = raw(
        media(1, producer="api-1", producer_seq=1, source="core-api-1", source_seq=7),
        media(2, producer="api-1", producer_seq=2, source="core-api-2", source_seq=7),
        media(3, producer="api-1", producer_seq=3),
    )
    assert number_runs(entries) == {"api-1": [(1, 3)]}
    assert source_runs(entries) == {"core-api-1": [(7, 7)], "core-api-2": [(7, 7)]}


@given(numbers=st.lists(st.integers(1, 40), min_size=1, max_size=60))
def test_runs_hold_the_numbers_and_nothing_else(numbers: list[int]) -> None:
    runs = number_runs(raw(*(media(1, producer="api", producer_seq=number) for number in numbers)))["api"]
    assert [number for first, last in runs for number in range(first, last + 1)] == sorted(set(numbers))
    assert all(earlier[1] + 1 < later[0] for earlier, later in itertools.pairwise(runs))
