"""Errors by hour and fingerprint."""

from __future__ import annotations

from datetime import timedelta

from telemetry_platform.contracts import columns as c
from telemetry_platform.contracts.columns import Column
from telemetry_platform.contracts.events.errors import KIND
from telemetry_platform.contracts.rollup import FEW_ACTORS, HOUR, rollup_of
from telemetry_platform.contracts.rollup_erasure import REBUILT

ROLLUP = rollup_of(
    KIND.table,
    name="errors_hourly",
    source="error_events_live",
    time="hour",
    description="Errors by hour, source and fingerprint: how many, how grave, in how many sessions.",
    keys=(
        c.ORG_ID,
        HOUR,
        Column("source", "String", "what failed"),
        Column("fingerprint", "String", "the same for one error, whatever ids and numbers its message holds"),
    ),
    measures=(
        Column("error_code", "String", "its code; of several the first in the alphabet"),
        Column("path", "String", "where it happened; of several paths the first in the alphabet", nullable=True),
        Column("errors", "UInt64", "errors"),
        Column("fatal", "UInt64", "errors after which it could not go on"),
        Column("sessions", "UInt64", "distinct sessions of the hour; hours cannot be added up"),
        Column("status_4xx", "UInt64", "errors of requests that were answered with 400 to 499"),
        Column("status_5xx", "UInt64", "errors of requests that were answered with 500 to 599"),
        Column("first_seen", c.TIME, "the first of them"),
        Column("last_seen", c.TIME, "the last of them"),
        FEW_ACTORS,
    ),
    erasure=REBUILT,
    freshness=timedelta(minutes=30),
)
