"""One opening of a video by a patient, and events told of it with all that is known of their sender.

Invariant: `origin` says what must rest of where an event came from, told from the patient's place and device.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from telemetry_platform.simulate.events import Outgoing, Row

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry_platform.simulate.catalogue import Medium
    from telemetry_platform.simulate.devices import Device
    from telemetry_platform.simulate.people import Patient
    from telemetry_platform.simulate.places import Place

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PREFIX = {4: 24, 6: 48}


def milliseconds(moment: datetime) -> int:
    """Since 1970, as a clock that shows milliseconds tells it."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


@lru_cache(maxsize=4096)
def cut(address: str) -> str:
    """What may rest of an address."""
    found = ip_address(address)
    return str(ip_network((found, _PREFIX[found.version]), strict=False).network_address)


def whereabouts(place: Place, address: str) -> dict[str, Any]:
    """What must rest of where somebody was."""
    return {
        "ip_truncated": cut(address),
        "country_code": place.country,
        "region": f"{place.country}-{place.region}",
    }


def equipment(device: Device) -> dict[str, Any]:
    """What must rest of what somebody used."""
    return {
        "device_type": device.device_type,
        "browser_family": device.browser,
        "os_family": device.system,
        "is_bot": device.is_bot,
    }


@dataclass(frozen=True)
class Told:
    """What a teller says of an event; the visit adds whose it is and from where."""

    kind: str
    name: str
    at: datetime
    data: Mapping[str, Any]
    columns: Mapping[str, Any]
    alike: Mapping[str, str] = field(default_factory=dict)
    event: str = ""
    needs: int = 0
    session_id: UUID | None = None


@dataclass(frozen=True)
class Visit:
    """The `number`th opening of a video by a patient."""

    patient: Patient
    number: int
    session_id: UUID
    medium: Medium
    started_at: datetime
    ended_at: datetime

    @property
    def level(self) -> int:
        """The consent level that counts for it."""
        return self.patient.level_at(self.number)

    @property
    def web_session_id(self) -> UUID:
        """The visit to the app, of which the view is a part."""
        return uuid5(self.session_id, "web")

    def origin(self, at: datetime) -> dict[str, Any]:
        """What must rest of where an event came from, and when it happened by which clock."""
        patient = self.patient
        offset = patient.clock.offset_ms
        return {
            **whereabouts(patient.place, patient.address),
            **equipment(patient.device),
            "consent_level": self.level,
            "skewed": offset != 0,
            "client_at": milliseconds(at + timedelta(milliseconds=offset)),
            "occurred_at": milliseconds(at),
        }

    def tell(self, told: Told) -> Outgoing:
        """The event, with an id when the frontend gives ids."""
        patient = self.patient
        columns = self.origin(told.at) | dict(told.columns)
        if told.session_id is not None:
            columns["session_id"] = str(told.session_id)
        return Outgoing(
            kind=told.kind,
            key=f"{told.kind}:{self.number}:{told.name}",
            event=told.event,
            org_id=patient.org_id,
            at=told.at,
            data=told.data,
            level=self.level,
            event_id=uuid5(self.session_id, f"{told.kind}:{told.name}") if patient.names_events else None,
            session_id=told.session_id,
            rows={told.kind: Row(columns, {"actor_hash": f"actor:{patient.user_id}", **told.alike})},
            drop=patient.refusal(self.number, told.needs),
        )
