"""What security is told of requests: refusals, what verified tokens do, and what somebody takes out.

Everything is noted in passing (`usecases.watch`): nothing here waits, and no request fails because of it. Invariants:
the address is the one behind the trusted proxies, whatever the client's own headers say; a person is named only by a
token that was verified, and by their pseudonym.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform.contracts.event_kind import Role
from telemetry_platform.contracts.pii import Domain
from telemetry_platform.contracts.sightings import ACCESS_REFUSED, AUTH_REFUSED, DATA_EXPORTED
from telemetry_platform.errors import PlatformError
from telemetry_platform.processing.address import client_address, truncated
from telemetry_platform.stores.session_pins import Pin
from telemetry_platform.usecases.own_actions import PLATFORM_ORG
from telemetry_platform.usecases.token_watch import Bearer
from telemetry_platform.usecases.watch import NOBODY, Asked, whence

if TYPE_CHECKING:
    from telemetry_platform.api.compliance import Doors, Incoming
    from telemetry_platform.api.problems import ProblemError
    from telemetry_platform.api.tokens import Caller
    from telemetry_platform.contracts.sightings import Sighting
    from telemetry_platform.processing.address import Address
    from telemetry_platform.processing.pseudonyms import KeyRing

_BY_STATUS = {401: AUTH_REFUSED, 403: ACCESS_REFUSED}


def from_where(request: Incoming, doors: Doors) -> Address | None:
    """The client's full address; it goes no further than its callers, the rate limits, and a keyed hash."""
    if request.peer is None:
        return None
    lines = tuple(line.decode("latin-1") for line in request.headers.get(b"x-forwarded-for", ()))
    return client_address(request.peer, lines, doors.trusted_proxies)


def refused(request: Incoming, route: str, problem: ProblemError, doors: Doors) -> None:
    """A request was refused: what security has no rule for is not told."""
    sighting = problem.seen or _BY_STATUS.get(problem.status)
    if sighting is not None:
        _note(sighting, request, Asked(request.method, route, problem.status), problem.caller, doors)


def exported(request: Incoming, route: str, caller: Caller, doors: Doors) -> None:
    """Somebody takes records out: for whoever answers with an export, once for each of them."""
    _note(DATA_EXPORTED, request, Asked(request.method, route, 200), caller, doors)


def token_used(request: Incoming, caller: Caller, doors: Doors) -> None:
    """A request came with a verified token, whatever its roles allow. Services send from many places, and much."""
    if Role.SERVICE in caller.roles:
        return
    address = from_where(request, doors)
    network = None if address is None else truncated(address)
    now = request.received_at

    def bearer() -> Bearer:
        return Bearer(caller.digest, caller.org_id, _pseudonym(caller, _ring(doors), now))

    doors.tokens.used(caller.digest, hash((caller.org_id, caller.actor_id)), network, now, bearer)


def _note(sighting: Sighting, request: Incoming, asked: Asked, caller: Caller | None, doors: Doors) -> None:
    ring, now = _ring(doors), request.received_at
    agents = request.headers.get(b"user-agent", ())
    doors.watch.note(
        sighting,
        whence(from_where(request, doors), ring, now),
        asked,
        now_ms=now,
        org_id=PLATFORM_ORG if caller is None else caller.org_id,
        who=NOBODY if caller is None else _pseudonym(caller, ring, now),
        agent=agents[0].decode("latin-1") if agents else "",
    )


def _ring(doors: Doors) -> KeyRing | None:
    """The keys of now; None while they are too old: what is told then has the cut address only."""
    try:
        return doors.keys.ring()
    except PlatformError:
        return None


def _pseudonym(caller: Caller, ring: KeyRing | None, now: int) -> Pin:
    if ring is None:
        return NOBODY
    epoch = ring.epoch_at(Domain.ACTOR, now)
    return Pin(epoch, ring.pseudonym(Domain.ACTOR, epoch, caller.actor_id))
