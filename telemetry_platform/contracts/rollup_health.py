"""What is measured of a group of sessions, the same for all media and for each of them."""

from __future__ import annotations

from telemetry_platform.contracts.columns import Column
from telemetry_platform.contracts.rollup import FEW_ACTORS


def _count(name: str, description: str) -> Column:
    return Column(name, "UInt64", description)


def _sum(name: str, description: str, unit: str | None = None) -> Column:
    return Column(name, "Float64", description, unit=unit)


def _timing(name: str, what: str) -> tuple[Column, ...]:
    return (
        _count(f"{name}_count", f"sessions with a {what}"),
        _sum(f"{name}_sum", f"sum of the {what}", "ms"),
    )


def _score(name: str, what: str) -> tuple[Column, ...]:
    return (
        _count(f"{name}_score_count", f"sessions with a score of {what}"),
        _sum(f"{name}_score_sum", f"sum of the scores of {what}, each 0 to 100"),
    )


HEALTH = (
    _count("sessions", "sessions of people, bots left out"),
    _count("started", "sessions whose session_start has arrived"),
    _count("completed", "sessions that were completed"),
    _count("abandoned", "sessions that were abandoned"),
    _count("fatal_sessions", "sessions whose playback an error ended"),
    _count("error_count", "player errors"),
    _count("stalled_sessions", "sessions with a stall, neither startup nor seek"),
    _count("never_played", "sessions in which nothing played and no error ended playback"),
    *_timing("ttfb_ms", "time to the first byte"),
    *_timing("load_ms", "time until the medium could play"),
    *_timing("startup_ms", "startup time"),
    _count("stall_count", "stalls, neither startup nor seek"),
    _sum("stall_ms", "time in those stalls", "ms"),
    _sum("seek_stall_ms", "time stalled within a second of a seek", "ms"),
    _count("buffering_count_count", "sessions whose player counted its stalls"),
    _count("buffering_count_sum", "stalls as players counted them"),
    _count("buffering_duration_ms_count", "sessions whose player measured its stalls"),
    _sum("buffering_duration_ms_sum", "stalled time as players measured it", "ms"),
    _sum("watched_seconds", "time played", "s"),
    _sum("bitrate_seconds", "sum of bitrate times time played", "bit"),
    _sum("bitrate_weight", "time played of sessions with a bitrate", "s"),
    _count("completion_count", "sessions whose completion is known"),
    _sum("completion_sum", "sum of their completions, each 0 to 1"),
    _count("dropped_frames", "frames dropped"),
    _count("frames_sessions", "sessions that report dropped frames"),
    *_score("startup", "startup: 8 / (8 + startup in s)"),
    *_score("smoothness", "smoothness: few and short stalls"),
    *_score("success", "success: 100 played, 50 left before, 0 fatal error, none when left within a second"),
    Column("ttfb_ms_histogram", "Array(UInt32)", "sessions by bucket of ttfb_ms"),
    Column("load_ms_histogram", "Array(UInt32)", "sessions by bucket of load_ms"),
    Column("startup_ms_histogram", "Array(UInt32)", "sessions by bucket of startup_ms"),
    FEW_ACTORS,
)
