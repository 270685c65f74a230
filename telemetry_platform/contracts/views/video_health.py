"""How well video plays, by one dimension."""

from __future__ import annotations

from telemetry_platform.contracts.rollup import DIMENSION, VALUE
from telemetry_platform.contracts.view import HEALTH, view_pair

VIEWS = view_pair(
    "video_health_daily",
    "video_health_between",
    source="video_health_hourly",
    description="How well video plays, by one dimension",
    keys=(DIMENSION, VALUE),
    measures=HEALTH,
)
