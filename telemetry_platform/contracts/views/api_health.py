"""Requests of the Core API by method and route. They concern no person."""

from __future__ import annotations

from telemetry_platform.contracts.columns import Column
from telemetry_platform.contracts.view import view_pair

VIEWS = view_pair(
    "api_health_daily",
    "api_health_between",
    source="api_health_hourly",
    description="Requests of the Core API by method and route",
    keys=(
        Column("method", "String", "HTTP method"),
        Column("route", "String", "route template, never a raw path"),
    ),
    measures=(
        Column("requests", "UInt64", "answered requests"),
        Column("client_error_share", "Float64", "share of answers with a status of 400 to 499, 0 to 1"),
        Column("server_error_share", "Float64", "share of answers with a status of 500 to 599, 0 to 1"),
        Column("mean_duration_ms", "Float64", "mean time that an answer took", unit="ms"),
        *(
            Column(f"p{level}_duration_ms", "Float64", f"{level}th percentile of that time", nullable=True, unit="ms")
            for level in (50, 95, 99)
        ),
    ),
    withholds=False,
)
