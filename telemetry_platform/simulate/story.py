"""The story of some days: who watches what and when, and what each view must look like once it is stored.

Invariant: a story follows from (seed, patients, days, begin) alone. What patients do follows from the seed; ids follow
from the seed and `begin`, so that the same story can be told twice to one platform without being taken for re-sends.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, UUID, uuid5

from telemetry_platform.simulate.catalogue import CATALOGUE, Medium
from telemetry_platform.simulate.chance import chance, one_of
from telemetry_platform.simulate.delivery import Outgoing, Request, deliver, late_leftovers
from telemetry_platform.simulate.fates import fated
from telemetry_platform.simulate.people import ANALYTICS, Patient, make_patient
from telemetry_platform.simulate.views import watch

if TYPE_CHECKING:
    from datetime import datetime
    from random import Random

    from telemetry_platform.simulate.player import Lived, Player

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
class PatientStory:
    """What one patient's browser sends, in its order, and the views behind it."""

    patient: Patient
    requests: tuple[Request, ...]
    sessions: tuple[SessionTruth, ...]


def tell(seed: int, *, patients: int, days: int, begin: datetime) -> list[PatientStory]:
    """The stories of all patients, over `days` days from `begin` on."""
    return [_patient_story(seed, number, days, begin) for number in range(patients)]


@dataclass(frozen=True)
class _Visit:
    """One opening of a video: the `number`th of a patient."""

    patient: Patient
    number: int
    session_id: UUID
    medium: Medium
    started_at: datetime

    @property
    def level(self) -> int:
        """The consent level that counts for it."""
        return self.patient.level_at(self.number)


def _patient_story(seed: int, number: int, days: int, begin: datetime) -> PatientStory:
    patient = make_patient(seed, number)
    namespace = uuid5(NAMESPACE_URL, f"sim:{seed}:{begin.isoformat()}:{number}")
    random = chance(seed, "days", number)
    end = begin + timedelta(days=days)
    requests: list[Request] = []
    sessions: list[SessionTruth] = []
    free_at = begin
    for started_at in _starts(random, days, begin):
        if max(started_at, free_at) > end - _LONGEST_VIEW:
            break
        count = len(sessions)
        medium = random.choice(CATALOGUE)
        visit = _Visit(patient, count, uuid5(namespace, f"session:{count}"), medium, max(started_at, free_at))
        view = watch(patient, medium, chance(seed, "view", number, count))
        sent = deliver(patient, count, _events(visit, view), chance(seed, "delivery", number, count))
        requests += sent
        sessions.append(_session_truth(visit, view, sent))
        free_at = visit.started_at + timedelta(milliseconds=view.now_ms, minutes=1)
    requests += late_leftovers(patient, uuid5(namespace, "drawer"), end, chance(seed, "drawer", number))
    ordered = sorted(requests, key=lambda request: request.send_at)
    return PatientStory(patient, fated(ordered), tuple(sessions))


def _events(visit: _Visit, view: Player) -> list[Outgoing]:
    """What the player emitted, as events of the visit."""
    return [
        Outgoing(
            key=f"{visit.number}:{place}",
            session_id=visit.session_id,
            event_id=uuid5(visit.session_id, str(place)) if visit.patient.names_events else None,
            media_id=visit.medium.media_id,
            event=emitted.event,
            at=visit.started_at + timedelta(milliseconds=emitted.at_ms),
            data=emitted.data,
            level=visit.level,
        )
        for place, emitted in enumerate(view.events)
    ]


def _starts(random: Random, days: int, begin: datetime) -> list[datetime]:
    """When the patient opens a video: one to four times a day, mostly in the day's middle."""
    days_of_visits = [day for day in range(days) for _ in range(one_of(random, {1: 3, 2: 4, 3: 2, 4: 1}))]
    return sorted(begin + timedelta(days=day, seconds=random.triangular(0, 84_000, 43_000)) for day in days_of_visits)


def _session_truth(visit: _Visit, view: Player, sent: list[Request]) -> SessionTruth:
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
        stored_events=len({event.key for event in events}) if visit.level >= ANALYTICS else 0,
    )
