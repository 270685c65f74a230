"""What an API process looks after between requests: the key list, the tokens' keys, and how full the queue is.

Invariant: no request asks PostgreSQL or for Redis' memory; a store that does not answer is told by the age of what was
last seen, and the process goes on trying.
"""

from __future__ import annotations

import asyncio
import gc
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from telemetry_platform.api.front import say
from telemetry_platform.errors import PlatformError, TransientError
from telemetry_platform.processing.agent import reduce_agent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from telemetry_platform.api.tokens import KeySource
    from telemetry_platform.stores.queue_room import QueueRoom
    from telemetry_platform.stores.redis_channel import RedisChannel
    from telemetry_platform.usecases.key_list import KeyList

_LOOK_SECONDS = 1.0
# How often it is asked whether the tokens' keys are old; they are read less often.
_RENEW_SECONDS = 30.0
_RETRY_SECONDS = 2.0


@asynccontextmanager
async def kept(
    keys: KeyList, room: QueueRoom, channel: RedisChannel, source: KeySource, refresh_seconds: float
) -> AsyncIterator[None]:
    """Look after all of them for the length of the block.

    A wrong key-encryption key ends the start with its message; a database that does not answer yet does not: the
    process starts, is not ready, and answers 503 until it has keys.
    """
    try:
        await asyncio.to_thread(keys.refresh)
    except TransientError as error:
        say(error)
    # A process is not ready before it knows the room; why it does not know is said by the task below.
    with suppress(PlatformError):
        await room.look()
    # The first user agent would wait for the parser to compile its rules.
    await asyncio.to_thread(reduce_agent, "Mozilla/5.0", touch=False)
    # What is loaded by now stays: the collector need not walk over it again and again.
    gc.freeze()
    tasks = [
        asyncio.create_task(_again(lambda: asyncio.to_thread(keys.refresh), refresh_seconds)),
        asyncio.create_task(_again(room.look, _LOOK_SECONDS)),
        asyncio.create_task(_again(source.renew, _RENEW_SECONDS)),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await channel.close()


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
