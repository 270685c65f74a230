"""What the Core API sends of everybody's days: batches of each kind in the order of time, and what goes wrong.

Invariant: each kind is a sender's story of its own, so that their order of arrival does not matter.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from telemetry_platform.simulate.chance import chance
from telemetry_platform.simulate.events import Outgoing, Request
from telemetry_platform.simulate.fates import fated
from telemetry_platform.simulate.mishaps import planted
from telemetry_platform.simulate.practice import make_practice
from telemetry_platform.simulate.senders import Service
from telemetry_platform.simulate.story import PatientStory, Story
from telemetry_platform.simulate.tellers.all import BREAKAGES, CONTRADICTIONS, OF_SERVICES, SIMULATED

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

_BATCHES, _LARGEST = 30, 250
"""Batches that a kind's days are cut into, so that every mishap has its turn, but none above the second figure."""
_SENT_AFTER = timedelta(seconds=2)


def tell_core(
    seed: int, stories: Sequence[PatientStory], *, days: int, begin: datetime, kinds: Collection[str] = SIMULATED
) -> list[Story]:
    """The Core API's stories of these patients' days."""
    visits = tuple(visit for story in stories for visit in story.visits)
    practice = make_practice(seed, begin, days, visits, len(stories))
    found: list[Story] = []
    for kind in sorted(OF_SERVICES.keys() & set(kinds)):
        events = sorted(OF_SERVICES[kind](practice, chance(seed, kind)), key=lambda event: (event.at, event.key))
        requests = planted(_batches(events), breakages=BREAKAGES[kind], contradict=CONTRADICTIONS[kind])
        found.append(Story(Service(), fated(sorted(requests, key=lambda request: request.send_at))))
    return found


def _batches(events: list[Outgoing]) -> list[Request]:
    size = min(_LARGEST, max(1, len(events) // _BATCHES))
    groups = [events[start : start + size] for start in range(0, len(events), size)]
    return [Request(group[-1].at + _SENT_AFTER, 0, tuple(group)) for group in groups]
