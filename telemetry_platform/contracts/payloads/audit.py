"""What the Core API posts of who did what to which resource."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from telemetry_platform.contracts.columns import Stored
from telemetry_platform.contracts.own_actions import own_actions
from telemetry_platform.contracts.payloads.envelope import ConcerningEnvelope, MoreDetails
from telemetry_platform.contracts.pii import Domain, Hashed, Kept
from telemetry_platform.contracts.types import Code, Method, RawId, Route, Status, Word

_OWN = frozenset(action.name for action in own_actions())


class AuditEvent(ConcerningEnvelope):
    """One action."""

    actor_type: Annotated[
        Literal["patient", "staff", "service", "system"], Kept(), Field(description="who acted: what sort")
    ]
    action: Annotated[Code, Kept(), Field(description="what was done, e.g. media.view")]
    resource_type: Annotated[Word, Kept(), Field(description="kind of the resource, e.g. media")]
    resource_id: Annotated[
        RawId | None,
        Hashed(Domain.RESOURCE),
        Stored(name="resource_id_hash"),
        Field(description="id of the resource, stored as its pseudonym"),
    ] = None
    method: Annotated[Method | None, Kept(), Field(description="HTTP method")] = None
    route: Annotated[
        Route | None, Kept(), Stored(name="path"), Field(description="route template, never a raw path")
    ] = None
    status_code: Annotated[Status | None, Kept(), Stored("UInt16"), Field(description="HTTP status")] = None
    outcome: Annotated[Literal["success", "denied", "failure"], Kept(), Field(description="how it ended")]
    details: MoreDetails = None

    # Of what is posted, and not of the column: what the platform itself says may come the same way.
    @field_validator("action")
    @classmethod
    def _is_not_ours(cls, value: str) -> str:
        """What the platform records of itself (a redaction, a reading, an erasure) is nobody else's to say."""
        if value in _OWN:
            raise PydanticCustomError("reserved", "is what the platform itself records: choose another name")
        return value
