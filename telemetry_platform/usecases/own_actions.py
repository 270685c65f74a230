"""Write what the platform did itself into the audit trail, in the transaction that does it.

Invariant: whoever asked for it is in the trail by their audit pseudonym, the thing by the pseudonym of its id; details
have the keys that the action's contract lists, and no others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict
from uuid import UUID, uuid4

import orjson

from telemetry_platform.contracts.pii import Domain
from telemetry_platform.errors import ContractViolationError
from telemetry_platform.stores import audit_log

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from typing_extensions import Unpack

    from telemetry_platform.contracts.own_actions import OwnAction
    from telemetry_platform.processing.pseudonyms import KeyRing
    from telemetry_platform.stores.postgres import Connection

PLATFORM_ORG = "platform"
"""The tenant of what belongs to no tenant: keys, the exclusion list."""


@dataclass(frozen=True)
class ActedBy:
    """Who did it: a raw id, which goes no further than its pseudonym, or nobody: a schedule, a command."""

    actor_id: str | None = field(default=None, repr=False)
    actor_type: str = "system"


SYSTEM = ActedBy()


@dataclass(frozen=True)
class Requested:
    """The HTTP request that asked for it, already reduced; `path` is the route's template."""

    method: str
    path: str
    status_code: int
    ip_truncated: str | None = None


class Said(TypedDict, total=False):
    """What an entry may say beside the action and the time; see `entry`."""

    org_id: str
    by: ActedBy
    resource_id: str | None
    person: bool
    outcome: str
    details: Mapping[str, Any] | None
    request: Requested | None
    event_id: UUID | None


def record(conn: Connection, ring: KeyRing, action: OwnAction, now: datetime, **said: Unpack[Said]) -> int:
    """Append one entry in the caller's transaction; its place in the trail. Takes and raises what `entry` does."""
    return audit_log.record(conn, entry(ring, action, now, **said))


def entry(  # noqa: PLR0913 - what an entry of the trail says; all but the first three by name
    ring: KeyRing,
    action: OwnAction,
    now: datetime,
    *,
    org_id: str = PLATFORM_ORG,
    by: ActedBy = SYSTEM,
    resource_id: str | None = None,
    person: bool = False,
    outcome: str = "success",
    details: Mapping[str, Any] | None = None,
    request: Requested | None = None,
    event_id: UUID | None = None,
) -> bytes:
    """An entry, for functions of the database that append it.

    `resource_id` is raw and hashed here: under the resource key or, for a `person`, under the audit key of now. Raises
    ContractViolationError for a detail that the action may not tell.
    """
    unknown = sorted(set(details or {}) - action.details)
    if unknown:
        raise ContractViolationError(f"{action.name} may not tell {', '.join(unknown)}: see contracts/own_actions.py")
    moment = round(now.timestamp() * 1000)
    epoch = ring.epoch_at(Domain.AUDIT_ACTOR, moment)
    resource = None
    if resource_id is not None:
        domain, of = (Domain.AUDIT_ACTOR, epoch) if person else (Domain.RESOURCE, 1)
        resource = ring.pseudonym(domain, of, resource_id)
    said = {
        "event_id": str(event_id or uuid4()),
        "occurred_at": moment,
        "actor_hash": "" if by.actor_id is None else ring.pseudonym(Domain.AUDIT_ACTOR, epoch, by.actor_id),
        "key_epoch": epoch,
        "actor_type": by.actor_type,
        "org_id": org_id,
        "action": action.name,
        "resource_type": action.resource_type,
        "resource_id_hash": resource,
        "outcome": outcome,
        "method": request and request.method,
        "path": request and request.path,
        "status_code": request and request.status_code,
        "ip_truncated": request and request.ip_truncated,
        "details": orjson.dumps(dict(details)).decode() if details else None,
    }
    return orjson.dumps(said)
