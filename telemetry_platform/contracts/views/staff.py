"""Figures of staff's work by team and metric."""

from __future__ import annotations

from telemetry_platform.contracts.columns import Column
from telemetry_platform.contracts.view import counted, figure, view_pair

VIEWS = view_pair(
    "staff_daily_by_team",
    "staff_by_team_between",
    source="staff_daily",
    description="Figures of the work of staff by team and metric; least and greatest are one person's and not shown",
    keys=(
        Column("team_id", "String", "pseudonym of the team"),
        Column("metric", "String", "what is measured, from a closed list"),
        Column("unit", "String", "unit of the values"),
    ),
    measures=(counted("figures", "figures that came"), figure("mean_value", "their mean, in the unit beside it")),
)
