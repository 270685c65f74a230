"""Remember the privacy signal of a person (`Sec-GPC: 1` with their token) as an opt-out of sale.

The signal comes with every request of a browser, so that it need not be kept for later when PostgreSQL is away: the
request itself is capped all the same, and the next one brings the signal again. Invariants: a request waits a second at
most, and not at all while PostgreSQL is known to be away; few are written at once, however many come.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from telemetry_platform.errors import PlatformError
from telemetry_platform.stores import postgres
from telemetry_platform.usecases.record_consent import record_signal

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg_pool import ConnectionPool

    from telemetry_platform.processing.pseudonyms import KeyRing
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.subjects import Recorded
    from telemetry_platform.usecases.record_consent import Person
    from telemetry_platform.usecases.subject_list import SubjectList

_WAIT_SECONDS = 1.0
_REST_SECONDS = 5.0
_AT_ONCE = 4


class OptOuts:
    """`clock` gives seconds that never go back; `say` is told what a store did to us."""

    def __init__(
        self,
        pool: ConnectionPool[Connection],
        subjects: SubjectList,
        clock: Callable[[], float],
        say: Callable[[PlatformError], None],
    ) -> None:
        self._pool = pool
        self._subjects = subjects
        self._clock = clock
        self._say = say
        self._rest_until = 0.0
        self._under_way: dict[tuple[str, str], asyncio.Task[None]] = {}

    async def remember(self, ring: KeyRing, person: Person, received_at: int) -> None:
        """Store it, if that is possible now: in vain is no reason to refuse the request."""
        key = (person.org_id, person.subject_hash(ring))
        task = self._under_way.get(key)
        if task is None:
            if len(self._under_way) >= _AT_ONCE or self._clock() < self._rest_until:
                return
            task = asyncio.create_task(self._store(ring, person, received_at))
            self._under_way[key] = task
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        await asyncio.wait({task}, timeout=_WAIT_SECONDS)

    async def _store(self, ring: KeyRing, person: Person, received_at: int) -> None:
        try:
            recorded = await asyncio.to_thread(self._write, ring, person, received_at)
            await self._subjects.publish(person.org_id, person.subject_hash(ring), recorded.state)
        except PlatformError as error:
            self._rest_until = self._clock() + _REST_SECONDS
            self._say(error)

    def _write(self, ring: KeyRing, person: Person, received_at: int) -> Recorded:
        with postgres.lent(self._pool) as connection:
            return record_signal(connection, ring, person, datetime.fromtimestamp(received_at / 1000, UTC))
