"""Which domains need their next key epoch, and from when on: pure, so that every clock and pause can be tried.

Invariants: an epoch is planned so early that every process knows it before it is active, and begins no earlier than the
lists that processes work with are old; a pause costs a longer epoch, never one in the past and never a hole.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from telemetry_platform.contracts.key_lives import LIVES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from telemetry_platform.contracts.pii import Domain

AHEAD = timedelta(days=3)
"""So long before an epoch ends its successor is added: a daily job may fail twice and nothing is late."""
OLDEST_LIST = timedelta(minutes=10)
MARGIN = timedelta(minutes=5)
"""Between planning and the commit that others see; clocks of machines differ, too."""


@dataclass(frozen=True)
class EpochSpan:
    """One epoch: from when to when new pseudonyms use it; None while no successor is known."""

    domain: Domain
    epoch: int
    active_from: datetime
    active_until: datetime | None


@dataclass(frozen=True)
class PlannedEpoch:
    """An epoch that is to be added."""

    domain: Domain
    epoch: int
    active_from: datetime


def lead(max_age_seconds: float) -> timedelta:
    """How long before it is active an epoch is added, where lists may be so old."""
    return max(OLDEST_LIST, timedelta(seconds=max_age_seconds)) + MARGIN


def plan(
    spans: Iterable[EpochSpan], now: datetime, lead_time: timedelta, early: Collection[Domain] = ()
) -> tuple[PlannedEpoch, ...]:
    """The epochs to add now. Domains in `early` get theirs as soon as can be, unless one waits already."""
    newest: dict[Domain, EpochSpan] = {}
    for span in spans:
        known = newest.get(span.domain)
        if known is None or span.epoch > known.epoch:
            newest[span.domain] = span
    planned = []
    for domain, life in LIVES.items():
        last = newest.get(domain)
        if last is None or last.active_from > now:
            continue
        soonest = _whole_second(now + lead_time)
        due = soonest if domain in early else life.end(last.active_from)
        if due - AHEAD <= now:
            planned.append(PlannedEpoch(domain, last.epoch + 1, max(due, soonest)))
    return tuple(planned)


def _whole_second(moment: datetime) -> datetime:
    """The next one: processes count in milliseconds, the database in microseconds."""
    return moment.replace(microsecond=0) + timedelta(seconds=1)
