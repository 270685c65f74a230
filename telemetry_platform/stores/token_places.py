"""In which networks each token was used within the last hour: in Redis, so that all API processes know it together.

Invariant: a token is an HMAC under a random key of the day that lies in Redis only and ends soon after the day; the
token itself is nowhere. A network is the truncated address. Just after midnight yesterday's places count too.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from telemetry_platform.stores.redis import ResponseError, platform_error
from telemetry_platform.stores.redis_channel import pack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from telemetry_platform.stores.redis_channel import RedisChannel

REMEMBERED_MS = 3_600_000
_DAY_MS = 86_400_000
_KEY_BYTES = 32
_REPLIES = 5


@dataclass(frozen=True)
class TokenUse:
    """A token was used in a network: a digest of the token, which does not leave the process, and when."""

    digest: bytes = field(repr=False)
    network: str
    at: int


@dataclass(frozen=True)
class Elsewhere:
    """A token came to a network that it was not used in before: the token's fingerprint of the day, and the others."""

    fingerprint: str
    others: tuple[str, ...]


class TokenPlaces:
    """The places of tokens. `random_bytes` makes the keys of the days."""

    def __init__(self, channel: RedisChannel, random_bytes: Callable[[int], bytes]) -> None:
        self._channel = channel
        self._random_bytes = random_bytes

    async def note(self, uses: Sequence[TokenUse]) -> list[Elsewhere | None]:
        """Keep all uses; for each, whether the token had been elsewhere, and not here."""
        keys = await self._keys({use.at // _DAY_MS - past for use in uses for past in (0, 1)})
        commands: list[bytes] = []
        prints: list[bytes] = []
        for use in uses:
            day = use.at // _DAY_MS
            today, yesterday = _fingerprint(keys[day], use), _fingerprint(keys[day - 1], use)
            prints.append(today)
            oldest = b"%d" % (use.at - REMEMBERED_MS)
            # Added before it is read: of two processes at once, one at least sees both places.
            commands += [
                pack(b"ZREMRANGEBYSCORE", _name(today), b"-inf", oldest),
                pack(b"ZADD", _name(today), b"%d" % use.at, use.network.encode()),
                pack(b"ZRANGE", _name(today), b"0", b"-1"),
                pack(b"ZRANGEBYSCORE", _name(yesterday), oldest, b"+inf"),
                pack(b"PEXPIRE", _name(today), b"%d" % (2 * REMEMBERED_MS)),
            ]
        replies = _checked(await self._channel.send(b"".join(commands), len(commands)))
        return [
            _elsewhere(use.network.encode(), fingerprint, *replies[place * _REPLIES + 1 : place * _REPLIES + 4])
            for place, (use, fingerprint) in enumerate(zip(uses, prints, strict=True))
        ]

    async def _keys(self, days: set[int]) -> dict[int, bytes]:
        """The keys of the days, asked for each time: a Redis that was emptied has new ones."""
        asked = sorted(days)
        made = [self._random_bytes(_KEY_BYTES) for _ in asked]
        life = b"%d" % (_DAY_MS + 2 * REMEMBERED_MS)
        commands = [
            pack(b"SET", b"detection:tokens:key:%d" % day, key, b"NX", b"GET", b"PX", life)
            for day, key in zip(asked, made, strict=True)
        ]
        replies = _checked(await self._channel.send(b"".join(commands), len(commands)))
        return {day: kept or key for day, kept, key in zip(asked, replies, made, strict=True)}


def _fingerprint(key: bytes, use: TokenUse) -> bytes:
    return hmac.digest(key, use.digest, hashlib.sha256)[:16].hex().encode()


def _name(fingerprint: bytes) -> bytes:
    return b"detection:token:" + fingerprint


def _elsewhere(
    network: bytes, fingerprint: bytes, added: int, today: list[bytes], yesterday: list[bytes]
) -> Elsewhere | None:
    others = sorted({*today, *yesterday} - {network})
    if not added or network in yesterday or not others:
        return None
    return Elsewhere(fingerprint.decode(), tuple(other.decode() for other in others))


def _checked(replies: list[Any]) -> list[Any]:
    for reply in replies:
        if isinstance(reply, ResponseError):
            raise platform_error(reply)
    return replies
