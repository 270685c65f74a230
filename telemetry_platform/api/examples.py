"""Examples of payloads, made from their models: valid by construction, dated at the moment that is given.

A field's own example (`Field(examples=[...])`) comes first, then a word from here, then a value of its type; the test
that posts every example back holds them true.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin
from uuid import NAMESPACE_URL, uuid5

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.fields import FieldInfo

_WORDS: dict[str, Any] = {
    "media_id": "knee-squat-2",
    "exercise_id": "knee-squat-2",
    "media_type": "video",
    "connection_type": "4g",
    "effective_bandwidth": 8.4,
    "resolution": "720p",
    "initial_resolution": "720p",
    "from_resolution": "720p",
    "to_resolution": "480p",
    "error_code": "MEDIA_ERR_NETWORK",
    "error_message": "segment request failed",
    "http_status": 504,
    "max_touch_points": 5,
    "app_version": "4.2.1",
    "total_duration_seconds": 120.5,
    "position_seconds": 45.2,
    "watched_seconds": 44.0,
    "from_position": 10.0,
    "to_position": 60.5,
    "ttfb_ms": 340.0,
    "current_bitrate": 2_500_000,
    "initial_bitrate": 2_500_000,
    "route": "/exercises",
    "url": "/exercises/4711?tab=video",
    "element": "start_exercise",
    "feature": "exercise_diary",
    "referrer_host": "search.example.com",
    "properties": {"tab": "today", "count": 3},
    "message": "request failed after 30 s",
    "stack": "TypeError: request failed\n    at play (main.js:1:20)",
    "status_code": 200,
    "duration_ms": 41.5,
    "request_bytes": 0,
    "response_bytes": 18_211,
    "instance": "core-api-7d9f-x2",
    "org_id": "org-1",
    "staff_user_id": "staff-77",
    "team_id": "team-3",
    "actor_id": "user-1",
    "action": "patient.read",
    "resource_type": "plan",
    "resource_id": "plan-9",
    "type": "auth.failed",
    "rule_id": "auth_failures",
    "client_address": "203.0.113.7",
    "user_agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36",
    "details": {"attempts": 12},
    "producer": "core-api-1",
    "producer_seq": 17,
    "bitrate_before": 2_500_000,
    "bitrate_after": 1_200_000,
    "from_bitrate": 2_500_000,
    "to_bitrate": 1_200_000,
}
_IDS = frozenset({"event_id", "session_id"})
"""New with every moment: an id that was posted before would be a copy, or another event under a known id."""
_SKIPPED = frozenset({"event_id", "sent_at"})
"""Left out where they are optional."""


def example(model: type[BaseModel], now: int, given: Mapping[str, Any]) -> dict[str, Any]:
    """A payload with every field of the model but those that a client rarely sends; `given` fields as they are."""
    return {
        name: given[name] if name in given else _value(name, info, now)
        for name, info in model.model_fields.items()
        if name not in _SKIPPED or info.is_required()
    }


def _value(name: str, info: FieldInfo, now: int) -> Any:  # noqa: ANN401 - a JSON value
    if info.examples:
        return info.examples[0]
    kind, part = _type(info.annotation), _part(info.annotation)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        inner = example(kind, now, {})
        return inner if part is None else [inner]
    if get_origin(kind) is Literal:
        return get_args(kind)[0]
    moment = datetime.fromtimestamp(now / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    known = {name: str(uuid5(NAMESPACE_URL, f"{name}:{now}")) for name in _IDS} | _WORDS
    values: dict[Any, Any] = {bool: False, int: 2, float: 120.0, str: "text", datetime: moment}
    # A route of a frontend is a page, one of a service a template: both are written so in _WORDS.
    return known[name] if name in known else values[kind]


def _part(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - annotations have no common type
    """The model of which a field holds a list."""
    if get_origin(annotation) is Annotated:
        return _part(get_args(annotation)[0])
    return get_args(annotation)[0] if get_origin(annotation) is list else None


def _type(annotation: Any) -> Any:  # noqa: ANN401 - annotations have no common type
    """The plain type of a field: without None, without marks."""
    if get_origin(annotation) in (Literal, dict):
        return annotation
    members = [member for member in get_args(annotation) if member is not type(None)]
    return _type(members[0]) if members else annotation
