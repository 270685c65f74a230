"""The Redis driver: clients that time out, and errors that leave as the platform's own, without the server's words.

Invariant: this is the only module that imports the driver and its reply parser.
"""

from __future__ import annotations

import ssl
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import hiredis
import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.exceptions import AuthenticationError, NoPermissionError, OutOfMemoryError, RedisError, ResponseError
from redis.retry import Retry

from telemetry_platform.errors import (
    ConfigurationError,
    PermanentError,
    PlatformError,
    QueueFullError,
    TransientError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.settings import RedisSettings

__all__ = ["Address", "Redis", "ResponseError", "address", "connect", "connect_async", "own_errors", "reply_reader"]

Redis = redis.Redis
TIMEOUT_SECONDS = 2.0
"""How long the API waits for an answer; a server that hangs costs a 503, not a worker."""
_DRAIN_TIMEOUT_SECONDS = 30.0


def platform_error(error: RedisError) -> PlatformError:
    """The platform's own error for one of the driver's."""
    if isinstance(error, OutOfMemoryError):
        return QueueFullError("Redis has no memory left: drain the landing queue, or raise maxmemory")
    if isinstance(error, (AuthenticationError, NoPermissionError)):
        return PermanentError("Redis refused us: check user and password in TELEMETRY_REDIS__URL, and the user's rules")
    if isinstance(error, ResponseError) and not str(error).startswith(("LOADING", "BUSY", "TRYAGAIN", "CLUSTERDOWN")):
        # The first word of an answer is its code; the rest may quote what we sent.
        return PermanentError(
            f"Redis refused a command ({str(error).split(' ', 1)[0]}): it needs streams, scripts and WAITAOF"
        )
    return TransientError("Redis does not answer: check that it runs at the address in TELEMETRY_REDIS__URL")


@contextmanager
def own_errors() -> Iterator[None]:
    """Whatever the driver raises in the block leaves as a PlatformError."""
    try:
        yield
    except RedisError as error:
        raise platform_error(error) from None


def connect(settings: RedisSettings, *, timeout_seconds: float | None = None) -> redis.Redis:
    """A client for the drain, for checks and for commands; answers are bytes. `timeout_seconds`: give up earlier."""
    with own_errors():
        return redis.Redis.from_url(
            settings.url.get_secret_value(),
            socket_connect_timeout=timeout_seconds or TIMEOUT_SECONDS,
            socket_timeout=timeout_seconds or _DRAIN_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )


def connect_async(settings: RedisSettings) -> redis.asyncio.Redis:
    """The same for an event loop."""
    with own_errors():
        return redis.asyncio.Redis.from_url(
            settings.url.get_secret_value(),
            socket_connect_timeout=TIMEOUT_SECONDS,
            socket_timeout=TIMEOUT_SECONDS,
            protocol=2,
        )


@dataclass(frozen=True)
class Address:
    """Where a server is and who we are there."""

    host: str
    port: int
    path: str | None
    database: int
    user: str | None
    password: str | None = field(repr=False)
    tls: ssl.SSLContext | None = field(repr=False)


def address(settings: RedisSettings) -> Address:
    """The parts of the URL. Raises ConfigurationError when it is none."""
    try:
        parts: dict[str, Any] = dict(
            parse_url(settings.url.get_secret_value())  # type: ignore[no-untyped-call]  # the driver has no types here
        )
    except ValueError:
        raise ConfigurationError(
            "TELEMETRY_REDIS__URL cannot be read: write redis://user:password@host:port/0, or rediss:// for TLS"
        ) from None
    secure = issubclass(parts.get("connection_class", object), redis.SSLConnection)
    return Address(
        host=parts.get("host", "127.0.0.1"),
        port=int(parts.get("port", 6379)),
        path=parts.get("path"),
        database=int(parts.get("db", 0)),
        user=parts.get("username"),
        password=parts.get("password"),
        tls=ssl.create_default_context(cafile=parts.get("ssl_ca_certs")) if secure else None,
    )


def reply_reader() -> hiredis.Reader:
    """A parser of replies: `feed` bytes, `gets` values; error replies are values of the type ResponseError."""
    return hiredis.Reader(replyError=_reply_error)


def _reply_error(message: str) -> ResponseError:
    """The driver's exception for an error reply, so that `platform_error` sees one kind of error only."""
    if message.startswith("OOM"):
        return OutOfMemoryError(message)
    if message.startswith(("NOPERM", "NOAUTH", "WRONGPASS")):
        return NoPermissionError(message)
    return ResponseError(message)
