"""The player's events of a view; an error of the player is an error report as well."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid5

from telemetry_platform.simulate.breakages import NO_ZONE, Breakage, says, without
from telemetry_platform.simulate.events import Outgoing, Row
from telemetry_platform.simulate.people import ANALYTICS, ESSENTIAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry_platform.simulate.player import Emitted, Player
    from telemetry_platform.simulate.visits import Visit

KIND = "media"
BREAKAGES: Mapping[str, Breakage] = {
    "bitrate_below_zero": Breakage(
        "data.current_bitrate", lambda event: event | {"event": "heartbeat", "data": {"current_bitrate": -1}}
    ),
    "event_of_no_kind": says("event", "teleport"),
    "no_media": without("media_id"),
    "position_as_text": Breakage(
        "data.position_seconds", lambda event: event | {"event": "play", "data": {"position_seconds": "12"}}
    ),
    "session_without_uuid": says("session_id", "session-1"),
    "timestamp_without_zone": NO_ZONE,
}
_SCRUBBED = "error_message"
_OF_ERRORS = ("error_code", "fatal", "http_status", "position_seconds")


def events_of(visit: Visit, view: Player) -> list[Outgoing]:
    """What the player emitted, as events of the visit."""
    return [_event(visit, place, emitted) for place, emitted in enumerate(view.events)]


def _event(visit: Visit, place: int, emitted: Emitted) -> Outgoing:
    patient = visit.patient
    at = visit.started_at + timedelta(milliseconds=emitted.at_ms)
    return Outgoing(
        kind=KIND,
        key=f"{visit.number}:{place}",
        event=emitted.event,
        org_id=patient.org_id,
        at=at,
        data=emitted.data,
        level=visit.level,
        event_id=uuid5(visit.session_id, str(place)) if patient.names_events else None,
        session_id=visit.session_id,
        media_id=visit.medium.media_id,
        rows=_rows(visit, emitted, visit.origin(at)),
        drop=patient.refusal(visit.number, ANALYTICS),
        derives_id=True,
    )


def _rows(visit: Visit, emitted: Emitted, origin: Mapping[str, Any]) -> Mapping[str, Row]:
    """The row of the event log, and of an error the one that is kept at a lower level, too."""
    alike = {"actor_hash": f"actor:{visit.patient.user_id}", "media_id": f"media:{visit.medium.media_id}"}
    known = {**origin, "session_id": str(visit.session_id)}
    said = {name: value for name, value in emitted.data.items() if name != _SCRUBBED}
    rows = {KIND: Row({**known, **said, "event": emitted.event}, alike)}
    if emitted.event == "error" and visit.level >= ESSENTIAL:
        message = str(emitted.data[_SCRUBBED]).replace(f"{visit.patient.user_id}@example.org", "[email]")
        words = "with a reporter" if "reported by" in message else "alone"
        error = {name: value for name, value in emitted.data.items() if name in _OF_ERRORS}
        fingerprint = f"fingerprint:video:{emitted.data['error_code']}:{words}"
        rows["errors"] = Row(
            {**known, **error, "source": "video", "message": message}, {**alike, "fingerprint": fingerprint}
        )
    return rows
