"""What the Core API posts of attacks and refusals that it saw."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from telemetry_platform.contracts.columns import Stored
from telemetry_platform.contracts.payloads.envelope import ConcerningEnvelope, MoreDetails
from telemetry_platform.contracts.pii import Kept
from telemetry_platform.contracts.sightings import DETECTED, sightings
from telemetry_platform.contracts.types import Code, Method, Route

_OWN = frozenset({DETECTED, *(sighting.type for sighting in sightings())})


class SecurityEvent(ConcerningEnvelope):
    """One finding."""

    type: Annotated[Code, Kept(), Field(description="what was seen, e.g. auth.failed")]
    severity: Annotated[
        Literal["info", "low", "medium", "high", "critical"], Kept(), Field(description="how bad it is")
    ]
    rule_id: Annotated[Code | None, Kept(), Field(description="rule that found it")] = None
    method: Annotated[Method | None, Kept(), Field(description="HTTP method")] = None
    route: Annotated[
        Route | None, Kept(), Stored(name="path"), Field(description="route template, never a raw path")
    ] = None
    details: MoreDetails = None

    # Of what is posted, and not of the column: what the platform itself says comes the same way.
    @field_validator("type")
    @classmethod
    def _is_not_ours(cls, value: str) -> str:
        """What the platform sees and detects by itself is nobody else's to say."""
        if value in _OWN:
            raise PydanticCustomError("reserved", "is what the platform itself records: choose another name")
        return value
