"""What an API process knows of persons when it judges their requests: a copy in Redis that all processes share.

PostgreSQL has the truth; whoever changes it publishes after the commit. Should a process die in between, the next look
of any process (every two seconds) finds the row by its `changed_at`. When Redis lost the copy, it is made again from
the truth, and until it is whole no person is judged at all.
Invariants: no request asks PostgreSQL; a person without a state is one who never decided, not one who was forgotten.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from telemetry_platform.errors import TransientError
from telemetry_platform.stores import postgres, subject_states, subjects
from telemetry_platform.usecases.hold.notes import HoldNotes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from psycopg_pool import ConnectionPool

    from telemetry_platform.contracts.subject import SubjectState
    from telemetry_platform.errors import PlatformError
    from telemetry_platform.processing.pseudonyms import KeyRing
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.redis_channel import RedisChannel
    from telemetry_platform.stores.subjects import Subject

_OVERLAP = timedelta(minutes=5)
"""How far back a look goes behind the newest change: clocks differ, and transactions commit in another order."""
_NOTED_AT_MOST = 100_000


class SubjectList:
    """`now_ms` is the server's clock, by which days of use are counted; `say` is told what a store did to us."""

    def __init__(
        self,
        channel: RedisChannel,
        pool: ConnectionPool[Connection],
        now_ms: Callable[[], int],
        say: Callable[[PlatformError], None],
    ) -> None:
        self._holds = HoldNotes(pool, say)
        self._channel = channel
        self._pool = pool
        self._now_ms = now_ms
        self.is_complete: bool | None = None
        """Whether Redis held the whole copy when it was last asked; None before."""
        self._day = ""
        self._noted: set[tuple[str, str]] = set()
        self._due: set[tuple[str, str]] = set()

    async def state_of(self, org_id: str, subject_hash: str) -> SubjectState | None:
        """What is known of a person, from Redis. Raises TransientError while the copy is not whole."""
        seen = await subject_states.look(self._channel, org_id, subject_hash)
        if not seen.complete:
            raise self._incomplete()
        if seen.state is not None:
            self._note(org_id, subject_hash)
        return seen.state

    def met(self, ring: KeyRing, org_id: str, user_id: str, state: SubjectState | None) -> None:
        """A request is of this person, or speaks of them: a hold on them learns their pseudonyms meanwhile."""
        if state is not None and state.held_at is not None:
            self._holds.met(ring, org_id, user_id, state.held_at)

    async def states(
        self, persons: Sequence[tuple[str, str]], *, must_be_whole: bool
    ) -> Mapping[tuple[str, str], SubjectState]:
        """What is known of each of these persons, from Redis; of whom nothing is, is not in it.

        They are named by somebody else, so that nothing is noted as used. Raises TransientError while the copy is not
        whole, where it must be; else what is there counts.
        """
        seen = await subject_states.look_at_many(self._channel, persons)
        if must_be_whole and not seen.complete:
            raise self._incomplete()
        return seen.states

    def _incomplete(self) -> TransientError:
        self.is_complete = False
        return TransientError("Redis does not hold what persons decided: it is being copied from PostgreSQL")

    async def publish(self, org_id: str, subject_hash: str, state: SubjectState) -> None:
        """Let all processes judge by it: after its commit."""
        await subject_states.publish_all(self._channel, [(org_id, subject_hash, state)])

    async def look(self) -> int | None:
        """Ask Redis whether the copy is whole, and up to which change."""
        upto = await subject_states.completed(self._channel)
        self.is_complete = upto is not None
        return upto

    async def reconcile(self) -> None:
        """Copy what changed since the last look of any process, or everything; and note who was seen today."""
        upto = await self.look()
        if upto is None:
            await self._copy_all()
        else:
            newest = await self._copy(subjects.at(upto) - _OVERLAP)
            if newest > upto:
                await subject_states.advance(self._channel, newest)
        await self._note_all()

    async def _copy_all(self) -> None:
        name = uuid4().hex
        await subject_states.begin(self._channel, name)
        newest = await self._copy(subjects.BEGINNING)
        self.is_complete = await subject_states.complete(self._channel, name, newest)

    async def _copy(self, since: datetime) -> int:
        """Publish the rows that changed since; the newest change among them."""
        newest, after = 0, ("", "")
        while rows := await asyncio.to_thread(self._page, since, after):
            await subject_states.publish_all(self._channel, rows)
            newest = max(newest, *(row.state.changed_at for row in rows))
            after = rows[-1][:2]
        return newest

    def _page(self, since: datetime, after: tuple[str, str]) -> list[Subject]:
        with postgres.lent(self._pool) as connection:
            return subjects.page(connection, since, after)

    def _note(self, org_id: str, subject_hash: str) -> None:
        """Remember that a decision was used today: it is kept for so long after the last use."""
        today = datetime.fromtimestamp(self._now_ms() / 1000, UTC).date().isoformat()
        if today != self._day or len(self._noted) >= _NOTED_AT_MOST:
            self._day, self._noted = today, set()
        person = (org_id, subject_hash)
        if person not in self._noted:
            self._noted.add(person)
            self._due.add(person)

    async def _note_all(self) -> None:
        """Write the notes; what is not written now is written after the next look."""
        due = sorted(self._due)
        if due:
            await asyncio.to_thread(self._use, due)
            self._due.difference_update(due)

    def _use(self, due: list[tuple[str, str]]) -> None:
        with postgres.lent(self._pool) as connection:
            subjects.use(connection, due, datetime.fromtimestamp(self._now_ms() / 1000, UTC))
