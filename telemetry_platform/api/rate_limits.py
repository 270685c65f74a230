"""What requests without a valid token may cost: events by full address, and, looser, by truncated prefix.

Invariants: whoever has a valid token is never charged; what is charged is the address that the walk through the trusted
proxies found, so a header of the client's own moves nothing; an address goes to the store to be hashed, and nowhere
else. Costs are events, not requests, or batches would be the way around the limit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from telemetry_platform.api.problems import ProblemError
from telemetry_platform.contracts.sightings import RATE_LIMITED
from telemetry_platform.processing.address import truncated, unmapped
from telemetry_platform.stores.rate_limits import Rate, RateLimits

if TYPE_CHECKING:
    from collections.abc import Callable

    from telemetry_platform.processing.address import Address
    from telemetry_platform.settings import ApiSettings
    from telemetry_platform.stores.redis_channel import RedisChannel

# Whoever comes without an address (a socket file, a server that tells none) shares one bucket.
_NOWHERE = "nowhere"


class AnonymousLimits:
    """The limits of one process; the buckets are shared by all."""

    def __init__(self, channel: RedisChannel, settings: ApiSettings, random_bytes: Callable[[int], bytes]) -> None:
        by_address = Rate(settings.anonymous_per_minute, settings.anonymous_burst)
        by_prefix = Rate(settings.anonymous_prefix_per_minute, settings.anonymous_prefix_burst)
        self._limits = RateLimits(channel, (by_address, by_prefix), random_bytes)
        self.max_events = min(by_address.burst, by_prefix.burst)
        """What one request may hold at most: of more, no wait would be long enough."""

    async def charge(self, address: Address | None, cost: int, now_ms: int, *, already: int = 0) -> None:
        """Charge `cost` events, after `already` of the same request.

        Raises ProblemError (429) when there is no room, and PlatformError when Redis does not answer.
        """
        if not cost:
            return
        # Every spelling of one address is one address, or an IPv4 host would have 2^80 of them within 6to4.
        full, prefix = (_NOWHERE, _NOWHERE) if address is None else (str(unmapped(address)), truncated(address))
        wait_ms = await self._limits.charge((f"address {full}", f"prefix {prefix}"), cost, now_ms, already=already)
        if wait_ms:
            seconds = -(-wait_ms // 1000)
            detail = f"too many reports without a valid token from here: send it again in {seconds} s"
            raise ProblemError(429, "rate_limited", detail, headers={"Retry-After": str(seconds)}, seen=RATE_LIMITED)


@dataclass(frozen=True)
class Toll:
    """What is still to be charged for a request whose first event was charged before its body was read."""

    limits: AnonymousLimits = field(repr=False)
    address: Address | None = field(repr=False)
    now_ms: int

    @property
    def max_events(self) -> int:
        """What the request may hold at most."""
        return self.limits.max_events

    async def further(self, events: int) -> None:
        """Charge all of the request's events but the first. Raises as `AnonymousLimits.charge` does."""
        await self.limits.charge(self.address, events - 1, self.now_ms, already=1)
