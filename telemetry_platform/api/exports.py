"""Sends an export while it is made, and lets go of what it holds whatever becomes of the connection.

Invariants: pieces are made in a thread, one at a time and no sooner than the one before is sent, so that the slowest
reader costs the memory of one; an export that fails half way ends the connection without its end, and is no ZIP.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from starlette.responses import StreamingResponse

from telemetry_platform.api.front import say
from telemetry_platform.api.problems import ProblemError
from telemetry_platform.errors import PlatformError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from starlette.types import Receive, Scope, Send

_AT_ONCE = 2


class Exports:
    """How many exports of one process may run."""

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(_AT_ONCE)

    def enter(self) -> Callable[[], None]:
        """Take a place; what is returned gives it back. Raises ProblemError (429) when there is none."""
        if not self._places.acquire(blocking=False):
            detail = f"{_AT_ONCE} exports are under way: try again when one has ended"
            raise ProblemError(429, "too_many_exports", detail, headers={"Retry-After": "30"})
        return self._places.release


class ExportResponse(StreamingResponse):
    """A file in pieces; `close` is called once, at the end or when the client has gone."""

    def __init__(self, pieces: Iterator[bytes], name: str, close: Callable[[], None]) -> None:
        super().__init__(
            _in_threads(pieces),
            media_type="application/zip",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )
        self._close = close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._close()


async def _in_threads(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces, each made in a thread."""
    try:
        while piece := await asyncio.to_thread(next, pieces, b""):
            yield piece
    except PlatformError as error:
        # The status has been sent: the log says why, and the client sees an answer without an end.
        say(error)
        raise
