"""Stalls by hour, one dimension and cause."""

from __future__ import annotations

from datetime import timedelta

from telemetry_platform.contracts import columns as c
from telemetry_platform.contracts.columns import Column
from telemetry_platform.contracts.events.media import STALLS
from telemetry_platform.contracts.rollup import DIMENSION, FEW_ACTORS, HOUR, VALUE, rollup_of
from telemetry_platform.contracts.rollup_erasure import REBUILT

ROLLUP = rollup_of(
    STALLS,
    name="stalls_hourly",
    source="media_buffering_current",
    time="hour",
    description="Stalls by hour, one dimension and cause: how many, and how long.",
    keys=(c.ORG_ID, HOUR, DIMENSION, VALUE, Column("cause", "String", "rebuffer, seek or startup")),
    measures=(
        Column("stalls", "UInt64", "stalls of people, bots left out"),
        Column("open_stalls", "UInt64", "stalls whose length is not known"),
        Column("duration_ms_sum", "Float64", "sum of their lengths", unit="ms"),
        Column("duration_ms_histogram", "Array(UInt32)", "stalls by bucket of duration_ms"),
        FEW_ACTORS,
    ),
    erasure=REBUILT,
    freshness=timedelta(minutes=30),
)
