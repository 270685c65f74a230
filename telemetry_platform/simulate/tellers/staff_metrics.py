"""Figures of the work of staff, at the end of each day.

Twelve a person, so that there are about as many as the source has for its sessions.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from telemetry_platform.simulate.breakages import NO_ZONE, Breakage, says, without
from telemetry_platform.simulate.practice import right_clock
from telemetry_platform.simulate.visits import Told, milliseconds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from telemetry_platform.simulate.events import Outgoing
    from telemetry_platform.simulate.practice import Practice

KIND = "staff_metrics"
BREAKAGES: Mapping[str, Breakage] = {
    "metric_of_no_kind": says("metric", "happiness"),
    "nobody": without("staff_user_id"),
    "no_id": without("event_id"),
    "period_without_zone": says("period_start", "2026-02-16T00:00:00"),
    "zoneless": NO_ZONE,
}
_FIGURES = {
    "active_time": ("minutes", 480),
    "alerts_handled": ("count", 6),
    "exercises_assigned": ("count", 20),
    "logins": ("count", 5),
    "messages_answered": ("count", 30),
    "notes_written": ("count", 12),
    "patients_active": ("count", 14),
    "plans_adjusted": ("count", 8),
    "plans_created": ("count", 3),
    "response_time": ("minutes", 90),
    "sessions_reviewed": ("count", 25),
    "video_calls": ("count", 4),
}
"""Metric, unit, and how much there may be of it in a day."""


def tell(practice: Practice, random: Random) -> list[Outgoing]:
    """Every figure of everybody, once a day."""
    events: list[Outgoing] = []
    for day in range(practice.days):
        period = (practice.begin + timedelta(days=day)).replace(hour=0, minute=0, second=0, microsecond=0)
        at = practice.begin + timedelta(days=day, hours=23, minutes=50)
        for member in practice.staff:
            for metric, (unit, most) in _FIGURES.items():
                value = float(random.randrange(most + 1)) if unit == "count" else round(random.uniform(0, most), 2)
                said: dict[str, Any] = {"metric": metric, "value": value, "unit": unit}
                data = {
                    **said,
                    "staff_user_id": member.user_id,
                    "team_id": member.team_id,
                    "period_start": f"{period:%Y-%m-%dT%H:%M:%S}Z",
                }
                told = Told(
                    kind=KIND,
                    name=f"{member.user_id}:{day}:{metric}",
                    at=at,
                    data=data,
                    columns={**said, **right_clock(at), "period_start": milliseconds(period)},
                    alike={"actor_hash": f"actor:{member.user_id}", "team_id": f"resource:{member.team_id}"},
                )
                events.append(practice.tell(told, member.org_id))
    return events


def contradict(event: Outgoing) -> Outgoing:
    """Another figure."""
    return replace(event, data={**event.data, "value": event.data["value"] + 1.0})
