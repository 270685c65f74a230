"""Let the holds on a person know under which pseudonyms they come in: those of keys that began after the hold.

Only whoever has the raw id can make them, and that is the API, while it judges a request of theirs or one that speaks
of them. Invariants: no request waits for it or fails by it; the first row under a key expires months after it came in,
so that what cannot be written now is written in time, when the person is met again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from telemetry_platform.contracts.pii import Domain
from telemetry_platform.errors import PlatformError
from telemetry_platform.stores import holds, postgres
from telemetry_platform.usecases.hold.place import names_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg_pool import ConnectionPool

    from telemetry_platform.processing.pseudonyms import KeyRing
    from telemetry_platform.stores.postgres import Connection

_AT_ONCE = 4
_NOTED_AT_MOST = 10_000


class HoldNotes:
    """`say` is told what a store did to us."""

    def __init__(self, pool: ConnectionPool[Connection], say: Callable[[PlatformError], None]) -> None:
        self._pool = pool
        self._say = say
        self._noted: set[tuple[str, str, int]] = set()
        self._under_way: set[asyncio.Task[None]] = set()

    def met(self, ring: KeyRing, org_id: str, user_id: str, held_at: int) -> None:
        """A held person was met: note them, once for each hold and ring of keys, behind the request."""
        seen = (org_id, ring.pseudonym(Domain.SUBJECT, 1, user_id), hash((held_at, ring)))
        if seen in self._noted or len(self._under_way) >= _AT_ONCE:
            return
        if len(self._noted) >= _NOTED_AT_MOST:
            self._noted.clear()
        self._noted.add(seen)
        task = asyncio.create_task(self._note(ring, user_id, seen))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _note(self, ring: KeyRing, user_id: str, seen: tuple[str, str, int]) -> None:
        try:
            await asyncio.to_thread(self._write, ring, seen[0], seen[1], user_id)
        except PlatformError as error:
            self._noted.discard(seen)
            self._say(error)

    def _write(self, ring: KeyRing, org_id: str, subject_hash: str, user_id: str) -> None:
        with postgres.lent(self._pool) as connection:
            holds.note_actors(connection, org_id, subject_hash, names_of(ring, user_id))
