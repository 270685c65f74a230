"""Shared rate limits on a real Redis, against a plain token bucket that knows no days, no processes and no script."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pydantic import SecretStr

from telemetry_platform.errors import TransientError
from telemetry_platform.stores import redis
from telemetry_platform.stores.rate_limits import Rate, RateLimits
from telemetry_platform.stores.redis_channel import RedisChannel
from telemetry_platform_tests.api.test_failures import changed, unused_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from telemetry_platform.settings import Settings

DAY_MS = 86_400_000
MIDNIGHT = 20_500 * DAY_MS
NOON = MIDNIGHT + DAY_MS // 2


@asynccontextmanager
async def processes(platform: Settings, rates: Sequence[Rate], number: int = 2) -> AsyncIterator[list[RateLimits]]:
    """As many processes as that, each with a connection of its own."""
    channels = [RedisChannel(redis.address(platform.redis), 10.0) for _ in range(number)]
    try:
        yield [RateLimits(channel, rates, secrets.token_bytes) for channel in channels]
    finally:
        for channel in channels:
            await channel.close()


def subjects_of(number: int = 1) -> list[str]:
    """Subjects that no other test has."""
    return [f"address {uuid4()}" for _ in range(number)]


def kept(platform: Settings, pattern: str = "limits:*") -> dict[bytes, bytes]:
    with redis.connect(platform.redis) as client:
        return {name: client.get(name) for name in client.scan_iter(pattern)}


@dataclass
class Bucket:
    """A bucket of tokens that drip in, in exact arithmetic."""

    rate: Rate
    at_ms: int
    tokens: Fraction = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = Fraction(self.rate.burst)

    def tokens_at(self, now_ms: int) -> Fraction:
        dripped = Fraction((now_ms - self.at_ms) * 1000, self.rate.interval_us)
        return min(Fraction(self.rate.burst), self.tokens + dripped)

    def take(self, cost: int, now_ms: int) -> None:
        self.tokens, self.at_ms = self.tokens_at(now_ms) - cost, now_ms


# Slow rates: buckets end by the machine's clock, and no pause between two steps of a test is that long.
rates = st.builds(Rate, per_minute=st.integers(1, 7), burst=st.integers(3, 20))
steps = st.lists(
    st.tuples(st.sampled_from([0, 1, 999, 8_571, 8_572, 60_000, 600_000]), st.integers(1, 3), st.booleans()),
    min_size=5,
    max_size=40,
)


@given(st.tuples(rates, rates), steps, st.sampled_from([0, 1, 5_000, 60_000, 900_000, 40_000_000]))
@examples(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_number_of_processes_let_through_what_one_bucket_would_and_never_more_than_the_rate_says(
    module_platform: Settings, pair: tuple[Rate, Rate], moves: list[tuple[int, int, bool]], before_midnight: int
) -> None:
    async def scenario() -> None:
        now = MIDNIGHT - before_midnight
        buckets = [Bucket(rate, now) for rate in pair]
        subjects = subjects_of(2)
        taken: list[tuple[int, int]] = []
        async with processes(module_platform, pair) as (first, second):
            for pause, cost, which in moves:
                now += pause
                wait = await (first if which else second).charge(subjects, cost, now)
                fits = all(bucket.tokens_at(now) >= cost for bucket in buckets)
                assert (wait == 0) == fits
                if fits:
                    taken.append((now, cost))
                    for bucket in buckets:
                        bucket.take(cost, now)
                else:
                    # The wait is true: not a millisecond less would do.
                    assert all(bucket.tokens_at(now + wait) >= cost for bucket in buckets)
                    assert not all(bucket.tokens_at(now + wait - 1) >= cost for bucket in buckets)
        for place, (start, _) in enumerate(taken):
            for until in range(place, len(taken)):
                minutes = Fraction(taken[until][0] - start, 60_000)
                passed = sum(cost for _, cost in taken[place : until + 1])
                assert all(passed <= rate.burst + rate.per_minute * minutes for rate in pair)

    asyncio.run(scenario())


@given(st.integers(1, 1_000_000))
def test_the_time_of_an_event_is_rounded_so_that_no_minute_holds_one_too_many(per_minute: int) -> None:
    assert Rate(per_minute, 1).interval_us * per_minute >= 60_000_000
    assert (Rate(per_minute, 1).interval_us - 1) * per_minute < 60_000_000


def test_requests_at_the_same_moment_share_one_bucket(module_platform: Settings) -> None:
    async def scenario() -> list[int]:
        subjects = subjects_of()
        async with processes(module_platform, [Rate(1, 20)], 4) as several:
            return await asyncio.gather(*(several[place % 4].charge(subjects, 1, NOON) for place in range(100)))

    assert sum(wait == 0 for wait in asyncio.run(scenario())) == 20


def test_a_refusal_charges_nobody_and_writes_nothing(module_platform: Settings) -> None:
    async def scenario() -> None:
        (alone,), (shared,) = subjects_of(), subjects_of()
        async with processes(module_platform, [Rate(1, 3), Rate(1, 5)], 1) as (limits,):
            assert await limits.charge((alone, shared), 3, NOON) == 0
            before = kept(module_platform)
            for _ in range(10):
                assert await limits.charge((alone, shared), 1, NOON) == 60_000
            assert kept(module_platform) == before
            # What the neighbours share still holds what the refused one did not get.
            assert await limits.charge((*subjects_of(), shared), 2, NOON) == 0
            assert await limits.charge((*subjects_of(), shared), 1, NOON) == 60_000

    asyncio.run(scenario())


def test_the_wait_counts_what_the_same_request_was_charged_before(module_platform: Settings) -> None:
    async def scenario() -> None:
        subjects = subjects_of()
        async with processes(module_platform, [Rate(1, 5)], 1) as (limits,):
            assert await limits.charge(subjects, 1, NOON) == 0
            assert await limits.charge(subjects, 1, NOON) == 0
            wait = await limits.charge(subjects, 4, NOON, already=1)
            assert wait == 2 * 60_000
            assert await limits.charge(subjects, 1, NOON + wait) == 0
            assert await limits.charge(subjects, 4, NOON + wait, already=1) == 0

    asyncio.run(scenario())


def test_a_clock_that_is_behind_gets_nothing_extra(module_platform: Settings) -> None:
    async def scenario() -> None:
        subjects = subjects_of()
        async with processes(module_platform, [Rate(1, 2)]) as (ahead, behind):
            assert await ahead.charge(subjects, 2, NOON) == 0
            assert await behind.charge(subjects, 1, NOON - 30_000) == 90_000

    asyncio.run(scenario())


def test_midnight_gives_no_second_burst_and_its_buckets_have_other_names(make_platform: Callable[[], Settings]) -> None:
    platform = make_platform()

    async def scenario() -> None:
        subjects = subjects_of()
        async with processes(platform, [Rate(6, 3)]) as (first, second):
            assert await first.charge(subjects, 3, MIDNIGHT - 1_000) == 0
            names = set(kept(platform))
            assert await first.charge(subjects, 1, MIDNIGHT) == 9_000
            assert await second.charge(subjects, 1, MIDNIGHT + 8_999) == 1
            assert await second.charge(subjects, 1, MIDNIGHT + 9_000) == 0
            new = kept(platform, f"limits:key:{MIDNIGHT // DAY_MS}"), set(kept(platform)) - names
            assert [len(found) for found in new] == [1, 2]
            # Later in the day nobody knows yesterday's key any more, and nobody needs it.
            assert await first.charge(subjects, 3, MIDNIGHT + 40_000) == 0
            assert await first.charge(subjects, 1, MIDNIGHT + 40_000) == 10_000

    asyncio.run(scenario())


def test_everything_ends_by_itself_the_key_soon_after_its_day(make_platform: Callable[[], Settings]) -> None:
    platform = make_platform()

    async def scenario() -> None:
        async with processes(platform, [Rate(6, 3)], 1) as (limits,):
            assert await limits.charge(subjects_of(), 2, MIDNIGHT - 5_000) == 0

    asyncio.run(scenario())
    with redis.connect(platform.redis) as client:
        ends = {name: client.pttl(name) for name in kept(platform)}
    key_name = b"limits:key:%d" % (MIDNIGHT // DAY_MS - 1)
    # The rest of the day and the time in which its buckets still count.
    assert 0 < ends.pop(key_name) <= 5_000 + 30_000
    (bucket,) = ends.values()
    assert 0 < bucket <= 20_000


def test_what_lies_in_redis_names_nobody(make_platform: Callable[[], Settings]) -> None:
    platform = make_platform()
    address = "203.0.113.77"

    async def scenario() -> None:
        async with processes(platform, [Rate(6, 3)], 1) as (limits,):
            assert await limits.charge([address], 2, NOON) == 0

    asyncio.run(scenario())
    found = kept(platform, "*")
    assert len(found) == 2
    text = b" ".join([*found, *found.values()])
    for form in (address.encode(), bytes(map(int, address.split("."))), hashlib.sha256(address.encode()).digest()):
        assert form not in text
        assert form.hex().encode() not in text


def test_a_server_that_lost_the_key_gets_a_new_one_for_all(make_platform: Callable[[], Settings]) -> None:
    platform = make_platform()

    async def scenario() -> None:
        subjects = subjects_of()
        async with processes(platform, [Rate(1, 2)]) as (first, second):
            assert await first.charge(subjects, 2, NOON) == 0
            assert await second.charge(subjects, 1, NOON) == 60_000
            with redis.connect(platform.redis) as client:
                client.delete(*kept(platform, "limits:key:*"))
            # What was charged cannot be found any more; from here on they count together again.
            assert await first.charge(subjects, 1, NOON) == 0
            assert await second.charge(subjects, 1, NOON) == 0
            assert await first.charge(subjects, 1, NOON) == 60_000

    asyncio.run(scenario())


def test_a_server_that_does_not_answer_is_a_transient_error(module_platform: Settings) -> None:
    async def scenario(gone: Settings) -> None:
        async with processes(gone, [Rate(1, 2)], 1) as (limits,):
            with pytest.raises(TransientError):
                await limits.charge(subjects_of(), 1, NOON)

    with unused_port(listening=False) as port:
        asyncio.run(scenario(changed(module_platform, "redis", url=SecretStr(f"redis://127.0.0.1:{port}/0"))))
