"""What a person says of their consent: the body of `PUT /v1/privacy/consent`.

Invariant: a field that is not known is refused and not ignored as in events: who believes to have said more than was
understood would be judged by less than they said.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from telemetry_platform.contracts.types import StoredTimestamp

Purpose = Literal["pose"]
"""What must be agreed to by name, besides the level: kinds say which in `EventKind.purpose`."""


class ConsentDecision(BaseModel):
    """A decision. Levels go from 1: level 0 is no choice but what an excluded network gets."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)

    level: Annotated[
        int,
        Field(ge=1, le=3, description="1 essential (errors), 2 also analytics, media and pose, 3 also marketing"),
    ]
    decided_at: Annotated[
        StoredTimestamp,
        Field(description="when the person decided; the newest decision counts, never one of the future"),
    ]
    purposes: Annotated[
        list[Purpose] | None,
        Field(
            description="what they agree to by name; left out, what they said before stays, or the token's claim counts"
        ),
    ] = None


def example(at: str) -> dict[str, Any]:
    """A body that works as it stands, dated by the caller."""
    return {"level": 2, "decided_at": at, "purposes": ["pose"]}
