"""The body of a request, read within its limit; and the events in it.

Invariant: no more than the limit is ever held in memory, whatever Content-Length says or does not say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from telemetry_platform.api.problems import ProblemError
from telemetry_platform.processing.payload_reading import FieldFault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive


class ClientGoneError(Exception):
    """The client went away before its body was complete; there is nobody to answer."""


def check_headers(headers: Mapping[bytes, list[bytes]], max_bytes: int) -> None:
    """Refuse what need not be read: other types, compressed bodies, bodies that say that they are too large."""
    kinds = headers.get(b"content-type", [])
    if len(kinds) != 1 or not _is_json(kinds[0]):
        raise ProblemError(415, "unsupported_media_type", "send Content-Type: application/json, in UTF-8")
    if any(value.strip().lower() not in {b"", b"identity"} for value in headers.get(b"content-encoding", ())):
        raise ProblemError(415, "compressed_body", "send the body as it is: a compressed one is not taken")
    check_length(headers, max_bytes)


def check_length(headers: Mapping[bytes, list[bytes]], max_bytes: int) -> None:
    """Refuse a body that says that it is too large."""
    length = headers.get(b"content-length", [b"0"])[0]
    if length.isdigit() and int(length[:20]) > max_bytes:
        raise too_large(max_bytes)


def _is_json(value: bytes) -> bool:
    kind, _, parameters = value.lower().partition(b";")
    charset = parameters.replace(b" ", b"").replace(b'"', b"")
    return kind.strip() == b"application/json" and charset in {b"", b"charset=utf-8", b"charset=utf8"}


def too_large(max_bytes: int) -> ProblemError:
    """413; the connection ends, since the rest of the body is not read."""
    detail = (
        f"a body may have at most {max_bytes} bytes: send what it holds in several requests, and numbers with no more "
        "digits than they need"
    )
    return ProblemError(413, "body_too_large", detail, headers={"Connection": "close"})


async def read_body(receive: Receive, max_bytes: int) -> bytes:
    """The whole body."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        part = message.get("body", b"")
        size += len(part)
        if size > max_bytes:
            raise too_large(max_bytes)
        if part:
            parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def events_of(body: Any, max_events: int) -> tuple[list[Any], bool]:  # noqa: ANN401 - whatever JSON held
    """The events, and whether they came as a batch `{"events": [...]}`."""
    if not isinstance(body, dict) or "events" not in body:
        return [body], False
    events = body["events"]
    if not isinstance(events, list) or not events:
        fault = FieldFault("events", "must be a list of at least one event", "list_expected")
        raise ProblemError(422, "invalid_batch", "a batch holds a list of events", faults=(fault,))
    if len(events) > max_events:
        fault = FieldFault("events", f"must hold at most {max_events} events", "too_many_events")
        raise ProblemError(422, "too_many_events", f"a batch holds at most {max_events} events", faults=(fault,))
    return events, True
