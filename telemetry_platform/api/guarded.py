"""What endpoints that take no events share: who may ask, a body of one JSON object, work on PostgreSQL, problems.

Invariants: a caller is verified before anything of the body is read; work that blocks runs in a thread; what a
store says in its own words stays in our log.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.responses import JSONResponse

from telemetry_platform.api import body as bodies
from telemetry_platform.api import compliance, refusals
from telemetry_platform.api.compliance import Doors, Incoming
from telemetry_platform.api.front import say, template
from telemetry_platform.api.problems import MEDIA_TYPE, ProblemError
from telemetry_platform.api.tokens import unauthorised
from telemetry_platform.errors import PlatformError
from telemetry_platform.processing import address as addresses
from telemetry_platform.processing.json_reading import JsonFaultError, read_json
from telemetry_platform.stores import postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from psycopg_pool import ConnectionPool
    from starlette.requests import Request

    from telemetry_platform.api.tokens import Caller
    from telemetry_platform.contracts.event_kind import Role
    from telemetry_platform.processing.pseudonyms import KeyRing
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.redis_channel import RedisChannel
    from telemetry_platform.stores.warehouse import LastingWarehouse
    from telemetry_platform.usecases.key_list import KeyList

_Found = TypeVar("_Found")
_LONGEST_BODY = 64 * 1024


@dataclass(frozen=True)
class Guarded:
    """What such endpoints work with; `now_ms` is the server's clock."""

    doors: Doors
    keys: KeyList
    pool: ConnectionPool[Connection]
    now_ms: Callable[[], int]
    settings: Settings
    channel: RedisChannel
    warehouse: LastingWarehouse

    async def caller(self, request: Request, roles: frozenset[Role]) -> Caller:
        """The caller. Raises ProblemError: 401 without a valid token, 403 without one of the roles."""
        incoming = self.incoming(request)
        if self.doors.loopback_only and not compliance.is_local(incoming.server):
            raise unauthorised("tokens with a shared secret are taken on loopback only")
        caller = await self.doors.verifier.verify(incoming.headers.get(b"authorization", []))
        refusals.token_used(incoming, caller, self.doors)
        if caller.roles.isdisjoint(roles):
            needed = ", ".join(sorted(roles))
            raise ProblemError(403, "forbidden", f"needs one of the roles {needed}", caller=caller)
        return caller

    async def caller_of_token(self, request: Request, token: str, roles: frozenset[Role]) -> Caller:
        """The caller whose token came another way than by header. Raises as `caller` does."""
        incoming = self.incoming(request)
        if self.doors.loopback_only and not compliance.is_local(incoming.server):
            raise unauthorised("tokens with a shared secret are taken on loopback only")
        caller = await self.doors.verifier.verify([b"Bearer " + token.encode()])
        refusals.token_used(incoming, caller, self.doors)
        if caller.roles.isdisjoint(roles):
            needed = ", ".join(sorted(roles))
            raise ProblemError(403, "forbidden", f"needs one of the roles {needed}", caller=caller)
        return caller

    def exported(self, request: Request, caller: Caller) -> None:
        """Tell security that the caller takes records out: once for each export that is answered."""
        refusals.exported(self.incoming(request), template(request.scope), caller, self.doors)

    def incoming(self, request: Request) -> Incoming:
        """The request as the compliance steps look at it."""
        headers: dict[bytes, list[bytes]] = {}
        for name, value in request.scope["headers"]:
            headers.setdefault(name, []).append(value)
        peer, server = request.scope.get("client"), request.scope.get("server")
        return Incoming(
            request.method, peer[0] if peer else None, server[0] if server else None, headers, self.now_ms()
        )

    def ip_truncated(self, request: Request) -> str | None:
        """The client's address as far as it may be kept."""
        address = compliance.from_where(self.incoming(request), self.doors)
        return None if address is None else addresses.truncated(address)

    async def json_object(self, request: Request) -> dict[str, Any]:
        """The body, one JSON object. Raises ProblemError, which echoes nothing of it."""
        bodies.check_headers(self.incoming(request).headers, _LONGEST_BODY)
        raw = await bodies.read_body(request.receive, _LONGEST_BODY)
        try:
            found = read_json(raw)
        except JsonFaultError as fault:
            raise ProblemError(400, fault.code, str(fault)) from None
        if not isinstance(found, dict):
            raise ProblemError(422, "invalid_body", "send one JSON object")
        return found

    def ring(self) -> KeyRing:
        """The keys of now. Raises ProblemError (503) while the list is too old."""
        try:
            return self.keys.ring()
        except PlatformError as error:
            raise unavailable(error) from None

    async def work(self, task: Callable[[Connection], _Found]) -> _Found:
        """Run a task in a thread, in one transaction. Raises ProblemError (503) when PostgreSQL cannot."""

        def run() -> _Found:
            with postgres.lent(self.pool) as connection:
                return task(connection)

        try:
            return await asyncio.to_thread(run)
        except PlatformError as error:
            raise unavailable(error) from None


def unavailable(error: PlatformError) -> ProblemError:
    """503 that says that nothing was done; the message names parts of ours and stays in our log."""
    detail = "nothing was done: try again"
    return ProblemError(503, "store_unavailable", detail, headers={"Retry-After": "2"}, cause=error)


def problem_handler(guarded: Guarded) -> Callable[[Request, Exception], Coroutine[Any, Any, JSONResponse]]:
    """The handler of ProblemError for the whole app: security is told of it, our log of its cause."""

    async def problem_response(request: Request, problem: Exception) -> JSONResponse:
        assert isinstance(problem, ProblemError)  # noqa: S101 - narrows what the framework hands over
        if problem.cause is not None:
            say(problem.cause)
        refusals.refused(guarded.incoming(request), template(request.scope), problem, guarded.doors)
        return JSONResponse(problem.document(), problem.status, problem.headers, MEDIA_TYPE)

    return problem_response
