"""`retention`: remove what has expired from every table of both databases, and prove it.

A table at a time: look, announce, remove, look again, prove. Every proof is linked to the one before. Invariants: what
a run is about to remove is committed before it is removed, so that a killed run's work is counted and proved by the
next one; a dry run changes nothing but writes down what it saw; no cut-off, policy or person comes from outside; a
table that cannot be worked on keeps no other one from its turn, and fails the run in the end.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from telemetry_platform.contracts.own_actions import RETENTION_RAN
from telemetry_platform.errors import ConfigurationError, PermanentError, PlatformError
from telemetry_platform.stores import expiry_proof, holds, postgres, restore_marks
from telemetry_platform.stores.clock import platform_now
from telemetry_platform.stores.expiry_proof import Announcement, Outcome, Removal
from telemetry_platform.usecases.expire import in_postgres, interrupted, warehouse
from telemetry_platform.usecases.expire.looking import gone, look
from telemetry_platform.usecases.expire.targets import Way, companions, targets
from telemetry_platform.usecases.expire.warehouse import Removed
from telemetry_platform.usecases.expire.work import Work
from telemetry_platform.usecases.hold.preserve import preserve
from telemetry_platform.usecases.hold.settle import settle, settle_ttl
from telemetry_platform.usecases.own_actions import SYSTEM, ActedBy, record
from telemetry_platform.usecases.restored import mark_removal, refuse_restored
from telemetry_platform.usecases.retention_policy import in_force

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime
    from uuid import UUID

    from telemetry_platform.contracts.retention_runs import RetentionRun
    from telemetry_platform.processing.pseudonyms import KeyRing
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.usecases.drain.stores import DrainStores
    from telemetry_platform.usecases.expire.looking import Look
    from telemetry_platform.usecases.expire.targets import Target


@dataclass(frozen=True)
class RetentionReport:
    """What a run did, table by table; its proofs, and those that it wrote for a run that was killed before."""

    run_id: UUID
    dry_run: bool
    proofs: tuple[RetentionRun, ...]
    recovered: tuple[RetentionRun, ...] = ()
    failures: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def rows(self) -> int:
        """Rows that were removed, by this run and by a killed one."""
        return sum(one.rows_dropped for one in (*self.proofs, *self.recovered))

    @property
    def left(self) -> int:
        """Rows that have expired and are left, for whatever reason but a legal hold."""
        return sum(one.expired_after for one in self.proofs)

    def raise_for_failures(self) -> None:
        """Raise PermanentError when a table could not be worked on; the others were."""
        if self.failures:
            told = "; ".join(f"{table}: {why}" for table, why in self.failures.items())
            raise PermanentError(f"retention could not work on every table: {told}")


@contextmanager
def retention_connection(settings: Settings) -> Iterator[Connection]:
    """A connection of telemetry_retention that commits by itself. Raises ConfigurationError without its address."""
    url = settings.postgres.retention_url
    if url is None:
        raise ConfigurationError(
            "retention works under a role of its own: set TELEMETRY_POSTGRES__RETENTION_URL to the connection of "
            "telemetry_retention"
        )
    with postgres.connect(url.get_secret_value(), application="telemetry-retention", autocommit=True) as conn:
        yield conn


def run_retention(  # noqa: PLR0913 - what a run is told; all but the first two by name
    stores: DrainStores,
    ring: KeyRing,
    *,
    now: datetime,
    dry_run: bool,
    only: str | None = None,
    by: ActedBy = SYSTEM,
    checkpoint: Callable[[str], None] = lambda _: None,
) -> RetentionReport:
    """One run over all tables, or `only` one. A real one is recorded in the trail, and marks both databases.

    `now` is the real moment, which the trail is told; what has expired is told by the platform's own clock.
    Raises RestoredDataError on data that was restored and not checked, TransientError while another run is at work,
    ConfigurationError for a table that is none.
    """
    settings = stores.settings
    with retention_connection(settings) as conn, stores.postgres() as ingest:
        refuse_restored(ingest, stores.warehouse, settings, now)
        if not dry_run:
            settle_ttl(stores.warehouse, ingest)
        moment = platform_now(conn)
        work = Work(stores, conn, uuid4(), moment, _chosen(settings, only), dry_run, checkpoint=checkpoint)
        report = expire(work)
        if not dry_run:
            _record(work, ingest, ring, report, by, now)
            report = _settled(work, ingest, report)
    return report


def _settled(work: Work, ingest: Connection, report: RetentionReport) -> RetentionReport:
    """What a released hold kept has no reason to stay. Last: where merges stand still, no table waits for it."""
    try:
        settle(work.warehouse, ingest)
    except PlatformError as error:
        return replace(report, failures={**report.failures, "copies of released holds": str(error)})
    return report


def expire(work: Work) -> RetentionReport:
    """Go through the tables; for a caller who marks and records by itself."""
    failures: dict[str, str] = {}
    with expiry_proof.only_run(work.conn):
        recovered = [] if work.dry_run else interrupted.recover(work, failures)
        for target in work.targets.values():
            if target.way is Way.WITH_PARTITION or target.name in failures:
                continue
            if failure := _try_table(work, target):
                failures[target.name] = failure
        proofs = expiry_proof.of_run(work.conn, work.run_id)
    return RetentionReport(work.run_id, work.dry_run, tuple(proofs), tuple(recovered), failures)


def _try_table(work: Work, target: Target) -> str:
    """One table; why it failed, if it did. Where not even a proof could be written, the next run writes it."""
    try:
        return _expire_table(work, target)
    except PlatformError as error:
        return str(error)


def _expire_table(work: Work, target: Target) -> str:
    """One table, with those whose rows go along; why it failed, if it did."""
    together = (target, *companions(target, work.targets))
    began_at = platform_now(work.conn)
    looks = {one.name: look(work.warehouse, work.conn, one, work.now) for one in together}
    announced = [_announcement(work, one, looks[one.name], began_at) for one in together]
    removed, failure = Removed(), ""
    if not work.dry_run and any(one.expired for one in looks.values()):
        try:
            if work.wait_for_turn(target):
                removed.status = "postponed"
            else:
                _remove(work, target, announced, removed)
        except PlatformError as error:
            removed.status, failure = "failed", str(error)
    elif looks[target.name].held:
        removed.status = "held"
    if not work.dry_run:
        try:
            in_postgres.remove_copies(work, target)
        except PlatformError as error:
            failure = failure or str(error)
    _prove(work, together, announced, removed)
    return failure


def _announcement(work: Work, target: Target, seen: Look, began_at: datetime) -> Announcement:
    return Announcement(
        target.name,
        work.run_id,
        target.store.value,
        target.sentence,
        began_at,
        seen.cut_off,
        seen.rows,
        seen.expired,
        seen.held,
    )


def _remove(work: Work, target: Target, announced: list[Announcement], removed: Removed) -> None:
    """Announce, then remove. No hold is placed meanwhile: whom it is on would be looked for in what is half gone."""
    cut_off = announced[0].cut_off
    with holds.nothing_changes(work.conn):
        if target.way is Way.WAREHOUSE:
            kept = preserve(work.warehouse, work.conn, target.table, cut_off)
            announced[0] = replace(announced[0], rows_held=kept)
        with work.conn.transaction():
            for one in announced:
                expiry_proof.announce(work.conn, one)
        work.checkpoint(f"{target.name}.announced")
        if target.way is Way.WAREHOUSE:
            warehouse.remove(work, target, cut_off, removed)
        elif target.way is Way.PARTITIONS:
            in_postgres.remove_partitions(work, target, cut_off, removed)
        elif target.way is Way.OWN_CHAIN:
            in_postgres.remove_own_proofs(work, removed)
        else:
            in_postgres.remove_rows(work, target, cut_off, removed)


def _prove(work: Work, together: tuple[Target, ...], announced: list[Announcement], removed: Removed) -> None:
    """Look again, and write the proofs."""
    seen = {one.name: look(work.warehouse, work.conn, one, work.now) for one in together}
    with work.conn.transaction():
        for number, told in enumerate(announced):
            after = seen[told.table_name]
            own = removed.rows if number == 0 else None
            rows = gone(together[number], told, after) if own is None else own
            outcome = Outcome(
                rows_after=after.rows,
                expired_after=after.expired,
                partitions_dropped=removed.partitions if number == 0 else 0,
                rows_dropped=0 if work.dry_run else rows,
                oldest_remaining=after.oldest,
                status=_status(removed.status, after.expired, dry_run=work.dry_run),
            )
            expiry_proof.prove(work.conn, told, outcome, dry_run=work.dry_run)
    work.checkpoint(f"{together[0].name}.proved")


def _status(status: str, left: int, *, dry_run: bool) -> str:
    """What a run came to; a dry one that saw something to remove has done only a part."""
    return "partial" if left and (dry_run or status == "done") else status


def _record(  # noqa: PLR0913, PLR0917 - where, what, who and when
    work: Work, ingest: Connection, ring: KeyRing, report: RetentionReport, by: ActedBy, now: datetime
) -> None:
    """The entry of the trail, and the marks by which a database that is restored is told.

    Also those of a run that was killed before it could say it: who had started that one is not known any more.
    """
    said = False
    for removal in expiry_proof.unsaid(work.conn):
        is_own = removal.run_id == work.run_id
        say = partial(_say, ingest, ring, removal, by if is_own else SYSTEM, now)
        mark_removal(ingest, work.warehouse, work.settings, restore_marks.RETENTION, removal.run_id, now, say)
        said = said or is_own
    if not said:
        with ingest.transaction():
            _say(ingest, ring, Removal(work.run_id, len(report.proofs), 0, report.left), by, now)


def _say(ingest: Connection, ring: KeyRing, removal: Removal, by: ActedBy, now: datetime) -> None:
    run_id = str(removal.run_id)
    details = {"run_id": run_id, "tables": removal.tables, "rows": removal.rows, "left": removal.left}
    record(ingest, ring, RETENTION_RAN, now, by=by, resource_id=run_id, details=details)


def _chosen(settings: Settings, only: str | None) -> dict[str, Target]:
    """All targets, or one with those that go along."""
    found = targets(in_force(settings))
    if only is None:
        return dict(found)
    if only not in found or found[only].way is Way.WITH_PARTITION:
        raise ConfigurationError(
            f"{only} is no table that retention works on by itself: see `telemetry retention status`"
        )
    return {only: found[only], **{one.name: one for one in companions(found[only], found)}}
