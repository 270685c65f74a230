"""The compliance middleware: five steps that every request with events goes through, in this order.

who        the token's person or service, and whether they may post here at all
from_where the client's address behind the trusted proxies
how_much   what nobody's request is charged for its first event, before anything of its body is read
may_we     the consent level that counts: what was stated, capped by the privacy signal, forced by an exclusion
reduce     what may go on from here: no full address, and the raw id only as long as the request

Invariant: a step takes what the steps before it found, and nothing behind `reduce` can reach what it leaves out.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.api.problems import ProblemError
from telemetry_platform.api.rate_limits import Toll
from telemetry_platform.api.tokens import unauthorised
from telemetry_platform.processing import address as addresses
from telemetry_platform.processing import gate
from telemetry_platform.processing.agent import read_hints
from telemetry_platform.usecases.request_entries import Origin, Submission

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry_platform.api.rate_limits import AnonymousLimits
    from telemetry_platform.api.tokens import Caller, TokenVerifier
    from telemetry_platform.contracts.event_kind import Endpoint


@dataclass(frozen=True)
class Incoming:
    """What a step may look at of a request."""

    method: str
    peer: str | None
    server: str | None
    headers: Mapping[bytes, list[bytes]]
    received_at: int


@dataclass(frozen=True)
class Doors:
    """What the steps need beside the request."""

    verifier: TokenVerifier
    trusted_proxies: tuple[addresses.Network, ...]
    exclusions: addresses.ExclusionSet
    loopback_only: bool
    """Tokens are signed with a shared secret: requests that came in by another interface are refused."""
    anonymous_org_id: str
    """The tenant under which reports without a token are kept."""
    limits: AnonymousLimits


@dataclass(frozen=True)
class Admission:
    """A request that may go on: what its events share, and the toll of its further events, where there is one."""

    submission: Submission
    toll: Toll | None


async def admit(request: Incoming, endpoint: Endpoint, doors: Doors) -> Admission:
    """All steps. Raises ProblemError, and PlatformError when Redis cannot say what may be charged."""
    caller = await who(request, endpoint, doors)
    address = from_where(request, doors)
    toll = await how_much(request, caller, address, doors)
    permission = may_we(request, caller, address, doors)
    return Admission(reduce(request, endpoint, doors, caller, address, permission), toll)


async def who(request: Incoming, endpoint: Endpoint, doors: Doors) -> Caller | None:
    """The caller; None for nobody, where that is allowed, and for a token that is not valid.

    Raises ProblemError: 401 without a valid token, 403 without a role that may post here.
    """
    if doors.loopback_only and not is_local(request.server):
        raise unauthorised("tokens with a shared secret are taken on loopback only")
    authorization = request.headers.get(b"authorization", [])
    if endpoint.anonymous:
        return await doors.verifier.verify_optional(authorization)
    caller = await doors.verifier.verify(authorization)
    if caller.roles.isdisjoint(endpoint.roles):
        raise ProblemError(403, "forbidden", f"needs one of the roles {', '.join(sorted(endpoint.roles))}")
    return caller


def from_where(request: Incoming, doors: Doors) -> addresses.Address | None:
    """The client's full address; it goes no further than this module and the rate limits."""
    if request.peer is None:
        return None
    lines = tuple(line.decode("latin-1") for line in request.headers.get(b"x-forwarded-for", ()))
    return addresses.client_address(request.peer, lines, doors.trusted_proxies)


async def how_much(
    request: Incoming, caller: Caller | None, address: addresses.Address | None, doors: Doors
) -> Toll | None:
    """The toll for what follows, after one event was charged; none for whoever has a valid token.

    Raises ProblemError (429) when there is no room.
    """
    if caller is not None:
        return None
    await doors.limits.charge(address, 1, request.received_at)
    return Toll(doors.limits, address, request.received_at)


def may_we(
    request: Incoming, caller: Caller | None, address: addresses.Address | None, doors: Doors
) -> gate.Permission:
    """The permission that counts for this request, and is never remembered."""
    return gate.permission(
        gate.stated_level(request.headers.get(b"x-consent-level", [])),
        gpc=gate.is_gpc(request.headers.get(b"sec-gpc", [])),
        excluded=address is not None and doors.exclusions.contains(addresses.unmapped(address)),
        purposes=frozenset() if caller is None else caller.purposes,
    )


def reduce(  # noqa: PLR0913, PLR0917 - what the steps before it found
    request: Incoming,
    endpoint: Endpoint,
    doors: Doors,
    caller: Caller | None,
    address: addresses.Address | None,
    permission: gate.Permission,
) -> Submission:
    """What the events of the request share from here on."""
    roles = [] if caller is None else sorted(caller.roles & endpoint.roles)
    agents = request.headers.get(b"user-agent", ())
    origin = Origin(
        org_id=doors.anonymous_org_id if caller is None else caller.org_id,
        actor_id=None if caller is None else caller.actor_id,
        ip_truncated=None if address is None else addresses.truncated(address),
        user_agent=agents[0].decode("latin-1") if agents else "",
        hints=read_hints(request.headers),
    )
    return Submission(
        origin=origin,
        actor_type=roles[0].value if roles else "anonymous",
        permission=permission,
        method=request.method,
        path=endpoint.path,
        received_at=request.received_at,
        trace_id=secrets.token_hex(16),
    )


def is_local(server: str | None) -> bool:
    """Whether the request came in by loopback; a server that is no address (a socket file) is local."""
    address = addresses.parse(server or "")
    return address is None or addresses.unmapped(address).is_loopback
