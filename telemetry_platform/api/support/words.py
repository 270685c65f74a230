"""How the pages say things: names of causes, moments with their zone, lengths, and events as sentences."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from telemetry_platform.contracts.verdict import Cause
from telemetry_platform.processing.session_drawing import clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

CAUSES: Mapping[Cause, str] = {
    Cause.SLOW_CDN: "Slow video delivery",
    Cause.PATIENT_NETWORK: "Patient's connection",
    Cause.SLOW_DEVICE: "Device too slow",
    Cause.PLAYER_ERROR: "Player error",
    Cause.OUR_API: "Our own service",
    Cause.LEFT_EARLY: "Left early",
    Cause.FINE: "Fine",
    Cause.NOT_ENOUGH_DATA: "Not enough data",
}
_TONES = {Cause.FINE: "good", Cause.LEFT_EARLY: "plain", Cause.NOT_ENOUGH_DATA: "plain"}
_FIELDS = {"user_id": "user id", "session_id": "session id", "error_code": "error code", "from": "from", "to": "to"}
_PROBLEMS = {
    400: "That cannot be read",
    403: "You may not see this",
    404: "There is no such session",
    429: "Too many requests",
    503: "The data cannot be read just now",
}
_NOTHING = "–"  # noqa: RUF001 - typography of the page


def problem_title(status: int) -> str:
    """A title in plain words."""
    return _PROBLEMS.get(status, HTTPStatus(status).phrase)


def field(name: str) -> str:
    """A field of the form as people call it."""
    return _FIELDS.get(name, "the form")


def cause(value: Cause | None) -> str:
    """A cause as people call it."""
    return _NOTHING if value is None else CAUSES[value]


def tone(value: Cause | None) -> str:
    """How it is shown beside its words: never by colour alone."""
    return "plain" if value is None else _TONES.get(value, "bad")


def moment(value: datetime | None) -> str:
    """A moment with its zone."""
    return _NOTHING if value is None else f"{value:%Y-%m-%d %H:%M:%S} UTC"


def figure(value: float | None, unit: str = "") -> str:
    """A number as a person reads it; a dash where nothing was measured."""
    if value is None:
        return _NOTHING
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}".rstrip("0").rstrip(".")  # noqa: PLR2004 - three digits do
    return f"{text} {unit}".strip()


def short(value: str | None) -> str:
    """The beginning of a pseudonym: enough to tell two apart on a page."""
    return _NOTHING if not value else value[:12]


def or_nothing(value: object) -> str:
    """A text, or a dash for none."""
    return _NOTHING if value is None or not str(value) else str(value)


FILTERS: dict[str, Callable[..., Any]] = {
    "cause": cause,
    "tone": tone,
    "moment": moment,
    "figure": figure,
    "short": short,
    "clock": clock,
    "or_nothing": or_nothing,
}


def timeline(events: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The events as lines of a table: when since the beginning, what, where in the medium, and what it says."""
    found: list[dict[str, str]] = []
    begin: datetime | None = None
    for event in events:
        begin = begin or event["at"]
        position = event["position_after"]
        found.append(
            {
                "at": clock((event["at"] - begin).total_seconds()),
                "moment": moment(event["at"]),
                "event": str(event["event"]).replace("_", " "),
                "position": _NOTHING if position is None else clock(position),
                "says": _says(event),
            }
        )
    return found


def _says(event: Mapping[str, Any]) -> str:
    parts = [
        f"bitrate {event['told_bitrate'] / 1e6:.2f} Mbit/s" if event["told_bitrate"] is not None else "",
        f"resolution {event['told_resolution']}" if event["told_resolution"] else "",
        f"lasted {event['duration_ms'] / 1000:.1f} s" if event["duration_ms"] is not None else "",
        f"{event['percent']} %" if event["percent"] is not None else "",
        f"CDN answered in {event['cdn_response_time_ms']:.0f} ms" if event["cdn_response_time_ms"] is not None else "",
        f"{event['dropped_frames']} frames dropped" if event["dropped_frames"] else "",
        f"code {event['error_code']}" if event["error_code"] else "",
        f"status {event['http_status']}" if event["http_status"] else "",
        "ended playback" if event["fatal"] else "",
        str(event["reason"]) if event["reason"] else "",
    ]
    return ", ".join(part for part in parts if part)
