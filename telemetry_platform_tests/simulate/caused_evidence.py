"""The evidence of simulated sessions without any service: the few sums that the fold and the queries make of events.

Without peers, and the days before are the median of the whole week: the engines are asked elsewhere.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from telemetry_platform.contracts.verdict import ApiFigures, Evidence, Fault
from telemetry_platform.simulate.causes.week import tell_week

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from telemetry_platform.simulate.causes.week import CausedSession
    from telemetry_platform.simulate.events import Outgoing

BEGIN = datetime(2026, 11, 20, tzinfo=UTC)
_AROUND_SECONDS = 300
_FAILED = 500


def caused_evidence(seed: int, sessions: int) -> Iterator[tuple[str, Evidence]]:
    """Each session of a week: its true cause and its evidence."""
    week = tell_week(seed, sessions=sessions, begin=BEGIN)
    answers: dict[str, list[Outgoing]] = defaultdict(list)
    for session in week:
        answers[session.org_id] += session.api
    for session in week:
        yield session.cause, _evidence(session, answers[session.org_id])


def _evidence(session: CausedSession, answers: Sequence[Outgoing]) -> Evidence:
    events = [event for request in session.story.requests for event in request.events]
    media = [event for event in events if event.kind == "media"]
    by: dict[str, list[Outgoing]] = defaultdict(list)
    for event in events:
        by[event.event].append(event)
    start: dict[str, Any] = dict(by["session_start"][0].data) if by["session_start"] else {}
    told = [event.data["cdn_response_time_ms"] for event in by["buffering_start"]]
    if "cdn_response_time_ms" in start:
        told.append(start["cdn_response_time_ms"])
    totals = [event.data for event in media if "current_bitrate" in event.data]
    position = max((event.data.get("position_seconds", 0.0) for event in media), default=0.0)
    played = by["session_start"] and by["play"]
    waited = (by["play"][0].at - by["session_start"][0].at).total_seconds() * 1000 if played else None
    return Evidence(
        session_id=str(session.session_id),
        state=by["session_end"][0].data["reason"] if by["session_end"] else "abandoned",
        start_seen=bool(start),
        event_count=len(media),
        connection_type=start.get("connection_type"),
        ttfb_ms=start.get("ttfb_ms"),
        load_ms=start.get("video_load_time_ms"),
        startup_ms=waited,
        start_cdn_ms=start.get("cdn_response_time_ms"),
        cdn_ms=statistics.median(told) if told else None,
        bandwidth_mbit=start.get("effective_bandwidth"),
        rtt_ms=start.get("rtt_ms"),
        bitrate=statistics.mean(data["current_bitrate"] for data in totals) if totals else None,
        stall_count=len(by["buffering_start"]),
        stall_ms=sum(event.data["duration_ms"] for event in by["buffering_end"]),
        watched_seconds=position,
        completion=min(1.0, position / start["total_duration_seconds"]) if start else None,
        dropped_frames=max((data["dropped_frames"] for data in totals), default=None),
        fatal_error=bool(by["error"]),
        faults=tuple(
            Fault(
                "video" if event.kind == "media" else "app",
                event.data["error_code"],
                event.data.get("http_status"),
                fatal=True,
            )
            for event in (*by["error"], *by["app_error"])
        ),
        api=_api(session, answers),
    )


def _api(session: CausedSession, answers: Sequence[Outgoing]) -> ApiFigures:
    near = [one.data for one in answers if abs((one.at - session.began_at).total_seconds()) <= _AROUND_SECONDS]
    return ApiFigures(
        requests=len(near),
        server_errors=sum(data["status_code"] >= _FAILED for data in near),
        median_ms=statistics.median(data["duration_ms"] for data in near) if near else None,
        before_requests=len(answers),
        before_median_ms=statistics.median(one.data["duration_ms"] for one in answers) if answers else None,
    )
