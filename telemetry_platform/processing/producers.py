"""The numbers that producers gave their entries, and services their events, as runs: few even for a large batch.

Invariant: an entry without a producer is not numbered (a replayed dead letter); every other entry counts, whatever
becomes of it, because only an entry that never arrived is a loss.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from telemetry_platform.contracts.landing import RawEntries

Runs = list[tuple[int, int]]
"""First and last number of each run, ascending."""

_DIGITS = 15


def number_runs(entries: RawEntries) -> dict[str, Runs]:
    """For each producer the numbers that its entries carry."""
    return _by_name(entries.columns["producer"], entries.columns["producer_seq"])


def source_runs(entries: RawEntries) -> dict[str, Runs]:
    """For each process of a service the numbers that its events carry."""
    return _by_name(entries.columns["source"], entries.columns["source_seq"])


def _by_name(names: list[bytes], values: list[bytes]) -> dict[str, Runs]:
    numbers: dict[bytes, list[int]] = {}
    for producer, number in zip(names, values, strict=True):
        if producer and number.isdigit() and len(number) <= _DIGITS:
            numbers.setdefault(producer, []).append(int(number))
    return {producer.decode("utf-8", "replace"): _runs(found) for producer, found in numbers.items()}


def _runs(numbers: list[int]) -> Runs:
    distinct = np.unique(np.array(numbers, dtype=np.int64))
    ends = np.flatnonzero(np.diff(distinct) != 1)
    firsts = distinct[np.concatenate(([0], ends + 1))]
    lasts = distinct[np.concatenate((ends, [len(distinct) - 1]))]
    return [(int(first), int(last)) for first, last in zip(firsts, lasts, strict=True)]
