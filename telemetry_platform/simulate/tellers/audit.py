"""What the Core API writes to the audit trail: sign-ins, staff who look at a patient, changes of plans, backups.

Details hold what they must not: notes with e-mails. Who acts, and a patient who is looked at, have one pseudonym.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from telemetry_platform.simulate.breakages import NO_ZONE, Breakage, says, without
from telemetry_platform.simulate.chance import happens
from telemetry_platform.simulate.senders import CORE_ORG
from telemetry_platform.simulate.visits import Told, whereabouts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from random import Random

    from telemetry_platform.simulate.events import Outgoing
    from telemetry_platform.simulate.people import Patient
    from telemetry_platform.simulate.practice import Practice, StaffMember
    from telemetry_platform.simulate.visits import Visit

KIND = "audit"
BREAKAGES: Mapping[str, Breakage] = {
    "actor_of_no_type": says("actor_type", "ghost"),
    "details_are_a_list": says("details", ["plan"]),
    "no_outcome": without("outcome"),
    "raw_path": says("route", "/v1/patients/4711"),
    "zoneless": NO_ZONE,
}
_PRODUCER = "core-api-0"


def tell(practice: Practice, random: Random) -> list[Outgoing]:
    """The trail of the days, numbered by the process that made it."""
    events = [event for visit in practice.visits for event in _of_visit(practice, visit, random)]
    for day in range(practice.days):
        said = {"actor_type": "system", "action": "backup.made", "resource_type": "database", "outcome": "success"}
        nowhere = {"ip_truncated": None, "country_code": None, "region": None}
        at = practice.begin + timedelta(days=day, hours=3)
        told = Told(KIND, f"backup:{day}", at, said, {**said, **nowhere, "actor_hash": ""})
        events.append(practice.tell(told, CORE_ORG))
    events.sort(key=lambda event: (event.at, event.key))
    return [
        replace(event, data={**event.data, "producer": _PRODUCER, "producer_seq": number})
        for number, event in enumerate(events, start=1)
    ]


def contradict(event: Outgoing) -> Outgoing:
    """Another outcome."""
    return replace(event, data={**event.data, "outcome": "failure"})


def _of_visit(practice: Practice, visit: Visit, random: Random) -> list[Outgoing]:
    patient, carer = visit.patient, practice.carer_of(visit)
    sign_in = _by(patient, "patient", "auth.sign_in", ("POST", "/v1/auth/session", 201))
    sign_in |= {"resource_type": "session", "resource_id": str(visit.web_session_id)}
    told = [_told(f"{visit.session_id}:sign_in", visit.started_at - timedelta(seconds=30), sign_in, patient)]
    if happens(random, 0.5):
        read = _by(carer, "staff", "patient.read", ("GET", "/v1/patients/{patient_id}", 200))
        read |= {"resource_type": "patient", "resource_id": patient.user_id, "details": {"fields": ["plan", "diary"]}}
        if happens(random, 0.05):
            read |= {"status_code": 403, "outcome": "denied"}
        told.append(_told(f"{visit.session_id}:read", visit.ended_at + timedelta(minutes=4), read, carer))
    if happens(random, 0.12):
        change = _by(carer, "staff", "plan.update", ("PATCH", "/v1/plans/{plan_id}", 200))
        note = f"agreed with {patient.user_id}@example.org"
        details = {"before": {"sets": 2}, "after": {"sets": 3}, "note": note}
        change |= {"resource_type": "plan", "resource_id": f"plan-of-{patient.user_id}", "details": details}
        told.append(_told(f"{visit.session_id}:plan", visit.ended_at + timedelta(minutes=6), change, carer))
    return [practice.tell(each, patient.org_id) for each in told]


def _by(who: Patient | StaffMember, actor_type: str, action: str, request: tuple[str, str, int]) -> dict[str, Any]:
    """An action of somebody, with the address and the agent that the Core API saw."""
    method, route, status = request
    return {
        "actor_id": who.user_id,
        "actor_type": actor_type,
        "action": action,
        "method": method,
        "route": route,
        "status_code": status,
        "outcome": "success",
        "client_address": who.address,
        "user_agent": who.device.user_agent,
    }


def _told(name: str, at: datetime, data: dict[str, Any], who: Patient | StaffMember) -> Told:
    kept = ("actor_type", "action", "resource_type", "method", "status_code", "outcome")
    device = who.device.seems or who.device.device_type
    columns = {key: data[key] for key in kept} | {"path": data["route"], "device_type": device}
    columns["details"] = _scrubbed(data.get("details"))
    person = data["resource_type"] == "patient"
    alike = {
        "actor_hash": f"audit_actor:{who.user_id}",
        "resource_id_hash": f"{'audit_actor' if person else 'resource'}:{data['resource_id']}",
    }
    return Told(KIND, name, at, data, columns | whereabouts(who.place, who.address), alike)


def _scrubbed(details: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """What must rest of details: the note without the e-mail at its end."""
    if details is None or "note" not in details:
        return details
    words = str(details["note"]).rpartition(" ")[0]
    return {**details, "note": f"{words} [email]"}
