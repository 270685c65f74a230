"""Figures of staff's work by day and team."""

from __future__ import annotations

from datetime import timedelta

from telemetry_platform.contracts import columns as c
from telemetry_platform.contracts.columns import Column
from telemetry_platform.contracts.events.staff_metrics import KIND
from telemetry_platform.contracts.pii import Domain, Hashed
from telemetry_platform.contracts.rollup import FEW_ACTORS, rollup_of
from telemetry_platform.contracts.rollup_erasure import REBUILT

ROLLUP = rollup_of(
    KIND.table,
    name="staff_daily",
    source="staff_metrics_live",
    time="day",
    description="Figures of the work of staff by day, team and metric.",
    keys=(
        c.ORG_ID,
        Column("day", c.TIME, "the UTC day, by its first moment"),
        Column("team_id", "String", "id of the team, stored as its pseudonym", treatment=Hashed(Domain.RESOURCE)),
        Column("metric", "String", "what is measured, from a closed list"),
        Column("unit", "String", "unit of the values"),
    ),
    measures=(
        Column("figures", "UInt64", "figures that came"),
        Column("value_sum", "Float64", "their sum, in the unit beside it"),
        Column("value_min", "Float64", "the least of them"),
        Column("value_max", "Float64", "the greatest of them"),
        FEW_ACTORS,
    ),
    erasure=REBUILT,
    freshness=timedelta(minutes=30),
)
