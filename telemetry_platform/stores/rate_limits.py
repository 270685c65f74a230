"""Rate limits that all API processes share: one bucket in Redis for each subject and rate (GCRA).

A bucket is one number, the moment at which it is full again, so that nothing happens at the edge of a window: there is
none. Whether there is room and what it costs is decided by one script in one round trip, over all of a subject's
buckets at once. A refusal writes nothing: whoever is refused costs the server no disk, and does not wait longer for
having asked.

Invariants: a bucket's name is an HMAC under a random key of the day, so what lies in Redis names nobody; the key is
made by Redis' first asker of the day, is kept nowhere else but in the memory of the processes that use it, and ends
soon after the day. For that while the day's buckets count together with those of the day before, or midnight would give
everybody a second burst.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from telemetry_platform.errors import TransientError
from telemetry_platform.stores.redis import ResponseError, platform_error
from telemetry_platform.stores.redis_channel import pack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from telemetry_platform.stores.redis_channel import RedisChannel

_MINUTE_US = 60_000_000
_DAY_MS = 86_400_000
_ID_BYTES, _KEY_BYTES = 16, 32
_STALE = -1
_ATTEMPTS = 2

# KEYS: the day's key; the buckets of today; those of yesterday, or none. ARGV: the id of the day's key; now; what is
# charged now; what must find room together when the request is sent again; then, for each rate, the time that one event
# takes and the time that a full bucket takes. Times are whole microseconds: numbers are doubles here, exact up to 2^53.
_SCRIPT = b"""
if redis.call('GETRANGE', KEYS[1], 0, 15) ~= ARGV[1] then return -1 end
local now, cost, again = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local rates = (#ARGV - 4) / 2
local filled, refused, wait = {}, false, 0
for i = 1, rates do
  local each, depth, at = tonumber(ARGV[3 + 2 * i]), tonumber(ARGV[4 + 2 * i]), now
  for place = 1 + i, #KEYS, rates do
    at = math.max(at, tonumber(redis.call('GET', KEYS[place]) or 0))
  end
  filled[i] = at + cost * each
  refused = refused or filled[i] > now + depth
  wait = math.max(wait, at + again * each - depth - now)
end
if refused then return wait end
for i = 1, rates do
  redis.call('SET', KEYS[1 + i], filled[i], 'PX', math.ceil((filled[i] - now) / 1000))
end
return 0
"""


@dataclass(frozen=True)
class Rate:
    """In any stretch of time at most `burst` events, and `per_minute` more for each minute of it."""

    per_minute: int
    burst: int

    @property
    def interval_us(self) -> int:
        """The time that one event takes; rounded up, so that the rate is never exceeded."""
        return -(-_MINUTE_US // self.per_minute)

    @property
    def depth_us(self) -> int:
        """The time after which a bucket that took a whole burst is empty."""
        return self.burst * self.interval_us


@dataclass(frozen=True)
class _DayKey:
    """A day's key; the id tells a script whether Redis still holds the same."""

    day: int
    key_id: bytes
    key: bytes = field(repr=False)

    def bucket(self, subject: str) -> bytes:
        return b"limits:" + hmac.digest(self.key, subject.encode(), hashlib.sha256).hex().encode()


class RateLimits:
    """Charges subjects by several rates at once. `random_bytes` makes keys."""

    def __init__(self, channel: RedisChannel, rates: Sequence[Rate], random_bytes: Callable[[int], bytes]) -> None:
        self._channel = channel
        self._rates = tuple(rates)
        self._random_bytes = random_bytes
        # How long a bucket of yesterday may still hold something.
        self._overlap_ms = max(-(-rate.depth_us // 1000) for rate in rates)
        self._keys: tuple[_DayKey, ...] = ()
        self._times = [b"%d" % time for rate in rates for time in (rate.interval_us, rate.depth_us)]

    async def charge(self, subjects: Sequence[str], cost: int, now_ms: int, *, already: int = 0) -> int:
        """Charge `cost` events to all subjects (one for each rate), or to none: how many milliseconds it must wait.

        0: it is charged. `already` is what the same request was charged before: it will be charged again when it is
        sent again, so the wait is for both. Together they must fit into every burst, or no wait would be long enough.
        """
        for _ in range(_ATTEMPTS):
            keys = await self._keys_at(now_ms)
            reply = await self._ask(keys, subjects, (now_ms * 1000, cost, cost + already))
            if reply != _STALE:
                return -(-reply // 1000)
            self._keys = ()
        raise TransientError("Redis lost the day's key of the rate limits twice in a row: check what empties it")

    async def _ask(self, keys: Sequence[_DayKey], subjects: Sequence[str], numbers: Sequence[int]) -> int:
        buckets = [key.bucket(subject) for key in keys for subject in subjects]
        arguments = [keys[0].key_id, *(b"%d" % number for number in numbers), *self._times]
        command = (b"EVAL", _SCRIPT, b"%d" % (1 + len(buckets)), _name(keys[0].day), *buckets, *arguments)
        (reply,) = await self._channel.send(pack(*command), 1)
        return int(_checked(reply))

    async def _keys_at(self, now_ms: int) -> tuple[_DayKey, ...]:
        """The key that all processes use today, and yesterday's as long as its buckets count.

        Redis is asked once a day, and when it lost the key.
        """
        day, into_day_ms = divmod(now_ms, _DAY_MS)
        keys = self._keys
        if not keys or keys[0].day != day:
            made = self._random_bytes(_ID_BYTES + _KEY_BYTES)
            life_ms = _DAY_MS - into_day_ms + self._overlap_ms
            command = pack(b"SET", _name(day), made, b"NX", b"GET", b"PX", b"%d" % life_ms)
            found, before = await self._channel.send(command + pack(b"GET", _name(day - 1)), 2)
            keys = (_read(day, _checked(found) or made),)
            if _checked(before) is not None:
                keys += (_read(day - 1, before),)
        if into_day_ms >= self._overlap_ms:
            keys = keys[:1]
        self._keys = keys
        return keys


def _name(day: int) -> bytes:
    return b"limits:key:%d" % day


def _read(day: int, kept: bytes) -> _DayKey:
    return _DayKey(day, kept[:_ID_BYTES], kept[_ID_BYTES:])


def _checked(reply: Any) -> Any:  # noqa: ANN401 - what Redis answers
    if isinstance(reply, ResponseError):
        raise platform_error(reply)
    return reply
