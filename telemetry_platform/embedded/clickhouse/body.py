"""A request's body, pulled by a worker thread from the event loop, and the watch for a client that goes away.

Invariant: only one side reads at a time. The worker pulls until the body has ended; from then on the watch reads, whose
only news is that the client is gone. Pulling, instead of pushing, is what keeps a large insert out of the memory.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECE_BYTES: Final = 1024 * 1024


class ClientGoneError(Exception):
    """The client closed the connection inside its request."""


class Incoming:
    """The receiving side of one request."""

    def __init__(self, receive: Any, loop: asyncio.AbstractEventLoop) -> None:  # noqa: ANN401 - ASGI's own shape
        self._receive = receive
        self._loop = loop
        self._ended = asyncio.Event()
        self.is_gone = False
        # The server reports an answered request like a lost client; killing then could hit the session's next query.
        self.is_answered = False

    def pieces(self) -> Iterator[bytes]:
        """The body in pieces of about 1 MiB, for the worker thread."""
        while not self._ended.is_set():
            piece = asyncio.run_coroutine_threadsafe(self._next(), self._loop).result()
            if piece:
                yield piece

    async def _next(self) -> bytes:
        """Gather what has come into one piece: a thread hop for every packet would cost more than the packet."""
        gathered: list[bytes] = []
        size = 0
        while size < _PIECE_BYTES:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self.is_gone = True
                self._ended.set()
                raise ClientGoneError
            gathered.append(message.get("body", b""))
            size += len(gathered[-1])
            if not message.get("more_body", False):
                self._ended.set()
                break
        return b"".join(gathered)

    async def gone(self) -> bool:
        """Wait for the end of the connection; whether it came before the answer was complete."""
        await self._ended.wait()
        while not self.is_gone and not self.is_answered:
            lost = (await self._receive())["type"] == "http.disconnect"
            self.is_gone = lost and not self.is_answered
        return self.is_gone
