"""One connection to Redis that all requests of an API process share.

Commands of a request are written at once and answered in order, so requests do not wait for one another and the server
syncs its file once for all that came together. Invariants: what one `send` writes is not interleaved with another's;
when the connection breaks or hangs, everybody who waits is told so, and the next `send` makes a new one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from telemetry_platform.errors import PlatformError, TransientError
from telemetry_platform.stores.redis import ResponseError, platform_error, reply_reader

if TYPE_CHECKING:
    from collections.abc import Callable

    from telemetry_platform.stores.redis import Address


def pack(*arguments: bytes) -> bytes:
    """One command as Redis reads it."""
    return b"*%d\r\n" % len(arguments) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in arguments)


def _lost() -> TransientError:
    return TransientError("the connection to Redis was lost: check that it runs, then try again")


def _hangs() -> TransientError:
    return TransientError("Redis did not answer in time: check that it is not overloaded, then try again")


@dataclass(slots=True)
class _Waiting:
    """Somebody who waits for so many replies."""

    missing: int
    future: asyncio.Future[list[Any]]
    replies: list[Any] = field(default_factory=list)


class _Link(asyncio.Protocol):
    """The connection itself."""

    def __init__(self) -> None:
        self._reader = reply_reader()
        self._waiting: deque[_Waiting] = deque()
        self._transport: asyncio.Transport | None = None
        self.open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.open = True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - what broke it does not matter
        self.fail(_lost())

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while self._waiting:
            first = self._waiting[0]
            while first.missing:
                reply = self._reader.gets()
                if reply is False:
                    return
                first.replies.append(reply)
                first.missing -= 1
            self._waiting.popleft()
            if not first.future.done():
                first.future.set_result(first.replies)

    def write(self, packed: bytes, replies: int) -> asyncio.Future[list[Any]]:
        """Send; the future holds the replies."""
        transport = self._transport
        if transport is None or not self.open:
            raise _lost()
        future: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(replies, future))
        transport.write(packed)
        return future

    def fail(self, error: PlatformError) -> None:
        """Tell everybody who waits, and be done: replies that still come would be taken for somebody else's."""
        self.open = False
        while self._waiting:
            future = self._waiting.popleft().future
            if not future.done():
                future.set_exception(error)
        if self._transport is not None:
            self._transport.abort()


class RedisChannel:
    """The process's way to Redis; connects when it is first used, and again after a failure."""

    def __init__(self, address: Address, timeout_seconds: float) -> None:
        self._address = address
        self._timeout = timeout_seconds
        self._link: _Link | None = None
        self._connecting: asyncio.Task[_Link] | None = None

    async def ready(self) -> None:
        """Be connected. Raises TransientError when the server does not answer, PermanentError when it refuses us."""
        await self._usable()

    async def send(self, packed: bytes, replies: int) -> list[Any]:
        """Write commands, wait for their replies; an error reply is a value among them."""
        return await self.send_when_ready(lambda: packed, replies)

    async def send_when_ready(self, make: Callable[[], bytes], replies: int) -> list[Any]:
        """The same, for bytes that must be made in the moment of sending (numbers without gaps, for instance)."""
        link = self._link
        if link is None or not link.open:
            link = await self._usable()
        future = link.write(make(), replies)
        timer = asyncio.get_running_loop().call_later(self._timeout, _expire, link, future)
        try:
            return await future
        finally:
            timer.cancel()

    async def close(self) -> None:
        """End the connection."""
        if self._link is not None:
            self._link.fail(_lost())
            self._link = None

    async def _usable(self) -> _Link:
        """The open connection; everybody who needs one waits for the same attempt."""
        if self._link is not None and self._link.open:
            return self._link
        if self._connecting is None or self._connecting.done():
            self._connecting = asyncio.ensure_future(self._connect())
        return await asyncio.shield(self._connecting)

    async def _connect(self) -> _Link:
        link = _Link()
        try:
            async with asyncio.timeout(self._timeout):
                await self._open(link)
                answers = await self._introduce(link)
        except (OSError, TimeoutError):
            link.fail(_lost())
            raise TransientError(
                "Redis does not answer: check that it runs at the address in TELEMETRY_REDIS__URL"
            ) from None
        for answer in answers:
            if isinstance(answer, ResponseError):
                link.fail(_lost())
                raise platform_error(answer)
        self._link = link
        return link

    async def _open(self, link: _Link) -> None:
        loop = asyncio.get_running_loop()
        if self._address.path is not None:
            await loop.create_unix_connection(lambda: link, self._address.path)
        else:
            await loop.create_connection(lambda: link, self._address.host, self._address.port, ssl=self._address.tls)

    async def _introduce(self, link: _Link) -> list[Any]:
        """Sign in, choose the database, say who we are."""
        commands = [("SELECT", str(self._address.database)), ("CLIENT", "SETNAME", "telemetry-api")]
        if self._address.password is not None:
            user = (self._address.user,) if self._address.user else ()
            commands.insert(0, ("AUTH", *user, self._address.password))
        packed = b"".join(pack(*(part.encode() for part in command)) for command in commands)
        return await link.write(packed, len(commands))


def _expire(link: _Link, future: asyncio.Future[list[Any]]) -> None:
    """A reply is overdue: the connection as a whole is given up."""
    if not future.done():
        link.fail(_hangs())
