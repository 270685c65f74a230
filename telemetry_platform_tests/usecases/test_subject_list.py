"""The copy of decisions in Redis: it never goes back, it heals, and without the whole of it nobody is judged."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from telemetry_platform.api.front import say
from telemetry_platform.contracts.consent import ConsentLevel
from telemetry_platform.contracts.subject import SubjectState
from telemetry_platform.errors import ContractViolationError, TransientError
from telemetry_platform.stores import postgres, redis, subject_states, subjects
from telemetry_platform.stores.redis import TIMEOUT_SECONDS, address
from telemetry_platform.stores.redis_channel import RedisChannel
from telemetry_platform.usecases.subject_list import SubjectList

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from telemetry_platform.settings import Settings

NOW = datetime(2026, 2, 17, 10, tzinfo=UTC)
PERSON = ("clinic-1", "a" * 64)
ESSENTIAL = SubjectState(ConsentLevel.ESSENTIAL, decided_at=1_000)


@asynccontextmanager
async def _process(platform: Settings) -> AsyncIterator[tuple[SubjectList, RedisChannel]]:
    """What an API process holds."""
    channel = RedisChannel(address(platform.redis), TIMEOUT_SECONDS)
    with postgres.pool(platform.postgres) as pool:
        try:
            yield SubjectList(channel, pool, lambda: int(NOW.timestamp() * 1000), say), channel
        finally:
            await channel.close()


def _decide(platform: Settings, level: ConsentLevel, at: datetime, person: tuple[str, str] = PERSON) -> SubjectState:
    with postgres.connect(platform.postgres) as connection:
        return subjects.decide(connection, *person, level, None, round(at.timestamp() * 1000), at).state


def test_a_process_that_died_before_it_told_redis_is_made_up_for(platform: Settings) -> None:
    async def run() -> None:
        async with _process(platform) as (known, _):
            await known.reconcile()
            assert await known.state_of(*PERSON) is None
            _decide(platform, ConsentLevel.ESSENTIAL, NOW)  # and nobody publishes it
            await known.reconcile()
            state = await known.state_of(*PERSON)
            assert state is not None
            assert state.level is ConsentLevel.ESSENTIAL

    asyncio.run(run())


def test_a_row_that_was_committed_late_by_a_slow_clock_is_found(platform: Settings) -> None:
    """`changed_at` of another machine's clock, behind what is copied already."""

    async def run() -> None:
        other = ("clinic-1", "b" * 64)
        _decide(platform, ConsentLevel.FULL, NOW)
        async with _process(platform) as (known, _):
            await known.reconcile()
            _decide(platform, ConsentLevel.ESSENTIAL, NOW - timedelta(minutes=4), other)
            await known.reconcile()
            assert await known.state_of(*other) is not None

    asyncio.run(run())


def test_a_copy_never_goes_back(platform: Settings) -> None:
    async def run() -> None:
        older = replace(SubjectState(ConsentLevel.FULL, decided_at=500), changed_at=500)
        newer = replace(ESSENTIAL, changed_at=1_000)
        async with _process(platform) as (known, _):
            await known.reconcile()
            for state in (older, newer, older):
                await known.publish(*PERSON, state)
            assert await known.state_of(*PERSON) == newer
            with redis.connect(platform.redis) as client:
                subject_states.publish(client, *PERSON, older)
            assert await known.state_of(*PERSON) == newer

    asyncio.run(run())


def test_without_the_whole_copy_nobody_is_judged(platform: Settings) -> None:
    async def run() -> None:
        _decide(platform, ConsentLevel.ESSENTIAL, NOW)
        async with _process(platform) as (known, _):
            with pytest.raises(TransientError):
                await known.state_of(*PERSON)
            await known.reconcile()
            assert await known.state_of(*PERSON) is not None
            with redis.connect(platform.redis) as client:
                client.delete("subjects:complete")
            with pytest.raises(TransientError):
                await known.state_of(*PERSON)

    asyncio.run(run())


def test_a_redis_that_is_emptied_while_it_is_filled_is_not_called_whole(platform: Settings) -> None:
    async def run() -> None:
        async with _process(platform) as (_, channel):
            await subject_states.begin(channel, "one")
            with redis.connect(platform.redis) as client:
                client.delete("subjects:building:one")
            assert not await subject_states.complete(channel, "one", 1)
            assert await subject_states.completed(channel) is None
            assert not await subject_states.advance(channel, 1)

    asyncio.run(run())


def test_a_copy_that_cannot_be_read_judges_nobody(platform: Settings) -> None:
    async def run() -> None:
        async with _process(platform) as (known, _):
            await known.reconcile()
            with redis.connect(platform.redis) as client:
                client.set(f"subject:{PERSON[0]}:{PERSON[1]}", '12 {"l": 7}')
            with pytest.raises(ContractViolationError):
                await known.state_of(*PERSON)

    asyncio.run(run())


def test_all_of_many_persons_are_copied_and_their_use_is_noted(platform: Settings) -> None:
    count = 5_001  # more than one page

    async def run() -> None:
        persons = [("clinic-1", f"{number:064x}") for number in range(count)]
        with postgres.connect(platform.postgres) as connection, connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO privacy.subjects (org_id, subject_hash, level, decided_at, changed_at, last_used_on) "
                "VALUES (%s, %s, 1, %s, %s, %s)",
                [(*person, NOW, NOW, NOW.date() - timedelta(days=30)) for person in persons],
            )
        async with _process(platform) as (known, _):
            await known.reconcile()
            assert await known.state_of(*persons[0]) is not None
            assert await known.state_of(*persons[-1]) is not None
            await known.reconcile()
        with postgres.connect(platform.postgres) as connection:
            used = connection.execute(
                "SELECT count(*) FROM privacy.subjects WHERE last_used_on = %s", (NOW.date(),)
            ).fetchone()
        assert used == (2,)

    asyncio.run(run())
