"""The outermost layer: our own access log, security headers, and the answer to what nobody foresaw.

Plain ASGI, since the framework's middleware class costs a task and a queue per request. Invariants: the log says route
template, status and time, never a path, a query, an address or a person; an unforeseen error is answered without a
detail and logged by its type and place only, because messages and tracebacks quote values.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

import orjson

from telemetry_platform.api.problems import MEDIA_TYPE, document
from telemetry_platform.errors import PermanentError

if TYPE_CHECKING:
    from types import TracebackType

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from telemetry_platform.api.metrics import ApiMetrics
    from telemetry_platform.errors import PlatformError

_UNMATCHED = "unmatched"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"x-frame-options", b"DENY"),
)
_CSP = (b"content-security-policy", b"default-src 'self'; frame-ancestors 'none'")


def log_line(stream: TextIO, **fields: Any) -> None:  # noqa: ANN401 - JSON values
    """One JSON object on one line."""
    stream.write(orjson.dumps({"at": datetime.now(UTC), **fields}).decode() + "\n")


def say(error: PlatformError) -> None:
    """What a store or a setting did to us. The message is ours and names no values."""
    level = "ERROR" if isinstance(error, PermanentError) else "WARNING"
    log_line(sys.stderr, level=level, error=type(error).__name__, message=str(error))


class Front:
    """Wraps the whole app."""

    def __init__(self, app: ASGIApp, metrics: ApiMetrics, log: TextIO | None = None) -> None:
        self._app = app
        self._metrics = metrics
        self._log = log or sys.stderr

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or run the lifespan."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 0

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message.get("headers", ())]
                # What an answer says of itself stands: a page that needs more than its own origin, an answer that may
                # be kept.
                said = {name.lower() for name, _ in headers}
                headers += [header for header in (*_SECURITY_HEADERS, _CSP) if header[0] not in said]
                message = {**message, "headers": headers}
            await send(message)

        try:
            await self._app(scope, receive, send_guarded)
        except Exception as error:  # noqa: BLE001 - the outermost edge: a client gets a problem document, whatever broke
            log_line(self._log, level="ERROR", error=type(error).__name__, where=_place(error.__traceback__))
            if status == 0:
                await _fail(send_guarded)
        finally:
            self._finish(scope, status, time.perf_counter() - began)

    def _finish(self, scope: Scope, status: int, seconds: float) -> None:
        route = template(scope)
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.answered(route, status, seconds)
        log_line(self._log, level="INFO", method=method, route=route, status=status, ms=round(seconds * 1000, 2))


def template(scope: Scope) -> str:
    """The route's template; what matched none has no name, since a path may hold anything."""
    found = getattr(scope.get("endpoint"), "template", None) or getattr(scope.get("route"), "path", None)
    return found if isinstance(found, str) else _UNMATCHED


async def _fail(send: Send) -> None:
    body = orjson.dumps(document(500, "internal_error", "the request could not be served; our log says why"))
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _place(traceback: TracebackType | None) -> str:
    """Module, function and line of the innermost frames; no values."""
    frames: list[str] = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        frames.append(f"{traceback.tb_frame.f_globals.get('__name__', '?')}.{code.co_name}:{traceback.tb_lineno}")
        traceback = traceback.tb_next
    return " < ".join(reversed(frames[-4:]))
