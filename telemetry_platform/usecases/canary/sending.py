"""Send the marks: an event of every kind, and everything that is refused, to every path that the API says it has.

Invariants: what is sent goes through the API's own door, as anybody's would; a kind that was not accepted raises, since
a canary that did not sing proves nothing. Marks are on no command line and in no file of this process.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import httpx

from telemetry_platform.contracts.event_kind import Role
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.errors import ContractViolationError, TransientError
from telemetry_platform.usecases.canary.filling import Filler, agent, text, url

if TYPE_CHECKING:
    from telemetry_platform.contracts.event_kind import EventKind
    from telemetry_platform.usecases.canary.marks import Marks

_TIMEOUT_SECONDS = 30.0
_TOO_LARGE = 2 * 1024 * 1024
_LARGE = 256 * 1024
_PUT_CONSENT = "/v1/privacy/consent"
_REFUSED_BELOW = 500


@dataclass(frozen=True)
class Speaker:
    """Somebody with a token: as whom it speaks is a mark itself."""

    token: str = field(repr=False)
    user_id: str = field(repr=False)


class SpeakerOf(Protocol):
    """Finds who may speak."""

    def __call__(self, roles: frozenset[Role], user_id: str, /) -> Speaker | None:
        """Somebody with one of the roles, under this new user id where that may be chosen; None: nobody has one."""


@dataclass(frozen=True)
class Sent:
    """What was sent: kinds whose events were accepted, requests that were refused, kinds that nobody may post."""

    kinds: tuple[str, ...]
    refused: int
    unspoken: tuple[str, ...]


@dataclass(frozen=True)
class Sender:
    """Sends to the API at `base_url`; `moment` is the client's clock, `org_id` the tenant that the tokens are of."""

    base_url: str
    marks: Marks
    moment: str
    org_id: str
    speaker_of: SpeakerOf

    def send(self) -> Sent:
        """Everything. Raises ContractViolationError for a kind that was refused, TransientError without an API."""
        accepted, unspoken, refused = [], [], 0
        # Nothing of the environment's: a proxy would see the marks.
        with httpx.Client(base_url=self.base_url, timeout=_TIMEOUT_SECONDS, trust_env=False) as client:
            for kind in kinds().values():
                if kind.endpoint is None:
                    continue
                speaker = self._speaker(kind.endpoint.roles, f"{kind.name}: token's user")
                if speaker is None:
                    unspoken.append(kind.name)
                    continue
                self._send_kind(client, kind, speaker)
                if kind.endpoint.anonymous:
                    self._send_kind(client, kind, None)
                accepted.append(kind.name)
                refused += self._send_refused(client, kind, speaker)
            refused += self._send_privacy(client)
            refused += self._probe(client)
        return Sent(tuple(accepted), refused, tuple(unspoken))

    def _speaker(self, roles: frozenset[Role], where: str) -> Speaker | None:
        speaker = self.speaker_of(roles, f"u-{self.marks.random(8).hex()}")
        if speaker is not None:
            self.marks.add(where, speaker.user_id)
            # The last part is the signature: with it anybody has the whole.
            self.marks.add(f"{where}: token", speaker.token, *speaker.token.split(".")[1:])
        return speaker

    def _headers(self, speaker: Speaker | None, where: str) -> dict[str, str]:
        """What browsers and proxies say of a person beside the body."""
        marks = self.marks
        person = {} if speaker is None else {"Authorization": f"Bearer {speaker.token}"}
        return person | {
            "Content-Type": "application/json",
            "X-Consent-Level": "3",
            "User-Agent": agent(marks, f"{where}: User-Agent"),
            "X-Forwarded-For": f"{marks.ipv6(f'{where}: X-Forwarded-For')}, {marks.ipv4(f'{where}: X-Forwarded-For')}",
            "X-Real-IP": marks.ipv4(f"{where}: X-Real-IP"),
            "Forwarded": f"for={marks.ipv4(f'{where}: Forwarded')}",
            "Cookie": f"session={marks.token(f'{where}: Cookie')}",
            "Referer": url(marks, f"{where}: Referer"),
            "From": marks.email(f"{where}: From"),
            "X-Request-Id": marks.token(f"{where}: X-Request-Id"),
            "Sec-CH-UA": f'"{marks.token(f"{where}: Sec-CH-UA")}";v="1"',
            "Sec-CH-UA-Platform": f'"{marks.token(f"{where}: Sec-CH-UA-Platform")}"',
            "Accept-Language": f"en, {marks.token(f'{where}: Accept-Language')};q=0.5",
        }

    def _send_kind(self, client: httpx.Client, kind: EventKind, speaker: Speaker | None) -> None:
        assert kind.endpoint is not None  # noqa: S101 - narrows the type; the caller has looked
        for event in Filler(kind, self.marks, self.moment, self.org_id).events():
            answer = self._ask(client, "POST", kind.endpoint.path, event, self._headers(speaker, kind.name))
            # An event with frames is answered frame by frame.
            results = _object(answer).get("results", [_object(answer)])
            if answer.status_code != httpx.codes.ACCEPTED or any(one.get("status") != "accepted" for one in results):
                fields = [error.get("field") for error in _object(answer).get("errors", [])]
                raise ContractViolationError(
                    f"the canary's event of the kind {kind.name} was not accepted (status {answer.status_code}, fields "
                    f"{fields}): is the tenant or the network excluded, or has the contract changed?"
                )

    def _send_refused(self, client: httpx.Client, kind: EventKind, speaker: Speaker) -> int:
        """Bodies of which nothing may rest: invalid, broken, too large, of another type, with a bad token."""
        assert kind.endpoint is not None  # noqa: S101 - as above
        path, marks, name = kind.endpoint.path, self.marks, kind.name
        event = Filler(kind, marks, self.moment, self.org_id).events()[0]
        wrong = {name: text(marks, f"{kind.name}: refused field") for name in event}
        broken = json.dumps(event).encode()[:-1]
        large = json.dumps({"events": [event], "more": marks.token(f"{name}: too large") * (_TOO_LARGE // 17)}).encode()
        bodies: list[tuple[Any, dict[str, str]]] = [
            (wrong, {}),
            ({"events": [wrong, wrong]}, {}),
            (broken, {}),
            (large, {}),
            (marks.email(f"{name}: no object"), {}),
            (wrong, {"Content-Type": f"text/plain; name={marks.token(f'{name}: Content-Type')}"}),
            (wrong, {"Authorization": f"Bearer {marks.token(f'{name}: bad token')}"}),
            (wrong, {"X-Consent-Level": marks.token(f"{name}: bad consent level")}),
        ]
        for body, headers in bodies:
            self._ask(client, "POST", path, body, self._headers(speaker, name) | headers)
        return len(bodies)

    def _send_privacy(self, client: httpx.Client) -> int:
        """Decisions of a person, one that counts and some that do not."""
        speaker = self._speaker(frozenset({Role.PATIENT}), "consent: token's user")
        if speaker is None:
            return 0
        marks = self.marks
        bodies = [
            {"level": 1, "decided_at": self.moment, "purposes": [marks.email("consent: purpose")]},
            {"level": marks.token("consent: level"), "decided_at": marks.email("consent: decided_at")},
            {"level": 1, "decided_at": self.moment, marks.email("consent: unknown field"): 1},
            {"level": 1, "decided_at": self.moment},
        ]
        answers = [self._ask(client, "PUT", _PUT_CONSENT, body, self._headers(speaker, "consent")) for body in bodies]
        if answers[-1].status_code != httpx.codes.OK:
            raise ContractViolationError(
                f"{_PUT_CONSENT} did not take a good decision (status {answers[-1].status_code}): no mark came in by it"
            )
        return len(bodies) - 1

    def _probe(self, client: httpx.Client) -> int:
        """Every path and method that the API describes, and one that is none, with bodies that nobody expects."""
        described = self._ask(client, "GET", "/openapi.json", None, {})
        paths = _object(described).get("paths", {})
        if not paths:
            raise ContractViolationError("the API does not describe its paths at /openapi.json: is it of this release?")
        speaker = self._speaker(frozenset(Role), "every path: token's user")
        missing = f"/v1/patients/{self.marks.user_id('no such path')}"
        asked = [(path, method) for path, methods in paths.items() for method in methods] + [(missing, "get")]
        for path, method in asked:
            where = f"{method.upper()} {path}" if path != missing else "no such path"
            body = None if method == "get" else {"user_id": self.marks.user_id(where), "note": text(self.marks, where)}
            if body is not None and "user_id" in _described(paths.get(path, {}).get(method, {})):
                # A door that takes somebody else's id: by itself it is taken, and must rest nowhere.
                del body["note"]
            named = path.replace("{", self.marks.token(where)).replace("}", "")
            query = f"{named}?email={self.marks.email(where)}&q={self.marks.token(where)}"
            self._ask(client, method.upper(), query, body, self._headers(speaker, where))
        return len(asked)

    def _ask(self, client: httpx.Client, method: str, path: str, body: Any, headers: dict[str, str]) -> httpx.Response:  # noqa: ANN401 - JSON, or bytes that are none
        content = body if isinstance(body, bytes) or body is None else json.dumps(body, ensure_ascii=False).encode()
        try:
            answer = client.request(method, path, content=content, headers=headers)
        except httpx.HTTPError as error:
            cut_off = isinstance(error, (httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError))
            if cut_off and content is not None and len(content) > _LARGE:
                # A body that is too large is not read to its end.
                return httpx.Response(httpx.codes.REQUEST_ENTITY_TOO_LARGE)
            raise TransientError(f"the API does not answer ({type(error).__name__}): is it running there?") from None
        if answer.status_code >= _REFUSED_BELOW:
            raise TransientError(f"the API could not answer (status {answer.status_code}): look at /health, then again")
        return answer


def _described(operation: dict[str, Any]) -> dict[str, Any]:
    """The fields of an operation's JSON body, as the API describes them."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    fields: dict[str, Any] = content.get("schema", {}).get("properties", {})
    return fields


def _object(answer: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer; empty for anything else."""
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
