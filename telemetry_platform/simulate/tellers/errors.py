"""Errors of app, video and network along a visit, also before anybody has signed in.

Their messages hold what messages hold: e-mails, ids, numbers. About one in five visits, as the source's thousand a day
are to its five thousand sessions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid5

from telemetry_platform.simulate.breakages import NO_ZONE, Breakage, says, without
from telemetry_platform.simulate.chance import happens
from telemetry_platform.simulate.events import Request, Row
from telemetry_platform.simulate.mishaps import Mishaps, disturbed
from telemetry_platform.simulate.people import ESSENTIAL
from telemetry_platform.simulate.visits import Told

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from telemetry_platform.simulate.events import Outgoing
    from telemetry_platform.simulate.visits import Visit

KIND = "errors"
NOBODYS_ORG = "anonymous"
"""The tenant of reports without a token, unless the platform's settings name another."""
BREAKAGES: Mapping[str, Breakage] = {
    "code_is_an_address": says("error_code", "198.18.0.1"),
    "no_code": without("error_code"),
    "source_of_no_kind": says("source", "weather"),
    "status_as_text": says("http_status", "504"),
    "zoneless": NO_ZONE,
}
_VERSION = "4.2.1"


@dataclass(frozen=True)
class _Fault:
    """One error of the product: what it says, with `{email}`, `{uuid}`, `{n}` where its words vary."""

    source: str
    code: str
    message: str | None
    weight: float
    more: Mapping[str, Any]
    path: str | None = None


_FAULTS = (
    _Fault("app", "TypeError", "plan {n} of {email} could not be read", 4, {"url": "/plans/{uuid}"}, "/plans/:x"),
    _Fault(
        "network",
        "ERR_TIMEOUT",
        "no answer for exercise {uuid} within {n} ms",
        4,
        {"url": "https://api.example.org/v1/exercises/{uuid}?page=2", "http_status": 504},
        "/v1/exercises/:x",
    ),
    _Fault("app", "ChunkLoadError", None, 1, {"stack": "at loadChunk (main.js:1:{n})\nat start (main.js:2:7)"}),
    _Fault("video", "MEDIA_ERR_SRC_NOT_SUPPORTED", "none of {n} renditions can be played", 2, {"fatal": True}),
)
_SIGN_IN = _Fault("app", "NotAllowedError", "sign-in of {email} failed {n} times", 1, {"url": "/login"}, "/login")


def tell(visit: Visit, random: Random) -> list[Request]:
    """What fails in one visit."""
    requests: list[Request] = []
    if happens(random, 0.17):
        fault = random.choices(_FAULTS, [each.weight for each in _FAULTS])[0]
        event = visit.tell(_told(visit, "fault", fault, timedelta(seconds=random.randrange(-20, 60)), random))
        requests.append(
            Request(event.at + timedelta(seconds=1), visit.number, (event,), is_single=happens(random, 0.7))
        )
    if happens(random, 0.05):
        event = _nobodys(visit.tell(_told(visit, "sign-in", _SIGN_IN, timedelta(seconds=-40), random)))
        requests.append(
            Request(event.at + timedelta(seconds=1), visit.number, (event,), is_single=True, has_token=False)
        )
    shares = Mishaps(answer_lost=0.1, doubled=0.08, contradicted=0.02, broken=0.12, too_late=0.06)
    return disturbed(requests, random, breakages=BREAKAGES, contradict=contradict, shares=shares)


def contradict(event: Outgoing) -> Outgoing:
    """Another error."""
    return replace(event, data={**event.data, "error_code": "RangeError"})


def _told(visit: Visit, name: str, fault: _Fault, after: timedelta, random: Random) -> Told:
    """The fault, in the words of this once."""
    email = f"{visit.patient.user_id}@example.org"
    number, uuid = random.randrange(2, 9_000), str(uuid5(visit.session_id, fault.code))
    data: dict[str, Any] = {"source": fault.source, "error_code": fault.code, "app_version": _VERSION}
    more = {
        key: value.format(n=number, uuid=uuid) if isinstance(value, str) else value for key, value in fault.more.items()
    }
    data |= more
    columns = data | {"fatal": more.get("fatal", False), "path": fault.path}
    columns.pop("url", None)
    if fault.message is not None:
        data["message"] = fault.message.format(n=number, uuid=uuid, email=email)
        columns["message"] = fault.message.format(n=number, uuid="[id]", email="[email]")
    alike = {"fingerprint": f"fingerprint:{fault.source}:{fault.code}"}
    if fault.source == "video":
        data["media_id"] = visit.medium.media_id
        alike["media_id"] = f"media:{visit.medium.media_id}"
    return Told(
        kind=KIND,
        name=name,
        at=visit.started_at + after,
        data=data,
        columns=columns,
        alike=alike,
        needs=ESSENTIAL,
        session_id=visit.web_session_id,
    )


def _nobodys(event: Outgoing) -> Outgoing:
    """The same without a token: it belongs to nobody, to no session, and to the tenant of what is nobody's."""
    row = event.rows[KIND]
    columns = {**row.columns, "actor_hash": "", "key_epoch": 0, "session_id": None}
    alike = {column: label for column, label in row.alike.items() if column != "actor_hash"}
    return replace(event, org_id=NOBODYS_ORG, rows={KIND: Row(columns, alike)})
