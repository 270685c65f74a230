"""What analysts use from Python: a connection and pandas frames over the views that are made for them."""

from __future__ import annotations

from telemetry_platform.analysis.connection import connect
from telemetry_platform.analysis.frames import (
    api_latency,
    errors,
    exercise_motion,
    stalls_by_device,
    ttfb_by_country,
    video_health_by_day,
)

__all__ = [
    "api_latency",
    "connect",
    "errors",
    "exercise_motion",
    "stalls_by_device",
    "ttfb_by_country",
    "video_health_by_day",
]
