"""Requests of the Core API by hour and route."""

from __future__ import annotations

from datetime import timedelta

from telemetry_platform.contracts import columns as c
from telemetry_platform.contracts.columns import Column
from telemetry_platform.contracts.erasure import ExpiresOnly
from telemetry_platform.contracts.events.api_metrics import KIND
from telemetry_platform.contracts.rollup import HOUR, rollup_of

ROLLUP = rollup_of(
    KIND.table,
    name="api_health_hourly",
    source="api_metrics_live",
    time="hour",
    description="Requests of the Core API by hour, method and route: errors, durations, sizes.",
    keys=(
        c.ORG_ID,
        HOUR,
        Column("method", "String", "HTTP method"),
        Column("route", "String", "route template, never a raw path"),
    ),
    measures=(
        Column("requests", "UInt64", "answered requests"),
        Column("client_errors", "UInt64", "answers with a status of 400 to 499"),
        Column("server_errors", "UInt64", "answers with a status of 500 to 599"),
        Column("duration_ms_sum", "Float64", "sum of the times that answers took", unit="ms"),
        Column("duration_ms_histogram", "Array(UInt32)", "requests by bucket of duration_ms"),
        Column("request_bytes_sum", "UInt64", "size of the requests' bodies", unit="byte"),
        Column("response_bytes_sum", "UInt64", "size of the answers' bodies", unit="byte"),
    ),
    erasure=ExpiresOnly("it counts requests of services, and nothing in it belongs to a person"),
    freshness=timedelta(minutes=30),
)
