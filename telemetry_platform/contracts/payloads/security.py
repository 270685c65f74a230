"""What the Core API posts of attacks and refusals that it saw."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from telemetry_platform.contracts.columns import Stored
from telemetry_platform.contracts.payloads.envelope import ConcerningEnvelope, MoreDetails
from telemetry_platform.contracts.pii import Kept
from telemetry_platform.contracts.types import Code, Method, Route


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
