"""What the Core API measured of the requests that a visit made of it: ten each, as in the source, by route template.

Some requests are equal in every figure and differ in their ids alone: they are two requests.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid5

from telemetry_platform.simulate.breakages import NO_ZONE, Breakage, says, without
from telemetry_platform.simulate.chance import happens, one_of
from telemetry_platform.simulate.practice import right_clock
from telemetry_platform.simulate.senders import CORE_ORG
from telemetry_platform.simulate.visits import Told

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from random import Random

    from telemetry_platform.simulate.events import Outgoing
    from telemetry_platform.simulate.practice import Practice
    from telemetry_platform.simulate.visits import Visit

KIND = "api_metrics"
BREAKAGES: Mapping[str, Breakage] = {
    "duration_below_zero": says("duration_ms", -1.0),
    "no_id": without("event_id"),
    "raw_path": says("route", "/v1/patients/4711/plan"),
    "status_of_no_kind": says("status_code", 42),
    "zoneless": NO_ZONE,
}
_REQUESTS = (
    ("POST", "/v1/auth/session", 80.0),
    ("GET", "/v1/patients/{patient_id}/plan", 45.0),
    ("GET", "/v1/plans/{plan_id}/exercises", 60.0),
    ("GET", "/v1/exercises/{exercise_id}", 18.0),
    ("GET", "/v1/media/{media_id}/manifest", 25.0),
    ("POST", "/v1/sessions", 35.0),
    ("GET", "/v1/messages", 30.0),
    ("PUT", "/v1/diary/{day}", 50.0),
    ("GET", "/v1/notifications", 12.0),
    ("PATCH", "/v1/sessions/{session_id}", 28.0),
)
"""Method, template and median duration, in the order of a visit."""
_STATUS = {200: 95.0, 404: 2.0, 401: 1.0, 500: 1.5, 503: 0.5}
_HOURS_OF_A_DAY = 24


def tell(practice: Practice, random: Random) -> list[Outgoing]:
    """All requests of all visits, and a health check every hour that belongs to no clinic."""
    events = [event for visit in practice.visits for event in _of_visit(practice, visit, random)]
    for hour in range(practice.days * _HOURS_OF_A_DAY):
        at = practice.begin + timedelta(hours=hour)
        told = _told(f"health:{hour}", at, ("GET", "/health/ready", 2.0), 200, random)
        events.append(practice.tell(told, CORE_ORG))
    return events


def contradict(event: Outgoing) -> Outgoing:
    """Another duration."""
    return replace(event, data={**event.data, "duration_ms": event.data["duration_ms"] + 1.0})


def _of_visit(practice: Practice, visit: Visit, random: Random) -> list[Outgoing]:
    first, last = visit.started_at - timedelta(seconds=30), visit.ended_at
    events: list[Outgoing] = []
    for place, request in enumerate(_REQUESTS):
        at = first + (last - first) * place / len(_REQUESTS)
        told = _told(f"{visit.session_id}:{place}", at, request, one_of(random, _STATUS), random)
        event = practice.tell(told, visit.patient.org_id)
        events.append(event)
        if happens(random, 0.01) and event.event_id is not None:
            events.append(replace(event, key=f"{event.key}:twin", event_id=uuid5(event.event_id, "twin")))
    return events


def _told(name: str, at: datetime, request: tuple[str, str, float], status: int, random: Random) -> Told:
    method, route, median = request
    data = {
        "method": method,
        "route": route,
        "status_code": status,
        "duration_ms": round(median * random.lognormvariate(0, 0.5), 3),
        "response_bytes": random.randrange(200, 40_000),
        "instance": f"core-{random.randrange(3)}",
    }
    if method != "GET":
        data["request_bytes"] = random.randrange(80, 4_000)
    return Told(kind=KIND, name=name, at=at, data=data, columns=data | right_clock(at))
