"""Typed frames over the analysts' views: one tenant, whole UTC days from `since` until before `until`.

Invariants: every frame has the columns and dtypes that `Frame` says, also without rows; missing is `pd.NA`, never NaN
that looks like a number. Figures are the views' own: nothing is averaged or added up here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry_platform.stores.warehouse import Warehouse

_TEXT: Final = "string"
_COUNT: Final = "Int64"
_FIGURE: Final = "Float64"
_DAY: Final = "datetime64[ms, UTC]"
_DIMENSIONS: Final = ("all", "country_code", "device_type", "connection_type", "browser_family")


@dataclass(frozen=True)
class Frame:
    """A named statement and the dtypes of its columns: `_ms` is milliseconds, `_deg` degrees, `_share` 0 to 1."""

    query: str
    dtypes: Mapping[str, str]


def _figures(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, _FIGURE)


TTFB_BY_COUNTRY = Frame(
    "analyse_ttfb_by_country",
    {"country_code": _TEXT, "sessions": _COUNT, **_figures("mean_ttfb_ms", "p50_ttfb_ms", "p95_ttfb_ms")},
)
STALLS_BY_DEVICE = Frame(
    "analyse_stalls_by_device",
    {"device_type": _TEXT, "stalls": _COUNT, **_figures("mean_stall_ms", "p50_stall_ms", "p95_stall_ms")},
)
API_LATENCY = Frame(
    "analyse_api_latency",
    {
        "method": _TEXT,
        "route": _TEXT,
        "requests": _COUNT,
        **_figures("client_error_share", "server_error_share"),
        **_figures("mean_duration_ms", "p50_duration_ms", "p95_duration_ms", "p99_duration_ms"),
    },
)
ERRORS = Frame(
    "analyse_errors",
    {
        "source": _TEXT,
        "fingerprint": _TEXT,
        "error_code": _TEXT,
        "errors": _COUNT,
        **_figures("fatal_share", "status_4xx_share", "status_5xx_share"),
    },
)
EXERCISE_MOTION = Frame(
    "analyse_exercise_motion",
    {
        "day": _DAY,
        "exercise_id": _TEXT,
        "angle": _TEXT,
        "sessions": _COUNT,
        **_figures("mean_min_deg", "mean_max_deg", "mean_range_deg"),
    },
)
VIDEO_HEALTH_BY_DAY = Frame(
    "analyse_video_health_by_day",
    {
        "day": _DAY,
        "value": _TEXT,
        "sessions": _COUNT,
        **_figures("completed_share", "fatal_share", "stalled_share", "stalls_per_session"),
        **_figures("mean_ttfb_ms", "p95_ttfb_ms", "p95_startup_ms"),
    },
)


def ttfb_by_country(client: Warehouse, org: str, since: date, until: date) -> pd.DataFrame:
    """How long people waited for the first byte [ms], by country; an empty country_code is not known."""
    return _frame(client, TTFB_BY_COUNTRY, org, since, until)


def stalls_by_device(client: Warehouse, org: str, since: date, until: date) -> pd.DataFrame:
    """How long playback stalled [ms], by device; startup and seeking are no stalls."""
    return _frame(client, STALLS_BY_DEVICE, org, since, until)


def api_latency(client: Warehouse, org: str, since: date, until: date) -> pd.DataFrame:
    """How long answers of the Core API took [ms], by method and route; nothing is withheld."""
    return _frame(client, API_LATENCY, org, since, until)


def errors(client: Warehouse, org: str, since: date, until: date) -> pd.DataFrame:
    """Errors by fingerprint, the most frequent first."""
    return _frame(client, ERRORS, org, since, until)


def exercise_motion(client: Warehouse, org: str, since: date, until: date) -> pd.DataFrame:
    """How far joints moved [degree], by day, exercise and angle; `day` is the day's first moment in UTC."""
    return _frame(client, EXERCISE_MOTION, org, since, until)


def video_health_by_day(
    client: Warehouse, org: str, since: date, until: date, *, dimension: str = "all"
) -> pd.DataFrame:
    """How well video played, by day and the values of one dimension; small groups are judged by day."""
    if dimension not in _DIMENSIONS:
        raise ValueError(f"dimension must be one of {', '.join(_DIMENSIONS)}")
    return _frame(client, VIDEO_HEALTH_BY_DAY, org, since, until, {"dimension": dimension})


def _frame(  # noqa: PLR0913, PLR0917 - one question
    client: Warehouse, frame: Frame, org: str, since: date, until: date, more: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Ask, and give every column its dtype. Raises TypeError or ValueError that names the argument."""
    if not isinstance(org, str) or not org:
        raise ValueError("org must be a tenant's id, which is not empty")
    for name, value in (("since", since), ("until", until)):
        # A datetime is a date to Python, and would silently lose its hours.
        if isinstance(value, datetime) or not isinstance(value, date):
            raise TypeError(f"{name} must be a datetime.date, a whole UTC day")
    if since >= until:
        raise ValueError("since must lie before until, which is the day after the last")
    table = client.query(frame.query, {"org": org, "since": since, "until": until, **(more or {})})
    found = {name: table.column(name).to_pylist() for name in frame.dtypes}
    return pd.DataFrame({name: pd.Series(found[name], dtype=dtype) for name, dtype in frame.dtypes.items()})
