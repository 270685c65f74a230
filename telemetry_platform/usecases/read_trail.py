"""Read the audit trail and the security events, and say in the trail who did.

Invariant: whoever shows a reading has it recorded and committed before the first byte (`record_reading`), by the
reader's pseudonym, in the trail of the tenant whose rows they saw. The record names filters and never their values,
since a value may be a pseudonym.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from telemetry_platform.contracts.pii import Domain
from telemetry_platform.errors import ConfigurationError
from telemetry_platform.processing.pseudonyms import live_epochs
from telemetry_platform.stores import trail_reading
from telemetry_platform.stores.trail_reading import SecurityPlace
from telemetry_platform.usecases.own_actions import PLATFORM_ORG, ActedBy, Requested, record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from telemetry_platform.contracts.own_actions import OwnAction
    from telemetry_platform.contracts.trail_filters import LogFilter, SecurityFilter, Tenants
    from telemetry_platform.processing.pseudonyms import KeyRing
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.trail_reading import Row


@dataclass(frozen=True)
class LogPage:
    """Some rows; `next` is the place behind which the following page begins, None at the end of the walk."""

    rows: tuple[Row, ...] = field(repr=False)
    next: int | None
    until_seq: int


@dataclass(frozen=True)
class SecurityPage:
    """Some events, and the place behind which the following page begins."""

    rows: tuple[Row, ...] = field(repr=False)
    next: SecurityPlace | None


@dataclass(frozen=True)
class Reader:
    """Who reads: a raw id, which goes no further than its pseudonym, its own tenant, and the request."""

    actor_id: str = field(repr=False)
    org_id: str
    request: Requested


def read_address(settings: Settings) -> str:
    """The connection to read with. Raises ConfigurationError where there is none."""
    if settings.postgres.read_url is None:
        raise ConfigurationError(
            "the trail is read by a role that only reads: set TELEMETRY_POSTGRES__READ_URL to the connection of "
            "telemetry_read"
        )
    return settings.postgres.read_url.get_secret_value()


@contextmanager
def _reading(settings: Settings) -> Iterator[Connection]:
    with trail_reading.reading(read_address(settings)) as conn:
        yield conn


def read_logs(settings: Settings, wanted: LogFilter, *, after: int, until_seq: int | None, limit: int) -> LogPage:
    """One page of the trail, in its order, up to `until_seq` or the present end of the trail."""
    with _reading(settings) as conn:
        walk = trail_reading.trail_state(conn).walk(until_seq)
        # One row more than is shown: it says whether there is a page behind this one.
        rows = trail_reading.log_page(conn, wanted, walk, after=after, rows=limit + 1)
    shown = tuple(rows[:limit])
    return LogPage(shown, shown[-1]["seq"] if len(rows) > limit else None, walk.until_seq)


def read_security_events(
    settings: Settings, wanted: SecurityFilter, *, after: SecurityPlace | None, limit: int
) -> SecurityPage:
    """One page of the security events, in the order in which they were recorded."""
    with _reading(settings) as conn:
        rows = trail_reading.security_page(conn, wanted, after=after or SecurityPlace(), rows=limit + 1)
    shown = tuple(rows[:limit])
    if len(rows) <= limit:
        return SecurityPage(shown, None)
    last = shown[-1]
    return SecurityPage(shown, SecurityPlace(last["recorded_at"], last["org_id"], last["event_id"]))


def persons_of(ring: KeyRing, user_id: str) -> tuple[str, ...]:
    """A person's pseudonyms in the trail, under every key that still exists."""
    return tuple(ring.pseudonym(Domain.AUDIT_ACTOR, epoch, user_id) for epoch in live_epochs(ring, Domain.AUDIT_ACTOR))


def record_reading(  # noqa: PLR0913 - what the trail says of it; all but the first five by name
    conn: Connection,
    ring: KeyRing,
    action: OwnAction,
    now: datetime,
    reader: Reader,
    *,
    tenants: Tenants | None = None,
    about: str | None = None,
    details: Mapping[str, Any] | None = None,
    event_id: UUID | None = None,
) -> UUID:
    """Write that somebody is about to see something, in the caller's transaction; the entry's id.

    `tenants` None: nothing of any tenant's. `about` is the raw id of the person who was searched for.
    """
    org_id = reader.org_id if tenants is None else tenants.org_id or PLATFORM_ORG
    told: dict[str, Any] = dict(details or {})
    if tenants is not None:
        told["tenants"] = "all" if tenants.are_all else "own" if tenants.org_id == reader.org_id else "another"
    if org_id != reader.org_id:
        told["reader_org"] = reader.org_id
    given = event_id or uuid4()
    record(
        conn,
        ring,
        action,
        now,
        org_id=org_id,
        by=ActedBy(reader.actor_id, "staff"),
        resource_id=about,
        person=about is not None,
        details=told,
        request=reader.request,
        event_id=given,
    )
    return given
