"""How full the server of the landing queue is, asked at most once a second and never by a request.

Invariants: what goes to PostgreSQL (the trail, security: what the law wants kept) has room of its own above what all
others may fill, and no other kind may fill all that the others share: a flood of errors costs neither the trail nor the
media events their room. Strangers may fill half of a kind's share: however many they are, the reports of those who
have a token find room. Of what is reserved security may fill a half: no flood of attacks that services report costs the
trail its room. What the API itself tells security may fill a small share of what all others share, and nothing
of what is reserved.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.contracts.landing import stream_name
from telemetry_platform.errors import QueueFullError
from telemetry_platform.stores.redis import ResponseError, platform_error
from telemetry_platform.stores.redis_channel import pack

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from telemetry_platform.contracts.event_kind import EventKind
    from telemetry_platform.settings import RedisSettings
    from telemetry_platform.stores.redis_channel import RedisChannel

_INFO = pack(b"INFO", b"memory")
# A drop is a few bytes without which the access record of a person who did not consent could not be taken.
_MAY_COME_ALONG = frozenset({"drops"})
STREAM_SHARE = 0.7
"""What the streams of one kind may fill of the room that all kinds but the reserved ones share."""
STRANGERS_SHARE = 0.5
"""What of that requests without a valid token may fill."""
SIGHTINGS_SHARE = 0.05
"""What the security streams may fill while the API still adds sightings of its own to them."""
SECURITY_SHARE = 0.5
"""What the security streams may fill of the reserved room, once all others have filled theirs."""
_SIGHTINGS = "security"


class QueueRoom:
    """The last known shares of memory that are used, by the server as a whole and by each kind's streams.

    `fill` is None before the first look, and when neither the server nor the settings state how much there is.
    """

    def __init__(self, channel: RedisChannel, settings: RedisSettings, kinds: Mapping[str, EventKind]) -> None:
        self._channel = channel
        self._reserved = frozenset(name for name, kind in kinds.items() if kind.store is Store.POSTGRES)
        self._limit = settings.maxmemory_bytes
        self._streams = [
            (kind, stream_name(kind, shard))
            for kind in kinds
            if kind not in self._reserved
            for shard in range(settings.shards)
        ]
        self._watched = [stream_name(_SIGHTINGS, shard) for shard in range(settings.shards)]
        # An estimate from a few parts of each stream: the time it takes does not grow with the stream.
        self._question = _INFO + b"".join(
            pack(b"MEMORY", b"USAGE", name.encode()) for name in (*(name for _, name in self._streams), *self._watched)
        )
        self.max_fill = settings.max_fill
        # Half of what the others leave: the rest is for the server's own work and for what is written between looks.
        self.audit_max_fill = settings.max_fill + (1 - settings.max_fill) / 2
        self.fill: float | None = None
        self.fill_of: Mapping[str, float] = {}
        self.fill_of_sightings = 0.0

    async def look(self) -> None:
        """Ask the server, all in one round trip."""
        replies = await self._channel.send(self._question, 1 + len(self._streams) + len(self._watched))
        for reply in replies:
            if isinstance(reply, ResponseError):
                raise platform_error(reply)
        info = dict(line.split(":", 1) for line in replies[0].decode("utf-8", "replace").splitlines() if ":" in line)
        limit = self._limit or int(info.get("maxmemory", 0))
        used: defaultdict[str, int] = defaultdict(int)
        for (kind, _), size in zip(self._streams, replies[1:], strict=False):
            used[kind] += size or 0
        told = sum(size or 0 for size in replies[1 + len(self._streams) :])
        self.fill = int(info["used_memory"]) / limit if limit else None
        self.fill_of = {kind: size / limit for kind, size in used.items()} if limit else {}
        self.fill_of_sightings = told / limit if limit else 0.0

    def full_kinds(self, of_share: float = 1.0) -> list[str]:
        """The kinds whose streams fill their share, or so much of it."""
        most = self.max_fill * STREAM_SHARE * of_share
        return sorted(kind for kind, fill in self.fill_of.items() if fill >= most)

    def check(self, kinds: Collection[str], *, stranger: bool = False) -> None:
        """Raise QueueFullError when there is no room for a request with entries of these kinds.

        `stranger`: the request came without a valid token.
        """
        if self.fill is None or not kinds:
            return
        asked = set(kinds)
        if asked & self._reserved and asked <= self._reserved | _MAY_COME_ALONG:
            if self.fill >= self.audit_max_fill or (_SIGHTINGS in asked and self._security_is_full(self.fill)):
                raise QueueFullError("the landing queue is full: try again when it has been drained")
            return
        full = self.full_kinds(STRANGERS_SHARE if stranger else 1.0)
        if self.fill >= self.max_fill or not asked.isdisjoint(full):
            raise QueueFullError("the landing queue is full: try again when it has been drained")

    def _security_is_full(self, fill: float) -> bool:
        """Whether what is left is the trail's."""
        reserved = self.audit_max_fill - self.max_fill
        return fill >= self.max_fill and self.fill_of_sightings >= reserved * SECURITY_SHARE

    def check_sightings(self) -> None:
        """Raise QueueFullError when the API may not add sightings of its own."""
        fill = self.fill or 0.0
        if fill >= self.max_fill or self.fill_of_sightings >= self.max_fill * SIGHTINGS_SHARE:
            raise QueueFullError("no room for more sightings in the landing queue: look why it is not drained")
