"""The compliance middleware: five steps that every request with events goes through, in this order.

who        the token's person or service, and whether they may post here at all
from_where the client's address behind the trusted proxies
how_much   what nobody's request is charged for its first event, before anything of its body is read
may_we     the consent level that counts: what was stated, capped by what the person decided and by the privacy signal,
           forced by an exclusion
reduce     what may go on from here: no full address, and the raw id only as long as the request

Invariant: a step takes what the steps before it found, and nothing behind `reduce` can reach what it leaves out.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.api import refusals
from telemetry_platform.api.front import say
from telemetry_platform.api.problems import ProblemError
from telemetry_platform.api.rate_limits import Toll
from telemetry_platform.api.tokens import unauthorised
from telemetry_platform.errors import PlatformError
from telemetry_platform.processing import address as addresses
from telemetry_platform.processing import gate
from telemetry_platform.processing.agent import read_hints
from telemetry_platform.usecases.record_consent import Person
from telemetry_platform.usecases.request_entries import Origin, Submission

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry_platform.api.rate_limits import AnonymousLimits
    from telemetry_platform.api.tokens import Caller, TokenVerifier
    from telemetry_platform.contracts.event_kind import Endpoint, Role
    from telemetry_platform.contracts.subject import SubjectState
    from telemetry_platform.usecases.exclusion_list import ExclusionHolder
    from telemetry_platform.usecases.key_list import KeyList
    from telemetry_platform.usecases.opt_outs import OptOuts
    from telemetry_platform.usecases.subject_list import SubjectList
    from telemetry_platform.usecases.token_watch import TokenWatch
    from telemetry_platform.usecases.watch import Watch


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
    exclusions: ExclusionHolder
    loopback_only: bool
    """Tokens are signed with a shared secret: requests that came in by another interface are refused."""
    anonymous_org_id: str
    """The tenant under which reports without a token are kept."""
    limits: AnonymousLimits
    keys: KeyList
    subjects: SubjectList
    opt_outs: OptOuts
    watch: Watch
    tokens: TokenWatch


@dataclass(frozen=True)
class Admission:
    """A request that may go on: what its events share, and the toll of its further events, where there is one."""

    submission: Submission
    toll: Toll | None


async def admit(
    request: Incoming, endpoint: Endpoint, doors: Doors, *, is_gated: bool, is_kept_always: bool
) -> Admission:
    """All steps; `is_gated` when consent decides on the endpoint's events, `is_kept_always` when nothing does.

    Raises ProblemError, and PlatformError when it cannot be said what may be charged, what the person decided, or who
    is excluded.
    """
    caller = await who(request, endpoint, doors)
    address = from_where(request, doors)
    toll = await how_much(request, caller, address, doors)
    is_excluded = not is_kept_always and is_from_excluded(address, doors.exclusions)
    if is_gated and is_excluded:
        await hear_signal(request, endpoint, caller, doors)
    state = await what_they_said(request, endpoint, caller, doors) if is_gated and not is_excluded else None
    permission = may_we(request, caller, state, is_excluded=is_excluded)
    erased_at = None if state is None else state.erased_at
    return Admission(reduce(request, endpoint, doors, caller, address, permission, erased_at), toll)


async def who(request: Incoming, endpoint: Endpoint, doors: Doors) -> Caller | None:
    """The caller; None for nobody, where that is allowed, and for a token that is not valid.

    Raises ProblemError: 401 without a valid token, 403 without a role that may post here.
    """
    if doors.loopback_only and not is_local(request.server):
        raise unauthorised("tokens with a shared secret are taken on loopback only")
    authorization = request.headers.get(b"authorization", [])
    if endpoint.anonymous:
        known = await doors.verifier.verify_optional(authorization)
        if known is not None:
            refusals.token_used(request, known, doors)
        return known
    caller = await doors.verifier.verify(authorization)
    refusals.token_used(request, caller, doors)
    if caller.roles.isdisjoint(endpoint.roles):
        needed = ", ".join(sorted(endpoint.roles))
        raise ProblemError(403, "forbidden", f"needs one of the roles {needed}", caller=caller)
    return caller


def from_where(request: Incoming, doors: Doors) -> addresses.Address | None:
    """The client's full address; it goes no further than the api package, and the rate limits."""
    return refusals.from_where(request, doors)


def is_from_excluded(address: addresses.Address | None, exclusions: ExclusionHolder) -> bool:
    """Whether the client's network is excluded. Raises TransientError before a list was loaded, whoever asks."""
    exclusions.check()
    return address is not None and exclusions.contains(addresses.unmapped(address))


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


async def what_they_said(
    request: Incoming, endpoint: Endpoint, caller: Caller | None, doors: Doors
) -> SubjectState | None:
    """What is remembered of the caller; None for nobody, and for whoever never decided anything.

    A privacy signal that comes with a token for the first time is remembered. Raises PlatformError while it cannot be
    known what persons decided: nobody is judged by their header alone then.
    """
    if caller is None:
        return None
    ring = doors.keys.ring()
    person = Person(caller.org_id, caller.actor_id, actor_type(caller, endpoint.roles))
    state = await doors.subjects.state_of(caller.org_id, person.subject_hash(ring))
    if gate.is_gpc(request.headers.get(b"sec-gpc", [])) and (state is None or state.opted_out_at is None):
        await doors.opt_outs.remember(ring, person, request.received_at)
    doors.subjects.met(ring, caller.org_id, caller.actor_id, state)
    return state


async def hear_signal(request: Incoming, endpoint: Endpoint, caller: Caller | None, doors: Doors) -> None:
    """Remember the privacy signal of a request that the exclusion has decided already: it counts for later ones.

    Nothing else of the person matters to such a request, so that what cannot be known now is no reason to refuse it.
    """
    if caller is None or not gate.is_gpc(request.headers.get(b"sec-gpc", [])):
        return
    try:
        await what_they_said(request, endpoint, caller, doors)
    except PlatformError as error:
        say(error)


def may_we(
    request: Incoming, caller: Caller | None, state: SubjectState | None, *, is_excluded: bool
) -> gate.Permission:
    """The permission that counts for this request, and is never remembered."""
    return gate.permission(
        gate.stated_level(request.headers.get(b"x-consent-level", [])),
        gpc=gate.is_gpc(request.headers.get(b"sec-gpc", [])),
        excluded=is_excluded,
        purposes=frozenset() if caller is None else caller.purposes,
        state=state,
    )


def reduce(  # noqa: PLR0913, PLR0917 - what the steps before it found
    request: Incoming,
    endpoint: Endpoint,
    doors: Doors,
    caller: Caller | None,
    address: addresses.Address | None,
    permission: gate.Permission,
    erased_at: int | None,
) -> Submission:
    """What the events of the request share from here on."""
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
        actor_type="anonymous" if caller is None else actor_type(caller, endpoint.roles),
        permission=permission,
        method=request.method,
        path=endpoint.path,
        received_at=request.received_at,
        trace_id=secrets.token_hex(16),
        erased_at=erased_at,
    )


def actor_type(caller: Caller, roles: frozenset[Role]) -> str:
    """As what somebody acts here: the first of their roles that may."""
    return min(caller.roles & roles).value


def is_local(server: str | None) -> bool:
    """Whether the request came in by loopback; a server that is no address (a socket file) is local."""
    address = addresses.parse(server or "")
    return address is None or addresses.unmapped(address).is_loopback
