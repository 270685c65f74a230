"""How a view's events leave the browser: collected, sent twice, in the wrong order, hours later, or broken.

Invariant: nothing here changes what an event says or when it happened; broken events are additional ones.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from telemetry_platform.simulate.chance import happens, one_of
from telemetry_platform.simulate.events import Outgoing, Request
from telemetry_platform.simulate.mishaps import LATE
from telemetry_platform.simulate.people import ANALYTICS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from random import Random
    from uuid import UUID

    from telemetry_platform.simulate.people import Patient

_MISHAPS = {"": 91, "answer lost": 3, "reload": 2, "held up": 4}
_SENT_AGAIN_AFTER = {"answer lost": timedelta(seconds=3), "reload": timedelta(minutes=20)}
_HELD_UP = timedelta(seconds=45)
"""Longer than a frontend collects, so that later requests overtake."""
_AT_ONCE = frozenset({"session_start", "session_end", "error", "pause"})


def deliver(
    patient: Patient, session_number: int, events: list[Outgoing], random: Random, breakages: Iterable[str]
) -> list[Request]:
    """The requests of one view."""
    kept = events[1:] if len(events) > 1 and happens(random, 0.02) else events
    groups = collected(kept, patient.flush_ms)
    if patient.is_often_offline and happens(random, 0.6):
        return _sent_later(groups, session_number, random)
    requests = [
        Request(group[-1].at + timedelta(milliseconds=20), session_number, tuple(group), is_single=len(group) == 1)
        for group in groups
    ]
    return _disturbed(patient, requests, random, sorted(breakages))


def collected(events: list[Outgoing], flush_ms: int) -> list[list[Outgoing]]:
    """Events in groups, each sent when it is `flush_ms` old or when something important happens."""
    groups: list[list[Outgoing]] = []
    group: list[Outgoing] = []
    for event in events:
        group.append(event)
        if event.event in _AT_ONCE or event.at - group[0].at >= timedelta(milliseconds=flush_ms):
            groups.append(group)
            group = []
    return [*groups, group] if group else groups


def _sent_later(groups: list[list[Outgoing]], session_number: int, random: Random) -> list[Request]:
    """Without a network the browser keeps the whole view and sends it when there is one, newest first sometimes."""
    events = [event for group in groups for event in group]
    if happens(random, 0.5):
        events.reverse()
    moment = max(event.at for event in events) + timedelta(minutes=random.randrange(2, 25))
    return [Request(moment, session_number, tuple(events))]


def _disturbed(patient: Patient, requests: list[Request], random: Random, breakages: list[str]) -> list[Request]:
    """What goes wrong on the way: copies, overtaking, broken neighbours, contradictions."""
    found: list[Request] = []
    for request in requests:
        changed = request
        if request.events[0].level >= ANALYTICS and happens(random, 0.02):
            broken = replace(random.choice(request.events), broken=random.choice(breakages))
            changed = replace(request, events=(*request.events, broken), is_single=False)
        what = one_of(random, _MISHAPS)
        if what == "held up":
            changed = replace(changed, send_at=changed.send_at + _HELD_UP)
        elif what:
            found.append(replace(request, send_at=request.send_at + _SENT_AGAIN_AFTER[what]))
        found.append(changed)
    if patient.names_events and happens(random, 0.03):
        found += _contradiction(requests, random)
    return found


def _contradiction(requests: list[Request], random: Random) -> list[Request]:
    """A faulty frontend gives the id of an event that it has sent to another one."""
    beats = [(request, event) for request in requests for event in request.events if event.event == "heartbeat"]
    if not beats:
        return []
    request, beat = random.choice(beats)
    position = float(beat.data["position_seconds"]) + 1.0
    other = replace(beat, data={**beat.data, "position_seconds": position}, contradicts=True)
    return [Request(request.send_at + timedelta(minutes=22), request.session_number, (other,), is_single=True)]


def late_leftovers(patient: Patient, session_id: UUID, end: datetime, random: Random) -> list[Request]:
    """Heartbeats of a device that lay in a drawer for longer than events are taken."""
    level = patient.level_at(0)
    if level < ANALYTICS or not happens(random, 0.04):
        return []
    events = tuple(
        Outgoing(
            kind="media",
            key=f"drawer:{number}",
            event="heartbeat",
            org_id=patient.org_id,
            at=end - LATE + timedelta(seconds=10 * number),
            data={"position_seconds": 10.0 * number},
            level=level,
            session_id=session_id,
            media_id="knee-squat-2",
            derives_id=True,
            is_too_late=True,
        )
        for number in range(3)
    )
    return [Request(end - timedelta(minutes=1), 0, events)]
