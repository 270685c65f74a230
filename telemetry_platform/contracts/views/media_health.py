"""How well each medium plays; by no dimension, since totals of two kinds would tell withheld groups."""

from __future__ import annotations

from telemetry_platform.contracts.columns import Column
from telemetry_platform.contracts.view import HEALTH, view_pair

VIEWS = view_pair(
    "media_health_daily",
    "media_health_between",
    source="media_health_hourly",
    description="How well each medium plays",
    keys=(Column("media_id", "String", "pseudonym of the medium"),),
    measures=HEALTH,
)
