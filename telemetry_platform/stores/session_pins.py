"""Session pins: a session keeps the key epoch and the actor that it began with, whichever process sees it next.

The pin lies in Redis for 48 hours after the session's first event. Invariant: the first writer wins (`SET NX GET`), so
that all processes agree; this process remembers what it read for ten minutes at most, so that it forgets a pin soon
after Redis does.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.errors import ContractViolationError
from telemetry_platform.stores.redis import ResponseError, own_errors, platform_error
from telemetry_platform.stores.redis_channel import pack

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from redis import Redis

    from telemetry_platform.stores.redis_channel import RedisChannel

LIFE_SECONDS = 172_800
_REMEMBERED_MS = 600_000
_REMEMBERED_SESSIONS = 100_000


@dataclass(frozen=True)
class Pin:
    """The epoch of the actor's key, and the actor's pseudonym under it."""

    epoch: int
    actor_hash: str

    def text(self) -> bytes:
        """As it lies in Redis."""
        return f"{self.epoch}:{self.actor_hash}".encode()


def _key(org_id: str, session_id: str) -> bytes:
    return f"session:{org_id}:{session_id}".encode()


def _began(left_ms: int, now: int) -> int:
    """When a session began, told by the life that its pin has left; without a pin, the latest moment it can have."""
    return now - LIFE_SECONDS * 1000 + max(left_ms, 0)


def beginnings(client: Redis, sessions: Collection[tuple[str, str]], now: int) -> Mapping[tuple[str, str], int]:
    """When sessions (tenant, id) began, in milliseconds; `now` is the clock of whoever asks."""
    asked = sorted(sessions)
    with own_errors():
        pipe = client.pipeline(transaction=False)
        for org_id, session_id in asked:
            pipe.pttl(_key(org_id, session_id))
        left = pipe.execute()
    return {session: _began(int(ms), now) for session, ms in zip(asked, left, strict=True)}


def _read(text: bytes) -> Pin:
    epoch, _, actor_hash = text.decode("ascii", "replace").partition(":")
    if not epoch.isdigit():
        raise ContractViolationError("a session pin in Redis cannot be read: delete the keys `session:*` that we wrote")
    return Pin(int(epoch), actor_hash)


class SessionPins:
    """The pins of sessions, by (org, session)."""

    def __init__(self, channel: RedisChannel) -> None:
        self._channel = channel
        self._known: OrderedDict[tuple[str, str], tuple[int, Pin]] = OrderedDict()

    def remembered(self, org_id: str, session_id: str, now: int) -> Pin | None:
        """What this process still knows, without asking; `now` in milliseconds."""
        found = self._known.get((org_id, session_id))
        return found[1] if found is not None and now - found[0] < _REMEMBERED_MS else None

    async def take(self, org_id: str, session_ids: Sequence[str], pin: Pin, now: int) -> dict[str, Pin]:
        """The pin of each session; `pin` where a session has none yet."""
        commands = [
            pack(
                b"SET",
                _key(org_id, session_id),
                pin.text(),
                b"NX",
                b"GET",
                b"EX",
                b"%d" % LIFE_SECONDS,
            )
            for session_id in session_ids
        ]
        replies = await self._channel.send(b"".join(commands), len(commands))
        found: dict[str, Pin] = {}
        for session_id, reply in zip(session_ids, replies, strict=True):
            if isinstance(reply, ResponseError):
                raise platform_error(reply)
            found[session_id] = pin if reply is None else _read(reply)
            self._known[(org_id, session_id)] = (now, found[session_id])
        while len(self._known) > _REMEMBERED_SESSIONS:
            self._known.popitem(last=False)
        return found

    async def beginnings(self, org_id: str, session_ids: Sequence[str], now: int) -> dict[str, int]:
        """When sessions began, in milliseconds; for erased persons, whose older sessions have ended."""
        commands = [pack(b"PTTL", _key(org_id, session_id)) for session_id in session_ids]
        replies = await self._channel.send(b"".join(commands), len(commands)) if commands else []
        found: dict[str, int] = {}
        for session_id, reply in zip(session_ids, replies, strict=True):
            if isinstance(reply, ResponseError):
                raise platform_error(reply)
            found[session_id] = _began(int(reply), now)
        return found
