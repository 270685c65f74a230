"""An event as JSON, the way a browser writes it: with the device's own clock, whatever that is worth.

Invariant: an event's `timestamp` depends on the event and the device only, so that a copy carries the same one;
`sent_at` is taken when the request leaves.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from telemetry_platform.simulate.delivery import Outgoing, Request
    from telemetry_platform.simulate.people import Patient


def body_of(request: Request, patient: Patient, now: datetime) -> dict[str, Any]:
    """The request's body, sent at `now`: one event, or a batch."""
    events = [_event_of(event, patient, now) for event in request.events]
    return events[0] if request.is_single else {"events": events}


def device_time(moment: datetime, patient: Patient) -> str:
    """RFC 3339, by the device's clock."""
    shown = moment + timedelta(milliseconds=patient.clock.offset_ms)
    return f"{shown:%Y-%m-%dT%H:%M:%S}.{shown.microsecond // 1000:03d}Z"


def _event_of(event: Outgoing, patient: Patient, now: datetime) -> dict[str, Any]:
    found: dict[str, Any] = {
        "event": event.event,
        "session_id": str(event.session_id),
        "media_id": event.media_id,
        "media_type": "video",
        "timestamp": device_time(event.at, patient),
        "data": dict(event.data),
    }
    if event.event_id is not None:
        found["event_id"] = str(event.event_id)
    if patient.clock.says_when_sent:
        found["sent_at"] = device_time(now, patient)
    if patient.device.max_touch_points is not None:
        found["client"] = {"max_touch_points": patient.device.max_touch_points}
    return found if event.broken is None else BREAKAGES[event.broken](found)


BREAKAGES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "bitrate_below_zero": lambda event: event | {"event": "heartbeat", "data": {"current_bitrate": -1}},
    "event_of_no_kind": lambda event: event | {"event": "teleport"},
    "no_media": lambda event: {name: value for name, value in event.items() if name != "media_id"},
    "position_as_text": lambda event: event | {"event": "play", "data": {"position_seconds": "12"}},
    "session_without_uuid": lambda event: event | {"session_id": "session-1"},
    "timestamp_without_zone": lambda event: event | {"timestamp": event["timestamp"].removesuffix("Z")},
}
"""What faulty frontends do to an event; each of them must be rejected, and cost its neighbours nothing."""
