"""What an API process looks after between requests: the key list, the tokens' keys, decisions, exclusions, the queue.

Invariant: no request with events asks PostgreSQL or for Redis' memory; a store that does not answer is told by the age
of what was last seen, and the process goes on trying.
"""

from __future__ import annotations

import asyncio
import gc
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.api.front import say
from telemetry_platform.errors import PlatformError, TransientError
from telemetry_platform.processing.agent import reduce_agent
from telemetry_platform.usecases.watch import EVERY_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from telemetry_platform.api.tokens import KeySource
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.queue_room import QueueRoom
    from telemetry_platform.stores.redis_channel import RedisChannel
    from telemetry_platform.usecases.exclusion_list import ExclusionHolder
    from telemetry_platform.usecases.key_list import KeyList
    from telemetry_platform.usecases.subject_list import SubjectList
    from telemetry_platform.usecases.token_watch import TokenWatch
    from telemetry_platform.usecases.watch import Watch

_LOOK_SECONDS = 1.0
# How often it is asked whether the tokens' keys are old; they are read less often.
_RENEW_SECONDS = 30.0
_RETRY_SECONDS = 2.0
# How soon a decision counts whose process died between its commit and telling Redis.
_RECONCILE_SECONDS = 2.0


@dataclass(frozen=True)
class Kept:
    """What there is to look after."""

    keys: KeyList
    room: QueueRoom
    channel: RedisChannel
    source: KeySource
    subjects: SubjectList
    exclusions: ExclusionHolder
    watch: Watch
    tokens: TokenWatch


@asynccontextmanager
async def kept(parts: Kept, settings: Settings) -> AsyncIterator[None]:
    """Look after all of them for the length of the block.

    A wrong key-encryption key ends the start with its message; a database that does not answer yet does not: the
    process starts, is not ready, and answers 503 until it has keys.
    """
    await asyncio.to_thread(parts.exclusions.take_copy)
    try:
        await asyncio.to_thread(parts.keys.refresh)
        # Without the keys it is the same database that does not answer.
        await asyncio.to_thread(parts.exclusions.refresh)
        await parts.subjects.reconcile()
    except TransientError as error:
        say(error)
    # A process is not ready before it knows the room; why it does not know is said by the task below.
    with suppress(PlatformError):
        await parts.room.look()
    # The first user agent would wait for the parser to compile its rules.
    await asyncio.to_thread(reduce_agent, "Mozilla/5.0", touch=False)
    # What is loaded by now stays: the collector need not walk over it again and again.
    gc.freeze()
    tasks = [
        asyncio.create_task(_again(lambda: asyncio.to_thread(parts.keys.refresh), settings.keys.refresh_seconds)),
        asyncio.create_task(_again(parts.room.look, _LOOK_SECONDS)),
        asyncio.create_task(_again(parts.source.renew, _RENEW_SECONDS)),
        asyncio.create_task(_again(parts.subjects.reconcile, _RECONCILE_SECONDS)),
        asyncio.create_task(_again(parts.tokens.flush, EVERY_SECONDS)),
        asyncio.create_task(_again(parts.watch.flush, EVERY_SECONDS)),
        asyncio.create_task(
            _again(lambda: asyncio.to_thread(parts.exclusions.refresh), settings.exclusions.refresh_seconds)
        ),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # What was noted last would be lost; a store that does not answer has been told of already.
        with suppress(PlatformError):
            await parts.watch.flush()
        await parts.channel.close()


async def _again(look: Callable[[], Awaitable[None]], seconds: float) -> None:
    """Look, wait, look again, sooner after a failure; a failure that lasts is said once."""
    failed = False
    while True:
        try:
            await look()
            failed = False
        except PlatformError as error:
            if not failed:
                say(error)
            failed = True
        await asyncio.sleep(min(seconds, _RETRY_SECONDS) if failed else seconds)
