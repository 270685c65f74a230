"""How much is left to drain: entries in the landing streams, and batches that are not ended.

Invariant: an entry is in one of the two from the API's 202 until the store has it, so that zero means that everything
which was accepted before the call rests in its table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.stores.ingest_totals import unfinished_batches
from telemetry_platform.stores.landing_queue import backlog
from telemetry_platform.usecases.drain.run import streams_of

if TYPE_CHECKING:
    from redis import Redis

    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection


@dataclass(frozen=True)
class Left:
    """What is left; false when nothing is."""

    entries: int
    batches: int

    def __bool__(self) -> bool:
        return bool(self.entries or self.batches)


def queue_left(client: Redis, conn: Connection, settings: Settings) -> Left:
    """Count now: the streams first, since an entry moves from them into what is counted second."""
    streams = [stream for store in Store for stream in streams_of(store, settings)]
    waiting = sum(found.entries for found in backlog(client, streams).values())
    return Left(waiting, unfinished_batches(conn))
