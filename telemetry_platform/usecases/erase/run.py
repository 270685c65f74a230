"""Carry erasures out, as far as can be now: wait for the queue, sweep, count, wait for old parts, certify.

Each step is kept where the next run finds it; a run that is killed anywhere is made again. Invariants: one run at a
time, by a database lock; nothing is swept before everything received by then is drained (batches re-form from their
stream, so that streams are never edited); no certificate while a row is left, or a table was not counted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.contracts.own_actions import ERASURE_CERTIFIED
from telemetry_platform.contracts.rollup_registry import of_base
from telemetry_platform.stores import (
    erasure_counts,
    erasures,
    ingest_totals,
    landing_queue,
    redis,
    restore_marks,
    rows_from_before,
    subject_states,
)
from telemetry_platform.stores.keys import key_states
from telemetry_platform.usecases.drain.run import streams_of
from telemetry_platform.usecases.ensure_keys import load_key_ring
from telemetry_platform.usecases.erase.certificate import certificate, uncounted, unreached
from telemetry_platform.usecases.erase.request import release
from telemetry_platform.usecases.erase.sweep import Sweeper, doomed_of
from telemetry_platform.usecases.own_actions import record
from telemetry_platform.usecases.restored import copy_tombstones, mark_removal
from telemetry_platform.usecases.rollups.erased import rebuild_erased

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from telemetry_platform.processing.pseudonyms import KeyRing
    from telemetry_platform.stores.erasure_counts import TableCount
    from telemetry_platform.stores.erasures import Erasure
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.usecases.drain.stores import DrainStores
    from telemetry_platform.usecases.erase.request import Taken

AT_ONCE = 100
"""Erasures that one run takes on: so many pseudonyms fit in one statement's list."""
_CLOCKS_DIFFER = timedelta(seconds=5)
QUEUE, OPEN_BATCHES, OLD_PARTS, SURVIVORS = "the queue is drained", "open batches end", "old parts go", "survivors"
NEWER_KEYS = "it is asked for again: keys began while it was held"


@dataclass
class EraseReport:
    """What a run came to: erasures by where they stand now."""

    certified: int = 0
    waiting: Counter[str] = field(default_factory=Counter)
    """By what they wait for."""
    rows: int = 0
    """Rows that were erased or unlinked, of the certified ones."""

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return not self.waiting


