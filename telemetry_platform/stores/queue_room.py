"""How full the server of the landing queue is, asked at most once a second and never by a request.

Invariant: audit entries have room of their own above what all others may fill, so that a flood of events never costs
the audit trail an entry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform.errors import QueueFullError
from telemetry_platform.stores.redis import ResponseError, platform_error
from telemetry_platform.stores.redis_channel import pack

if TYPE_CHECKING:
    from telemetry_platform.settings import RedisSettings
    from telemetry_platform.stores.redis_channel import RedisChannel

_INFO = pack(b"INFO", b"memory")


class QueueRoom:
    """The last known share of memory that is used; None before the first look, or when the server has no limit."""

    def __init__(self, channel: RedisChannel, settings: RedisSettings) -> None:
        self._channel = channel
        self._limit = settings.maxmemory_bytes
        self.max_fill = settings.max_fill
        # Half of what the others leave: the rest is for the server's own work and for what is written between looks.
        self.audit_max_fill = settings.max_fill + (1 - settings.max_fill) / 2
        self.fill: float | None = None

    async def look(self) -> None:
        """Ask the server."""
        (reply,) = await self._channel.send(_INFO, 1)
        if isinstance(reply, ResponseError):
            raise platform_error(reply)
        info = dict(line.split(":", 1) for line in reply.decode("utf-8", "replace").splitlines() if ":" in line)
        limit = self._limit or int(info.get("maxmemory", 0))
        self.fill = int(info["used_memory"]) / limit if limit else None

    def check(self, *, audit_only: bool) -> None:
        """Raise QueueFullError when there is no room for a request's entries."""
        if self.fill is not None and self.fill >= (self.audit_max_fill if audit_only else self.max_fill):
            raise QueueFullError("the landing queue is full: try again when it has been drained")
