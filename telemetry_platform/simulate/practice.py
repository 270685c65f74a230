"""The clinics as the Core API sees them over the days: their patients' visits, their staff, and what it tells of both.

Invariant: staff follow from the seed and the number of patients; ids of events from the seed and `begin`, like those of
patients' stories.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, UUID, uuid5

from telemetry_platform.simulate.chance import chance
from telemetry_platform.simulate.devices import DEVICES, Device
from telemetry_platform.simulate.events import Outgoing, Row
from telemetry_platform.simulate.people import ORGANISATIONS
from telemetry_platform.simulate.places import Place, choose_place
from telemetry_platform.simulate.visits import milliseconds

if TYPE_CHECKING:
    from datetime import datetime

    from telemetry_platform.simulate.visits import Told, Visit

_PATIENTS_EACH = 14
"""Patients whom one member of staff looks after."""
_OFFICE = tuple(device for device in DEVICES if device.device_type == "desktop")


def right_clock(at: datetime) -> dict[str, Any]:
    """What a measurement's row says of a clock that was right."""
    return {"skewed": False, "client_at": milliseconds(at)}


@dataclass(frozen=True)
class StaffMember:
    """Somebody who works at a clinic, at a desk."""

    user_id: str
    org_id: str
    team_id: str
    device: Device
    place: Place
    address: str


@dataclass(frozen=True)
class Practice:
    """The days of all clinics, and how the Core API tells them: with right clocks."""

    namespace: UUID
    begin: datetime
    days: int
    visits: tuple[Visit, ...]
    staff: tuple[StaffMember, ...]

    def carer_of(self, visit: Visit) -> StaffMember:
        """Who looks after the patient of a visit."""
        own = [member for member in self.staff if member.org_id == visit.patient.org_id]
        return own[sum(visit.patient.user_id.encode()) % len(own)]

    def tell(self, told: Told, org_id: str) -> Outgoing:
        """The event of a service: always with an id, never with a wrong clock."""
        key = f"{told.kind}:{told.name}"
        return Outgoing(
            kind=told.kind,
            key=key,
            event=told.event,
            org_id=org_id,
            at=told.at,
            data=told.data,
            level=0,
            event_id=uuid5(self.namespace, key),
            rows={told.kind: Row({"occurred_at": milliseconds(told.at), **told.columns}, told.alike)},
        )


def make_practice(seed: int, begin: datetime, days: int, visits: tuple[Visit, ...], patients: int) -> Practice:
    """The clinics of a story."""
    namespace = uuid5(NAMESPACE_URL, f"sim:{seed}:{begin.isoformat()}:core")
    staff: list[StaffMember] = []
    for org_id, share in ORGANISATIONS.items():
        members = max(1, round(patients * share / sum(ORGANISATIONS.values()) / _PATIENTS_EACH))
        for number in range(members):
            random = chance(seed, "staff", org_id, number)
            place = choose_place(random)
            staff.append(
                StaffMember(
                    user_id=f"sim-staff-{seed}-{org_id.removeprefix('sim-clinic-')}-{number:03d}",
                    org_id=org_id,
                    team_id=f"team-{number % 3}",
                    device=random.choice(_OFFICE),
                    place=place,
                    address=place.address(random),
                )
            )
    return Practice(namespace, begin, days, visits, tuple(staff))
