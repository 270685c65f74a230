"""Sessions by hour and one dimension: how well video plays, over all media."""

from __future__ import annotations

from datetime import timedelta

from telemetry_platform.contracts import columns as c
from telemetry_platform.contracts.events.media import SESSIONS
from telemetry_platform.contracts.rollup import DIMENSION, HOUR, VALUE, rollup_of
from telemetry_platform.contracts.rollup_erasure import REBUILT
from telemetry_platform.contracts.rollup_health import HEALTH

ROLLUP = rollup_of(
    SESSIONS,
    name="video_health_hourly",
    source="media_sessions_current",
    time="hour",
    description="Video health by hour and one dimension: startup, stalls, bitrate, outcomes.",
    keys=(c.ORG_ID, HOUR, DIMENSION, VALUE),
    measures=HEALTH,
    erasure=REBUILT,
    freshness=timedelta(minutes=30),
)
