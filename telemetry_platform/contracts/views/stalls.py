"""Stalls by one dimension and cause."""

from __future__ import annotations

from telemetry_platform.contracts.columns import Column
from telemetry_platform.contracts.rollup import DIMENSION, VALUE
from telemetry_platform.contracts.view import counted, timing, view_pair

VIEWS = view_pair(
    "stalls_daily",
    "stalls_between",
    source="stalls_hourly",
    description="How often and how long playback stalls, by one dimension and cause",
    keys=(DIMENSION, VALUE, Column("cause", "String", "rebuffer, seek or startup")),
    measures=(counted("stalls", "stalls of people, bots left out"), *timing("stall", "length of a stall", 50, 95)),
)
