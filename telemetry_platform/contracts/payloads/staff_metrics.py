"""What the Core API posts of the work of staff: one figure of one person over one period."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from telemetry_platform.contracts.columns import Stored
from telemetry_platform.contracts.payloads.envelope import ServiceEnvelope
from telemetry_platform.contracts.pii import Domain, Hashed, Kept, NotStored
from telemetry_platform.contracts.types import RawId, StoredTimestamp

Metric = Literal[
    "active_time", "alerts_handled", "exercises_assigned", "logins", "messages_answered", "notes_written",
    "patients_active", "plans_adjusted", "plans_created", "response_time", "sessions_reviewed", "video_calls",
]  # fmt: skip


class StaffFigure(ServiceEnvelope):
    """One figure."""

    staff_user_id: Annotated[RawId, NotStored(), Field(description="id of the member of staff")]
    team_id: Annotated[RawId, Hashed(Domain.RESOURCE), Field(description="id of the team, stored as its pseudonym")]
    metric: Annotated[Metric, Kept(), Field(description="what is measured, from a closed list")]
    value: Annotated[
        Annotated[float, Field(ge=-1e12, le=1e12)], Kept(), Field(description="the figure, in the unit beside it")
    ]
    unit: Annotated[
        Literal["count", "ms", "seconds", "minutes", "hours", "percent"], Kept(), Field(description="unit of the value")
    ]
    period_start: Annotated[
        StoredTimestamp, Kept(), Stored("DateTime64(3, 'UTC')"), Field(description="when the measured period began")
    ]
