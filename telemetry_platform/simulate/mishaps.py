"""What goes wrong on the way, for every kind: copies, contradictions, broken neighbours, what comes too late.

Invariant: nothing here changes what an event says or when it happened; what is broken, late or contradicts is added.
Media events have ways of their own on top (`delivery.py`): their order is what sessions are folded from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid5

from telemetry_platform.simulate.chance import happens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from random import Random

    from telemetry_platform.simulate.events import Outgoing, Request

LATE = timedelta(days=8)
_LOST, _RELOADED, _LATER = timedelta(seconds=3), timedelta(minutes=20), timedelta(minutes=22)


@dataclass(frozen=True)
class Mishaps:
    """How often each happens, as a share of requests; the share of doubles is of events."""

    answer_lost: float = 0.03
    reloaded: float = 0.02
    doubled: float = 0.01
    contradicted: float = 0.006
    broken: float = 0.03
    too_late: float = 0.01


def disturbed(  # noqa: PLR0913 - what a kind says of its mishaps, by name
    requests: list[Request],
    random: Random,
    *,
    breakages: Iterable[str],
    contradict: Callable[[Outgoing], Outgoing],
    shares: Mishaps,
    late: Callable[[Outgoing], Outgoing] = lambda event: event,
) -> list[Request]:
    """The requests with what goes wrong on their way; `late` is what else tells a late event from its neighbour."""
    names = sorted(breakages)
    found: list[Request] = []
    for request in requests:
        events: list[Outgoing] = []
        for event in request.events:
            events.append(event)
            if happens(random, shares.doubled):
                events.append(event)
        if happens(random, shares.broken):
            events.append(replace(random.choice(request.events), broken=random.choice(names)))
        if happens(random, shares.too_late):
            events.append(late(_too_late(random.choice(request.events))))
        changed = _with(request, events)
        found.append(changed)
        if happens(random, shares.answer_lost):
            found.append(replace(changed, send_at=request.send_at + _LOST))
        if happens(random, shares.reloaded):
            found.append(replace(request, send_at=request.send_at + _RELOADED))
        if happens(random, shares.contradicted):
            event = random.choice(request.events)
            if event.is_recognised:
                found.append(_contradiction(request, event, contradict))
    return found


def planted(
    requests: list[Request], *, breakages: Iterable[str], contradict: Callable[[Outgoing], Outgoing]
) -> list[Request]:
    """The requests with a mishap each, in turn: a service sends few and large ones, so that chance would miss some."""
    names = sorted(breakages)
    found: list[Request] = []
    for number, request in enumerate(requests):
        turn, events = number % 6, list(request.events)
        if turn == 0:
            events.append(replace(events[0], broken=names[number // 6 % len(names)]))
        elif turn == 1:
            events.append(events[0])
        elif turn == 2:  # noqa: PLR2004 - a turn
            events.append(_too_late(events[0]))
        found.append(_with(request, events))
        if turn == 3:  # noqa: PLR2004 - a turn
            # The whole batch again, since its answer was lost.
            found.append(replace(request, send_at=request.send_at + _LOST))
        elif number == 4:  # noqa: PLR2004 - a turn, once: more would be an incident, and a check says so
            found.append(_contradiction(request, events[-1], contradict))
    return found


def _with(request: Request, events: list[Outgoing]) -> Request:
    return replace(request, events=tuple(events), is_single=request.is_single and len(events) == 1)


def _contradiction(request: Request, event: Outgoing, contradict: Callable[[Outgoing], Outgoing]) -> Request:
    """A faulty sender gives the id of an event that it has sent to another one."""
    other = replace(contradict(event), contradicts=True)
    return replace(request, send_at=request.send_at + _LATER, events=(other,), is_single=False)


def _too_late(event: Outgoing) -> Outgoing:
    """Another event of the same sender, from a device that lay in a drawer."""
    event_id = None if event.event_id is None else uuid5(event.event_id, "late")
    return replace(event, key=f"{event.key}:late", event_id=event_id, at=event.at - LATE, is_too_late=True)