class Erasing:
    """One run. `now` is our clock; `checkpoint` is told what was just done, for tests that kill."""

    def __init__(
        self, stores: DrainStores, now: Callable[[], datetime], checkpoint: Callable[[str], None] = lambda _: None
    ) -> None:
        self._stores = stores
        self._settings = stores.settings
        self._now = now
        self._checkpoint = checkpoint

    def run(self, only: UUID | None = None) -> EraseReport:
        """Carry out what waits, or one of it. Raises TransientError while another run is at work."""
        with self._stores.postgres() as conn, erasure_counts.only_run(conn):
            return self._run(conn, only)

    def _run(self, conn: Connection, only: UUID | None) -> EraseReport:
        ring = load_key_ring(conn, self._settings.keys)
        found = erasures.unended(conn, only=only, limit=AT_ONCE)
        waiting = [self._begun(conn, ring, one) for one in found]
        copy_tombstones(conn, self._settings.privacy.tombstone_copy, self._now())
        self._checkpoint("begun")
        report = EraseReport()
        obstacle = self._obstacle(conn, waiting)
        if obstacle:
            self._put_off(conn, waiting, obstacle, report)
            return report
        stones = erasures.tombstones_of(conn, [one.erasure_id for one in waiting])
        whose = {stone.erasure_id: stone.subject_hash for stone in stones}
        ending = [one for one in waiting if one.status == erasures.ERASED]
        begun = [one for one in waiting if one.status != erasures.ERASED and self._begin(conn, one, whose)]
        if begun:
            sweeper = Sweeper(
                conn,
                self._stores.warehouse,
                self._now,
                self._checkpoint,
                lambda erasures_: rebuild_erased(conn, self._stores, erasures_, now=self._now()),
            )
            sweeper.sweep([doomed_of(one, stones) for one in begun])
            self._checkpoint("swept")
        for one in (*ending, *begun):
            self._end(conn, ring, one, report)
        return report

    def _begun(self, conn: Connection, ring: KeyRing, one: Erasure) -> Erasure:
        """Count the try; of a held one whose hold is gone, begin."""
        with conn.transaction():
            erasures.begin_try(conn, one.erasure_id, now=self._now())
            if one.status != erasures.HELD:
                return one
            taken = release(conn, ring, one, self._now(), self._settings.privacy.backup_days)
        publish(taken, self._stores)
        return taken.erasure

    def _obstacle(self, conn: Connection, waiting: Sequence[Erasure]) -> str:
        """What must end first, so that nothing from before is stored later; empty when nothing must."""
        if not waiting:
            return ""
        last = max(one.erased_at for one in waiting) + _CLOCKS_DIFFER
        streams = [stream for store in Store for stream in streams_of(store, self._settings)]
        with redis.connect(self._settings.redis) as client:
            asked_at = self._now()
            backlog = landing_queue.backlog(client, streams)
        oldest = [asked_at - timedelta(seconds=each.oldest_age_seconds) for each in backlog.values() if each.entries]
        if any(moment <= last for moment in oldest):
            return QUEUE
        return OPEN_BATCHES if ingest_totals.open_since(conn, last) else ""

    def _put_off(self, conn: Connection, waiting: Sequence[Erasure], why: str, report: EraseReport) -> None:
        for one in waiting:
            erasures.put_off(conn, one.erasure_id, why, failed=why in {SURVIVORS, NEWER_KEYS})
            report.waiting[why] += 1

    def _begin(self, conn: Connection, one: Erasure, whose: Mapping[UUID, str]) -> bool:
        with conn.transaction():
            return erasures.begin_sweep(conn, one, whose[one.erasure_id], now=self._now())

    def _end(self, conn: Connection, ring: KeyRing, one: Erasure, report: EraseReport) -> None:
        """Certify, or say what is still to come."""
        counts = erasure_counts.of_erasure(conn, one.erasure_id)
        if uncounted(counts) or any(count.survivors for count in counts.values()):
            self._put_off(conn, [one], SURVIVORS, report)
            return
        stones = erasures.tombstones_of(conn, [one.erasure_id])
        keys = key_states(conn)
        if unreached(one, stones, keys):
            self._put_off(conn, [one], NEWER_KEYS, report)
            return
        document = certificate(one, counts, stones, keys, self._settings.privacy.backup_days)
        if self._has_old_parts(counts):
            erasures.finish(conn, one.erasure_id, erasures.ERASED, document, certified_at=None)
            self._put_off(conn, [one], OLD_PARTS, report)
            return
        now = self._now()

        def confirm() -> None:
            erasures.finish(conn, one.erasure_id, erasures.CERTIFIED, document, certified_at=now)
            self._record(conn, ring, one, counts, now)

        mark_removal(conn, self._stores.warehouse, self._settings, restore_marks.ERASURE, uuid4(), now, confirm)
        self._checkpoint("certified")
        report.certified += 1
        report.rows += sum(count.erased + count.unlinked for count in counts.values())

    def _has_old_parts(self, counts: Mapping[str, TableCount]) -> bool:
        """Whether files that a deletion replaced still lie on the warehouse's disk."""
        return any(
            rows_from_before.old_parts(self._stores.warehouse, table, count.mutated_at)
            for count in counts.values()
            if count.mutated_at is not None
            for table in (count.table, *(rollup.name for rollup in of_base(count.table)))
        )

    def _record(
        self, conn: Connection, ring: KeyRing, one: Erasure, counts: Mapping[str, TableCount], now: datetime
    ) -> None:
        record(
            conn,
            ring,
            ERASURE_CERTIFIED,
            now,
            org_id=one.org_id,
            resource_id=str(one.erasure_id),
            details={
                "erasure_id": str(one.erasure_id),
                "status": erasures.CERTIFIED,
                "erased": sum(count.erased for count in counts.values()),
                "unlinked": sum(count.unlinked for count in counts.values()),
                "survivors": sum(count.survivors or 0 for count in counts.values()),
            },
        )


def publish(taken: Taken, stores: DrainStores) -> None:
    """Let every API process judge the person as erased: after the commit."""
    if taken.state is not None:
        with redis.connect(stores.settings.redis) as client:
            subject_states.publish(client, taken.erasure.org_id, taken.subject_hash, taken.state)
