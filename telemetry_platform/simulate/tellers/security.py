"""What the Core API saw of attacks: sign-ins that failed, and once a day somebody who guesses passwords.

Nobody is known of who guesses; their address is one pseudonym, so that what they did can be put together.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from telemetry_platform.simulate.breakages import NO_ZONE, Breakage, says, without
from telemetry_platform.simulate.chance import happens
from telemetry_platform.simulate.places import choose_place
from telemetry_platform.simulate.senders import CORE_ORG
from telemetry_platform.simulate.visits import Told, whereabouts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from random import Random

    from telemetry_platform.simulate.events import Outgoing
    from telemetry_platform.simulate.places import Place
    from telemetry_platform.simulate.practice import Practice

KIND = "security"
BREAKAGES: Mapping[str, Breakage] = {
    "no_id": without("event_id"),
    "no_type": without("type"),
    "rule_is_an_address": says("rule_id", "198.18.0.1"),
    "severity_of_no_kind": says("severity", "terrible"),
    "zoneless": NO_ZONE,
}
_GUESSES = 120
_PRODUCER = "core-api-0"


def tell(practice: Practice, random: Random) -> list[Outgoing]:
    """Everything that was seen, numbered by the process that saw it."""
    events: list[Outgoing] = []
    for visit in practice.visits:
        if happens(random, 0.08):
            patient = visit.patient
            data = _failed("low", patient.address, patient.device.user_agent) | {"actor_id": patient.user_id}
            at = visit.started_at - timedelta(seconds=45)
            told = _told(f"{visit.session_id}:sign_in", at, data, patient.place, patient.device.browser)
            events.append(practice.tell(told, patient.org_id))
    for day in range(practice.days):
        place = choose_place(random)
        address = place.address(random)
        began = practice.begin + timedelta(days=day, hours=random.randrange(2, 20))
        for guess in range(_GUESSES):
            data = _failed("high", address, "python-requests/2.32.3")
            data |= {"rule_id": "password_guessing", "details": {"attempt": guess + 1}}
            told = _told(f"guess:{day}:{guess}", began + timedelta(milliseconds=700 * guess), data, place, "other")
            events.append(practice.tell(told, CORE_ORG))
    events.sort(key=lambda event: (event.at, event.key))
    return [
        replace(event, data={**event.data, "producer": _PRODUCER, "producer_seq": number})
        for number, event in enumerate(events, start=1)
    ]


def contradict(event: Outgoing) -> Outgoing:
    """Another severity."""
    return replace(event, data={**event.data, "severity": "critical"})


def _failed(severity: str, address: str, agent: str) -> dict[str, Any]:
    return {
        "type": "auth.failed",
        "severity": severity,
        "method": "POST",
        "route": "/v1/auth/session",
        "client_address": address,
        "user_agent": agent,
    }


def _told(name: str, at: datetime, data: dict[str, Any], place: Place, browser: str) -> Told:
    kept = ("type", "severity", "method", "rule_id", "details")
    columns = {key: data[key] for key in kept if key in data} | {"path": data["route"], "user_agent_family": browser}
    where = whereabouts(place, data["client_address"])
    del where["region"]
    alike = {"address_hash": f"address:{data['client_address']}"}
    if "actor_id" in data:
        alike["actor_hash"] = f"actor:{data['actor_id']}"
    else:
        columns["actor_hash"] = ""
    return Told(KIND, name, at, data, columns | where, alike)
