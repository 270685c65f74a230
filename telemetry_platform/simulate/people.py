"""Patients: where they are, what they watch on, what they agreed to, and what their clock is worth.

Invariant: every id is synthetic and says so; the same seed gives the same patients, however many there are (each has a
source of chance of its own).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.simulate.chance import chance, happens, one_of
from telemetry_platform.simulate.devices import Device, choose_device
from telemetry_platform.simulate.places import Connection, Place, choose_connection, choose_place

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

ORGANISATIONS = {"sim-clinic-north": 5, "sim-clinic-south": 3, "sim-clinic-lake": 2}
ESSENTIAL = 1
ANALYTICS = 2
FULL = 3
POSE = "pose"
"""What a patient agrees to by name: that the camera's landmarks are kept. It is health data."""


@dataclass(frozen=True)
class Consent:
    """What the browser sends as X-Consent-Level, and the level that it means; `weight` is its share."""

    header: str | None
    level: int
    weight: float


CONSENTS = (
    Consent("2", 2, 58),
    Consent("3", 3, 24),
    Consent("1", 1, 8),
    Consent("0", 0, 3),
    Consent(None, 1, 4),  # a blocker that strips unknown headers
    Consent("full", 1, 2),  # an old frontend that sent names
    Consent("+3", 1, 1),  # a broken one; a lenient reader would take it for 3
)

_DAY_MS = 86_400_000
_OFFSETS_MS = (47 * 60_000, -47 * 60_000, 3 * 3_600_000, -26 * 3_600_000, -90_000, -20_000 * _DAY_MS)
"""The last is the clock of a television that was never set: it began in the seventies."""


@dataclass(frozen=True)
class Clock:
    """How far the device's clock is off, and whether its frontend says when it sent (`sent_at`)."""

    offset_ms: int = 0
    says_when_sent: bool = False


@dataclass(frozen=True)
class Patient:
    """One patient on one device. `flush_ms`: how long the frontend collects events before it sends them (0: not)."""

    user_id: str
    org_id: str
    device: Device
    place: Place
    connection: Connection
    address: str
    consent: Consent
    withdraws: bool
    sends_gpc: bool
    clock: Clock
    flush_ms: int
    names_events: bool
    is_often_offline: bool
    purposes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ("patient",)

    @property
    def max_touch_points(self) -> int | None:
        """What the browser says of its screen."""
        return self.device.max_touch_points

    def stated_at(self, session_number: int) -> int:
        """What is stated for a session: who withdraws does so after the first one."""
        return ESSENTIAL if self.withdraws and session_number > 0 else self.consent.level

    def level_at(self, session_number: int) -> int:
        """The level that counts for a session: the privacy signal caps what is stated."""
        stated = self.stated_at(session_number)
        return min(stated, ANALYTICS) if self.sends_gpc else stated

    def refusal(self, session_number: int, needs: int, purpose: str = "") -> str:
        """Why an event that needs this level and this purpose must be dropped; empty when it must be kept."""
        if self.level_at(session_number) >= needs:
            return "purpose_not_agreed" if purpose and purpose not in self.purposes else ""
        return "global_privacy_control" if self.stated_at(session_number) >= needs else "consent_too_low"

    def headers(self, session_number: int) -> Mapping[str, str]:
        """What the browser sends beside the event; the proxy adds the address."""
        found = {
            "User-Agent": self.device.user_agent,
            # The last hop is the proxy in front of the API; the one before is what the proxy saw.
            "X-Forwarded-For": self.address,
        }
        consent = str(ESSENTIAL) if self.withdraws and session_number > 0 else self.consent.header
        if consent is not None:
            found["X-Consent-Level"] = consent
        if self.sends_gpc:
            found["Sec-GPC"] = "1"
        return found


def make_patient(seed: int, number: int) -> Patient:
    """The `number`th patient of a seed."""
    random = chance(seed, "patient", number)
    device = choose_device(random)
    place = choose_place(random)
    return Patient(
        user_id=f"sim-patient-{seed}-{number:05d}",
        org_id=one_of(random, ORGANISATIONS),
        device=device,
        place=place,
        connection=choose_connection(random, is_fixed=device.device_type in {"desktop", "tv", "bot"}),
        address=place.address(random),
        consent=one_of(random, {consent: consent.weight for consent in CONSENTS}),
        withdraws=happens(random, 0.02),
        sends_gpc=happens(random, 0.06),
        clock=_clock(random),
        flush_ms=one_of(random, {0: 2, 10_000: 5, 30_000: 3}),
        names_events=happens(random, 0.75),
        is_often_offline=happens(random, 0.06),
        purposes=(POSE,) if happens(random, 0.7) else (),
    )


def _clock(random: Random) -> Clock:
    """Most clocks are right; a wrong one belongs to a frontend that says when it sent, or nobody could tell."""
    if happens(random, 0.1):
        return Clock(random.choice(_OFFSETS_MS), says_when_sent=True)
    return Clock(says_when_sent=happens(random, 0.5))
