"""An event as JSON, the way its sender writes it: with the device's own clock, whatever that is worth.

Invariant: an event's `timestamp` depends on the event and the device only, so that a copy carries the same one;
`sent_at` is taken when the request leaves.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from telemetry_platform.simulate.tellers.all import BREAKAGES

if TYPE_CHECKING:
    from datetime import datetime

    from telemetry_platform.simulate.events import Outgoing, Request
    from telemetry_platform.simulate.senders import Sender


def body_of(request: Request, sender: Sender, now: datetime) -> dict[str, Any]:
    """The request's body, sent at `now`: one event, a batch, or the frames of one session."""
    envelope = _envelope(sender, now)
    if request.kind == "pose":
        first = request.events[0]
        frames = [_broken(event, _timed(event, sender) | dict(event.data)) for event in request.events]
        return envelope | {"session_id": str(first.session_id), "exercise_id": first.media_id, "frames": frames}
    events = [_broken(event, _event_of(event, sender) | envelope) for event in request.events]
    return events[0] if request.is_single else {"events": events}


def device_time(moment: datetime, sender: Sender) -> str:
    """RFC 3339, by the device's clock."""
    shown = moment + timedelta(milliseconds=sender.clock.offset_ms)
    return f"{shown:%Y-%m-%dT%H:%M:%S}.{shown.microsecond // 1000:03d}Z"


def _timed(event: Outgoing, sender: Sender) -> dict[str, Any]:
    return {"timestamp": device_time(event.at, sender)}


def _envelope(sender: Sender, now: datetime) -> dict[str, Any]:
    """What the sender says of itself."""
    found: dict[str, Any] = {}
    if sender.clock.says_when_sent:
        found["sent_at"] = device_time(now, sender)
    if sender.max_touch_points is not None:
        found["client"] = {"max_touch_points": sender.max_touch_points}
    return found


def _event_of(event: Outgoing, sender: Sender) -> dict[str, Any]:
    found = _timed(event, sender)
    if event.kind == "media":
        found |= {"event": event.event, "media_id": event.media_id, "media_type": "video", "data": dict(event.data)}
    else:
        found |= event.data
    if event.session_id is not None:
        found["session_id"] = str(event.session_id)
    if event.event_id is not None:
        found["event_id"] = str(event.event_id)
    if event.org_id != sender.org_id and "service" in sender.roles:
        found["org_id"] = event.org_id
    return found


def _broken(event: Outgoing, said: dict[str, Any]) -> dict[str, Any]:
    """As it is, or with what is wrong with it."""
    return said if event.broken is None else BREAKAGES[event.kind][event.broken].change(said)
