"""The story of some days: who watches what and when, what their apps say of it, and what must be stored of each view.

Invariant: a story follows from (seed, patients, days, begin) alone; which kinds are told changes nothing of the others.
What patients do follows from the seed; ids follow from the seed and `begin`, so that the same story can be told twice
to one platform without being taken for re-sends.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, UUID, uuid5

from telemetry_platform.simulate.catalogue import CATALOGUE, Medium
from telemetry_platform.simulate.chance import chance, one_of
from telemetry_platform.simulate.delivery import deliver, late_leftovers
from telemetry_platform.simulate.fates import fated
from telemetry_platform.simulate.people import Patient, make_patient
from telemetry_platform.simulate.tellers import media
from telemetry_platform.simulate.tellers.all import BREAKAGES, OF_VISITS, SIMULATED
from telemetry_platform.simulate.views import watch
from telemetry_platform.simulate.visits import Visit

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from random import Random

    from telemetry_platform.simulate.events import Request
    from telemetry_platform.simulate.player import Lived, Player
    from telemetry_platform.simulate.senders import Sender

MAX_DAYS = 6
"""Events older than seven days are refused as too late; one day is kept as a margin."""
_LONGEST_VIEW = timedelta(minutes=30)


@dataclass(frozen=True)
class SessionTruth:
    """One view as it was lived, and how many of its distinct events must be stored (0: no session row)."""

    session_id: UUID
    patient: Patient
    medium: Medium
    level: int
    started_at: datetime
    lived: Lived
    stored_events: int


@dataclass(frozen=True)
class Story:
    """What one sender sends, in its order."""

    sender: Sender
    requests: tuple[Request, ...]


@dataclass(frozen=True)
class PatientStory(Story):
    """What one patient's browser sends, and the visits and views behind it."""

    patient: Patient
    sessions: tuple[SessionTruth, ...]
    visits: tuple[Visit, ...]


def tell(
    seed: int, *, patients: int, days: int, begin: datetime, kinds: Collection[str] = SIMULATED
) -> list[PatientStory]:
    """The stories of all patients, over `days` days from `begin` on, as far as these kinds tell them."""
    return [_patient_story(seed, number, days, begin, kinds) for number in range(patients)]


def _patient_story(seed: int, number: int, days: int, begin: datetime, kinds: Collection[str]) -> PatientStory:
    patient = make_patient(seed, number)
    namespace = uuid5(NAMESPACE_URL, f"sim:{seed}:{begin.isoformat()}:{number}")
    random = chance(seed, "days", number)
    end = begin + timedelta(days=days)
    requests: list[Request] = []
    sessions: list[SessionTruth] = []
    visits: list[Visit] = []
    free_at = begin
    for started_at in _starts(random, days, begin):
        if max(started_at, free_at) > end - _LONGEST_VIEW:
            break
        count = len(visits)
        medium = random.choice(CATALOGUE)
        view = watch(patient, medium, chance(seed, "view", number, count))
        began = max(started_at, free_at)
        ended = began + timedelta(milliseconds=view.now_ms)
        visit = Visit(patient, count, uuid5(namespace, f"session:{count}"), medium, began, ended)
        visits.append(visit)
        if media.KIND in kinds:
            ways = chance(seed, "delivery", number, count)
            sent = deliver(patient, count, media.events_of(visit, view), ways, BREAKAGES[media.KIND])
            requests += sent
            sessions.append(_session_truth(visit, view, sent))
        for kind in sorted(OF_VISITS.keys() & set(kinds)):
            requests += OF_VISITS[kind](visit, chance(seed, kind, number, count))
        free_at = ended + timedelta(minutes=1)
    if media.KIND in kinds:
        requests += late_leftovers(patient, uuid5(namespace, "drawer"), end, chance(seed, "drawer", number))
    ordered = sorted(requests, key=lambda request: request.send_at)
    return PatientStory(patient, fated(ordered), patient, tuple(sessions), tuple(visits))


def _starts(random: Random, days: int, begin: datetime) -> list[datetime]:
    """When the patient opens a video: one to four times a day, mostly in the day's middle."""
    days_of_visits = [day for day in range(days) for _ in range(one_of(random, {1: 3, 2: 4, 3: 2, 4: 1}))]
    return sorted(begin + timedelta(days=day, seconds=random.triangular(0, 84_000, 43_000)) for day in days_of_visits)


def _session_truth(visit: Visit, view: Player, sent: list[Request]) -> SessionTruth:
    """What must be stored of a view: nothing without consent; without its start, nothing that the start would tell."""
    events = [event for request in sent for event in request.events if event.broken is None]
    lived = view.finish()
    if all(event.event != "session_start" for event in events):
        lived = replace(lived, started=False, ttfb_ms=None, startup_ms=None, completion=None)
    return SessionTruth(
        visit.session_id,
        visit.patient,
        visit.medium,
        visit.level,
        visit.started_at,
        lived,
        stored_events=len({event.key for event in events if not event.drop}),
    )
