"""What stands in front of Dagster's UI: only its own pages may speak to it.

Dagster has no sign-in, allows every origin, and runs a mutation that comes in a GET. Any page that an operator has open
elsewhere could therefore start, end or delete runs. Behind this guard:

- the Host must be one that we serve, so that no name that was rebound to our address works (DNS rebinding);
- an Origin, where there is one, must be ours; a websocket must bring one;
- whatever may change something is a POST of `application/json`, which a foreign page cannot send without being asked
  first (CORS preflight), and the answer to that question is no; GraphQL is nothing else;
- no foreign page may show the UI in a frame and borrow a click.

Invariant: what is not known to be harmless is refused.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_READS = frozenset({"GET", "HEAD"})
_POLICY_VIOLATION = 1008
_HARDENING = (
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_OPENED_UP = frozenset({b"access-control-allow-origin", *(name for name, _ in _HARDENING)})


@dataclass(frozen=True)
class Refusal:
    """Why a request goes no further."""

    status: int
    detail: str


class Guard:
    """An ASGI application that hands on what may pass to another."""

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str]) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, or refuse."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal = self.refusal(scope)
        if refusal is None:
            await self._app(scope, receive, _hardened(send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": refusal.detail})
        else:
            await _answer(send, refusal)

    def refusal(self, scope: Scope) -> Refusal | None:
        """Why this request is refused; None when it may pass."""
        if scope["type"] not in {"http", "websocket"}:
            return Refusal(400, "only HTTP and websockets are spoken here")
        hosts, origins = _headers(scope, b"host"), _headers(scope, b"origin")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return Refusal(421, "this Host is not served here; start the web server with --allow-host to add one")
        if len(origins) > 1 or any(not self._is_ours(origin) for origin in origins):
            return Refusal(403, "requests from other origins are refused")
        if scope["type"] == "websocket":
            return None if origins else Refusal(403, "a websocket must bring its Origin")
        return _method_refusal(scope)

    def _is_ours(self, origin: str) -> bool:
        scheme, separator, host = origin.lower().partition("://")
        return separator != "" and scheme in {"http", "https"} and host in self._hosts


def _method_refusal(scope: Scope) -> Refusal | None:
    """Reads pass, except of GraphQL; whatever may change something is a POST of JSON."""
    method, is_graphql = scope["method"], scope["path"].rstrip("/").endswith("/graphql")
    if method in _READS and not is_graphql:
        return None
    if method != "POST":
        return Refusal(405, "GraphQL is spoken by POST only" if is_graphql else "this method is not allowed here")
    types = _headers(scope, b"content-type")
    if len(types) != 1 or types[0].partition(";")[0].strip().lower() != "application/json":
        return Refusal(415, "the body must be application/json")
    return None


def _headers(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


async def _answer(send: Send, refusal: Refusal) -> None:
    body = json.dumps({"title": refusal.detail, "status": refusal.status}).encode()
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        *([(b"allow", b"POST")] if refusal.status == 405 else []),  # noqa: PLR2004 - 405 Method Not Allowed
        *_HARDENING,
    ]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _hardened(send: Send) -> Send:
    """Answers carry our headers, and not the permission for every origin that Dagster adds."""

    async def hardened(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [pair for pair in message.get("headers", []) if pair[0].lower() not in _OPENED_UP]
            message = {**message, "headers": [*kept, *_HARDENING]}
        await send(message)

    return hardened
