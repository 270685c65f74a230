"""Errors by source and fingerprint."""

from __future__ import annotations

from telemetry_platform.contracts.columns import Column
from telemetry_platform.contracts.view import counted, figure, view_pair

VIEWS = view_pair(
    "errors_daily",
    "errors_between",
    source="errors_hourly",
    description="Errors by source and fingerprint",
    keys=(
        Column("source", "String", "what failed"),
        Column("fingerprint", "String", "the same for one error, whatever ids and numbers its message holds"),
    ),
    measures=(
        counted("errors", "errors"),
        Column("error_code", "String", "its code; of several the first in the alphabet"),
        figure("fatal_share", "share of errors after which it could not go on, 0 to 1"),
        figure("status_4xx_share", "share of errors of requests that were answered with 400 to 499, 0 to 1"),
        figure("status_5xx_share", "share of errors of requests that were answered with 500 to 599, 0 to 1"),
    ),
)
