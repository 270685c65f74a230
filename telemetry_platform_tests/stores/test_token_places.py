"""Where a token was used within the last hour: known to all processes, over midnight too, and not by its name."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

from telemetry_platform.stores import redis
from telemetry_platform.stores.redis_channel import RedisChannel
from telemetry_platform.stores.token_places import REMEMBERED_MS, Elsewhere, TokenPlaces, TokenUse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from telemetry_platform.settings import Settings

MINUTE = 60_000
MIDNIGHT = 20_500 * 86_400_000
NOON = MIDNIGHT + 12 * 60 * MINUTE
HOME, WORK, ABROAD = "198.51.100.0", "203.0.113.0", "192.0.2.0"


def noted(settings: Settings, *uses: TokenUse) -> list[Elsewhere | None]:
    """Each use by a process of its own, one after the other."""

    async def ask() -> list[Elsewhere | None]:
        found: list[Elsewhere | None] = []
        for use in uses:
            channel = RedisChannel(redis.address(settings.redis), 10.0)
            found += await TokenPlaces(channel, secrets.token_bytes).note([use])
            await channel.close()
        return found

    return asyncio.run(ask())


def others(found: Sequence[Elsewhere | None]) -> list[tuple[str, ...]]:
    return [() if one is None else one.others for one in found]


def a_token() -> bytes:
    return secrets.token_bytes(32)


def test_a_second_network_is_told_once_with_the_first(module_platform: Settings) -> None:
    token = a_token()
    uses = [TokenUse(token, network, NOON + place) for place, network in enumerate((HOME, HOME, WORK, WORK, HOME))]
    assert others(noted(module_platform, *uses)) == [(), (), (HOME,), (), ()]
    assert others(noted(module_platform, TokenUse(token, ABROAD, NOON + 9))) == [(HOME, WORK)]
    assert others(noted(module_platform, TokenUse(a_token(), WORK, NOON))) == [()]


def test_what_is_older_than_an_hour_is_forgotten_and_what_is_used_again_is_not(module_platform: Settings) -> None:
    left, stayed, later = a_token(), a_token(), NOON + REMEMBERED_MS + MINUTE
    assert others(
        noted(
            module_platform,
            TokenUse(left, HOME, NOON),
            TokenUse(left, WORK, later),
            TokenUse(stayed, HOME, NOON),
            TokenUse(stayed, HOME, NOON + 30 * MINUTE),
            TokenUse(stayed, WORK, later),
        )
    ) == [(), (), (), (), (HOME,)]


def test_over_midnight_it_is_still_one_token_and_nothing_is_told_again(module_platform: Settings) -> None:
    moved, told = a_token(), a_token()
    before, after = MIDNIGHT - MINUTE, MIDNIGHT + MINUTE
    assert others(noted(module_platform, TokenUse(moved, HOME, before), TokenUse(moved, WORK, after))) == [(), (HOME,)]
    uses = [TokenUse(told, network, at) for at in (before, after) for network in (HOME, WORK)]
    assert others(noted(module_platform, *uses)) == [(), (HOME,), (), ()]


def test_a_token_rests_under_a_name_that_ends_with_the_day(module_platform: Settings) -> None:
    token = a_token()
    (_, one) = noted(module_platform, TokenUse(token, HOME, NOON), TokenUse(token, WORK, NOON))
    day = 24 * 60 * MINUTE
    (_, other) = noted(module_platform, TokenUse(token, HOME, NOON + day), TokenUse(token, WORK, NOON + day))
    assert one is not None
    assert other is not None
    assert one.fingerprint != other.fingerprint
    with redis.connect(module_platform.redis) as client:
        names = list(client.scan_iter("detection:token*"))
        assert f"detection:token:{one.fingerprint}".encode() in names
        assert all(0 < client.pttl(name) <= day + 2 * REMEMBERED_MS for name in names)
        assert not [name for name in names if token.hex().encode() in name]
