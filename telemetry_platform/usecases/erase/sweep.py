"""Remove what is from before somebody's erasure, of several persons in one statement a table.

Every table whose contract says that an erasure sweeps it, the dead letters, and the person in security events. Row
counts are committed before the statement that deletes (`stores/erasure_counts`). Invariants: statements name nobody,
since mutations and query logs keep them; a deletion is an awaited rewrite, since a lightweight one leaves the bytes;
what somebody began after their erasure is not touched.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from telemetry_platform.contracts.erasure import SweptBy
from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.contracts.held_copies import copies
from telemetry_platform.contracts.rollup_registry import kept_tables, rollups
from telemetry_platform.stores import erasure_counts, ingest_ledger, rows_from_before

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import date, datetime
    from uuid import UUID

    from telemetry_platform.contracts.event_kind import Table
    from telemetry_platform.stores.erasures import Erasure, Tombstone
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.warehouse import Warehouse

LETTERS, SECURITY = "privacy.dead_letters", "security.security_events"


class Doomed(NamedTuple):
    """An erasure, and the pseudonyms that it is about."""

    erasure: Erasure
    actors: tuple[str, ...]


class Found(NamedTuple):
    """Rows of one erasure in one table, and their days."""

    rows: int
    days: frozenset[date]


class Sweeper:
    """`conn` commits by itself, `now` is our clock; `checkpoint` is told what was just done, for tests that kill.

    `rebuild` makes anew what is counted from the rows of these erasures.
    """

    def __init__(
        self,
        conn: Connection,
        warehouse: Warehouse,
        now: Callable[[], datetime],
        checkpoint: Callable[[str], None] = lambda _: None,
        rebuild: Callable[[Sequence[UUID]], object] = lambda _: None,
    ) -> None:
        self._conn = conn
        self._warehouse = warehouse
        self._now = now
        self._checkpoint = checkpoint
        self._rebuild = rebuild

    def sweep(self, doomed: Sequence[Doomed]) -> None:
        """Remove all of it, and count what is left; a statement for all of them where that takes nothing else."""
        # The older one of a person first: what a killed run deleted of it is its own, and none of the newer one's.
        doomed = sorted(doomed, key=lambda one: one.erasure.erased_at)
        batches = [doomed] if self._may_share(doomed) else [[one] for one in doomed]
        for batch in batches:
            self._sweep_warehouse(batch)
        for one in doomed:
            self._sweep_letters(one)
            self._unlink(one)
        # Before the count: a rebuild that read its base before the sweep may have put back a row that was swept.
        self._rebuild([one.erasure.erasure_id for one in doomed])
        self._checkpoint("rebuilt")
        for batch in batches:
            self._count_survivors(batch)

    def _may_share(self, doomed: Sequence[Doomed]) -> bool:
        """Whether one moment does for all: nobody is named twice, or began anything between the first and the last."""
        moments = [one.erasure.erased_at for one in doomed]
        if len(doomed) < 2:  # noqa: PLR2004 - one is alone
            return True
        persons = [(one.erasure.org_id, actor) for one in doomed for actor in one.actors]
        if len(set(persons)) < len(persons):
            return False
        with self._named(doomed) as sweep_id:
            return not any(
                rows_from_before.count_between(self._warehouse, table, column, sweep_id, min(moments), max(moments))
                for table, column in swept()
            )

    def _sweep_warehouse(self, batch: Sequence[Doomed]) -> None:
        cut = max(one.erasure.erased_at for one in batch)
        with self._named(batch) as sweep_id:
            for table, column in swept():
                before = self._found(table, column, sweep_id, cut, batch)
                # What a killed run announced and may have deleted is settled by counting again.
                self._settle(table, [one.erasure.erasure_id for one in batch], before)
                self._announce(table, before)
                self._checkpoint(f"{table.name}.announced")
                if not before:
                    continue
                rows_from_before.delete(self._warehouse, table, column, sweep_id, cut)
                self._checkpoint(f"{table.name}.deleted")
                self._settle(table, list(before), self._found(table, column, sweep_id, cut, batch))
                self._checkpoint(f"{table.name}.settled")

    def _named(self, batch: Sequence[Doomed]) -> AbstractContextManager[UUID]:
        persons = [(one.erasure.org_id, actor) for one in batch for actor in one.actors]
        return rows_from_before.named(self._warehouse, uuid4(), persons)

    def _found(
        self, table: Table, column: str, sweep_id: UUID, cut: datetime, batch: Sequence[Doomed]
    ) -> dict[UUID, Found]:
        """Rows of each erasure that has some."""
        whose = {(one.erasure.org_id, actor): one.erasure.erasure_id for one in batch for actor in one.actors}
        counts: defaultdict[UUID, int] = defaultdict(int)
        days: defaultdict[UUID, set[date]] = defaultdict(set)
        for org_id, actor, count, its_days in rows_from_before.by_person(self._warehouse, table, column, sweep_id, cut):
            erasure_id = whose[org_id, actor]
            counts[erasure_id] += count
            days[erasure_id] |= set(its_days)
        return {erasure_id: Found(count, frozenset(days[erasure_id])) for erasure_id, count in counts.items()}

    def _announce(self, table: Table, before: Mapping[UUID, Found]) -> None:
        with self._conn.transaction():
            for erasure_id, found in before.items():
                erasure_counts.announce(self._conn, erasure_id, table.name, found.rows, found.days)

    def _settle(self, table: Table, of: Sequence[UUID], left: Mapping[UUID, Found]) -> None:
        """Book what is gone of what was announced, and say which days' rollups are out of date."""
        moment = rows_from_before.clock(self._warehouse)
        for erasure_id in of:
            with self._conn.transaction():
                known = erasure_counts.of_erasure(self._conn, erasure_id).get(table.name)
                if known is None or not known.pending:
                    continue
                rest = left[erasure_id].rows if erasure_id in left else 0
                erasure_counts.settle(self._conn, erasure_id, table.name, rest, mutated_at=moment)
                if table.name in copies() or table.name in rollups():
                    continue
                ingest_ledger.mark_touched_days(
                    self._conn, table.name, known.days, f"erasure {erasure_id}", now=self._now()
                )

    def _sweep_letters(self, one: Doomed) -> None:
        persons = [(one.erasure.org_id, actor) for actor in one.actors]
        with self._conn.transaction():
            erased = rows_from_before.delete_letters(self._conn, persons, one.erasure.erased_at)
            erasure_counts.add(self._conn, one.erasure.erasure_id, LETTERS, erased=erased)
        self._checkpoint("letters")

    def _unlink(self, one: Doomed) -> None:
        with self._conn.transaction():
            count = erasure_counts.unlink(self._conn, one.erasure.org_id, one.actors, one.erasure.erased_at)
            erasure_counts.add(self._conn, one.erasure.erasure_id, SECURITY, unlinked=count)
        self._checkpoint("unlinked")

    def _count_survivors(self, batch: Sequence[Doomed]) -> None:
        """Count every table again: what was stored while the sweep went on is found here."""
        cut = max(one.erasure.erased_at for one in batch)
        with self._named(batch) as sweep_id:
            for table, column in swept():
                found = self._found(table, column, sweep_id, cut, batch)
                for one in batch:
                    left = found.get(one.erasure.erasure_id)
                    self._survive(one, table.name, left.rows if left else 0)
        for one in batch:
            self._survive(
                one,
                LETTERS,
                erasure_counts.letters(self._conn, one.erasure.org_id, one.actors, one.erasure.erased_at),
            )
            linked = erasure_counts.linked(self._conn, one.erasure.org_id, one.actors, one.erasure.erased_at)
            self._survive(one, SECURITY, linked)

    def _survive(self, one: Doomed, table: str, count: int) -> None:
        erasure_counts.survive(self._conn, one.erasure.erasure_id, table, count, now=self._now())


def swept() -> list[tuple[Table, str]]:
    """The warehouse's tables that an erasure sweeps, each with the column that names persons.

    Copies come last: a released hold may have left some of a person whose erasure it kept back.
    """
    return [
        (table, table.erasure.column)
        for table in (*kept_tables().values(), *copies().values())
        if table.store is Store.CLICKHOUSE and isinstance(table.erasure, SweptBy)
    ]


def doomed_of(erasure: Erasure, stones: Sequence[Tombstone]) -> Doomed:
    """An erasure with its pseudonyms."""
    return Doomed(erasure, tuple(one.actor_hash for one in stones if one.erasure_id == erasure.erasure_id))
