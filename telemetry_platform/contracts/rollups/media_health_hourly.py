"""Sessions by medium, hour and one dimension: how well each medium plays."""

from __future__ import annotations

from datetime import timedelta

from telemetry_platform.contracts import columns as c
from telemetry_platform.contracts.columns import Column
from telemetry_platform.contracts.events.media import SESSIONS
from telemetry_platform.contracts.pii import Domain, Hashed
from telemetry_platform.contracts.rollup import DIMENSION, HOUR, VALUE, rollup_of
from telemetry_platform.contracts.rollup_erasure import REBUILT
from telemetry_platform.contracts.rollup_health import HEALTH

_MEDIA_ID = Column("media_id", "String", "pseudonym of the medium", treatment=Hashed(Domain.MEDIA))

ROLLUP = rollup_of(
    SESSIONS,
    name="media_health_hourly",
    source="media_sessions_current",
    time="hour",
    description="Health of each medium by hour and one dimension: startup, stalls, bitrate, outcomes.",
    keys=(c.ORG_ID, _MEDIA_ID, HOUR, DIMENSION, VALUE),
    measures=HEALTH,
    erasure=REBUILT,
    freshness=timedelta(minutes=30),
)
