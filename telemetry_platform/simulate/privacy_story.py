"""Three people whose privacy is at stake: one behind an excluded network, one who withdraws, one who is erased.

They have a tenant of their own, so that everything of them can be counted. Invariant: what must become of an event
follows from the story, and is compared with the API's answer here and with the tables by whoever tells it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx

from telemetry_platform.errors import TransientError
from telemetry_platform.simulate.people import Clock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry_platform.simulate.tokens import Signer

ORG = "sim-privacy"
EXCLUDED_NETWORKS = ("198.19.7.0/24", "2001:db8:ee07::/48")
"""Set aside for benchmarks and documentation, and no simulated patient's."""
_EXCLUDED_ADDRESSES = ("198.19.7.77", "::ffff:198.19.7.78", "2001:db8:ee07::9")
_ADDRESS = "198.19.9.9"
_MEDIA, _ERRORS = "/v1/media/events", "/v1/errors/report"
_TIMEOUT = 30.0


@dataclass(frozen=True)
class Person:
    """Somebody with a token. Synthetic, and says so."""

    user_id: str
    roles: tuple[str, ...] = ("patient",)
    purposes: tuple[str, ...] = ()
    org_id: str = ORG
    clock: Clock = field(default_factory=Clock)
    max_touch_points: int | None = None
    address: str = _ADDRESS
    level: int = 3

    def headers(self, session_number: int) -> Mapping[str, str]:  # noqa: ARG002 - the signature of Sender
        """What the browser and the proxy send beside an event."""
        return {
            "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "X-Forwarded-For": self.address,
            "X-Consent-Level": str(self.level),
        }


OFFICER = Person("sim-officer", roles=("compliance",))


@dataclass
class View:
    """One opening of a video: its session, which goes on as long as somebody watches."""

    person: Person
    session_id: str = field(default_factory=lambda: str(uuid4()))

    def event(self, name: str, **data: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON values
        """An event of the view, now."""
        return {
            "event": name,
            "event_id": str(uuid4()),
            "session_id": self.session_id,
            "media_id": "sim-privacy-video",
            "timestamp": _now(),
            "data": data,
        }


@dataclass(frozen=True)
class Teller:
    """Speaks to the API as these people's browsers, and as the officer."""

    base_url: str
    signer: Signer = field(repr=False)

    def post(self, person: Person, path: str, body: Mapping[str, Any]) -> str:
        """What became of one event: `accepted`, or the reason why not."""
        answer = self.ask("POST", path, person, body)
        found: str = answer.get("reason") or answer.get("code") or answer["status"]
        return found

    def ask(self, method: str, path: str, person: Person, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """One request, answered with an object. Raises TransientError when nobody answers."""
        headers = {"Authorization": f"Bearer {self.signer.token(person, datetime.now(UTC))}", **person.headers(0)}
        try:
            answer = httpx.request(
                method, f"{self.base_url}{path}", json=body, headers=headers, timeout=_TIMEOUT, trust_env=False
            )
            found: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError):
            raise TransientError("the API did not answer: look at its log (api.log)") from None
        return found

    def watch(self, view: View, seconds: int) -> Counter[str]:
        """So many heartbeats of a view: what became of them."""
        beats = (view.event("heartbeat", position_seconds=float(5 * beat)) for beat in range(seconds))
        return Counter(self.post(view.person, _MEDIA, beat) for beat in beats)

    def open(self, view: View) -> str:
        """The view's beginning, which is an access to a record, at whatever level."""
        return self.post(view.person, _MEDIA, view.event("session_start"))

    def fail(self, view: View) -> str:
        """An error report of the app."""
        report = {"source": "app", "error_code": "TypeError", "message": "x is undefined", "timestamp": _now()}
        return self.post(view.person, _ERRORS, {**report, "session_id": view.session_id})

    def decide(self, person: Person, level: int) -> int | None:
        """The person's decision; the level that now counts."""
        body = {"level": level, "decided_at": _now()}
        found: int | None = self.ask("PUT", "/v1/privacy/consent", person, body).get("level")
        return found


def excluded_people() -> list[Person]:
    """The same household by IPv4, by IPv4 within IPv6, and by IPv6."""
    return [Person(f"sim-excluded-{place}", address=address) for place, address in enumerate(_EXCLUDED_ADDRESSES)]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
