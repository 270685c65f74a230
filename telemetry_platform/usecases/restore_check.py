"""After a restore: remove again what was erased since the backup was made, and let API and drain work.

Steps: erasures that PostgreSQL lost come back from the folder of copies; every person whose tombstone is in force is
swept again; what retention had removed and the backup brought back is removed again, with a proof for each table; both
databases get a new mark, so that nobody takes them for restored any more. Invariants: no drain works meanwhile (this
holds the lease); the mark comes last, so that a check that fails or is killed is made again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from telemetry_platform.contracts.own_actions import RESTORE_CHECKED
from telemetry_platform.stores import (
    erasure_counts,
    erasures,
    redis,
    restore_marks,
    rollup_marks,
    subject_states,
    subjects,
    tombstone_copies,
)
from telemetry_platform.stores.clock import platform_now
from telemetry_platform.stores.erasures import Erasure, Tombstone
from telemetry_platform.usecases import retention_policy
from telemetry_platform.usecases.drain.holding import held
from telemetry_platform.usecases.expire.run import expire, retention_connection
from telemetry_platform.usecases.expire.targets import targets
from telemetry_platform.usecases.expire.work import Work
from telemetry_platform.usecases.own_actions import SYSTEM, ActedBy, record
from telemetry_platform.usecases.restored import copy_tombstones, lost_erasures, mark_removal, refuse_unknown_loss
from telemetry_platform.usecases.sweep_again import sweep_again

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

    from telemetry_platform.processing.pseudonyms import KeyRing
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.usecases.drain.stores import DrainStores

_HOLDER = "restore-check"


@dataclass(frozen=True)
class RestoreReport:
    """What a check did: erasures that PostgreSQL had lost, persons whose tombstones are in force, and their rows.

    `expired` are rows that retention removed again.
    """

    brought_back: int
    persons: int
    tombstones: int
    erased: int
    expired: int = 0


def restore_check(  # noqa: PLR0913 - what a check is told; all but the first three by name
    stores: DrainStores,
    settings: Settings,
    ring: KeyRing,
    *,
    now: datetime,
    by: ActedBy = SYSTEM,
    wait_for_lease: float = 0.0,
    accept_lost: bool = False,
) -> RestoreReport:
    """Make sure that no erased person is in restored data; safe to run at any time.

    Raises LeaseLostError while a drain works, PermanentError when rows are left after a sweep, RestoredDataError when
    PostgreSQL was restored and there are no copies of the erasures that it lost; `accept_lost` goes on without them.
    """
    folder = settings.privacy.tombstone_copy
    with (
        held(stores, settings.drain, holder=_HOLDER, run_id="", wait_seconds=wait_for_lease),
        stores.postgres() as conn,
        erasure_counts.only_run(conn),
    ):
        if folder is None and not accept_lost:
            refuse_unknown_loss(conn, stores.warehouse, settings, now)
        brought_back = _bring_back(conn, folder, now)
        copy_tombstones(conn, folder, now)
        in_force = erasures.tombstones(conn, now=now)
        persons = _remember(conn, settings, in_force)
        erased = sweep_again(stores.warehouse, conn, in_force, now)
        run_id = uuid4()
        expired = _expire_again(stores, run_id)
        # Nobody knows which days of which rollups came back, and from when: every day is made anew.
        with conn.transaction():
            rollup_marks.touch_all(conn, why=f"restore-check {run_id}", now=now)

        def say() -> None:
            details = {
                "tombstones": len(in_force),
                "erased": erased,
                "expired": expired,
                "accept_lost": accept_lost,
            }
            record(conn, ring, RESTORE_CHECKED, now, by=by, details=details)

        mark_removal(conn, stores.warehouse, settings, restore_marks.RESTORE_CHECK, run_id, now, say)
    return RestoreReport(brought_back, persons, len(in_force), erased, expired)


def _expire_again(stores: DrainStores, run_id: UUID) -> int:
    """One run of retention, whose mark is the check's; how many rows it removed.

    What it could not remove is not shown to anybody, and the night tries again.
    """
    with retention_connection(stores.settings) as conn:
        known = targets(retention_policy.in_force(stores.settings))
        work = Work(stores, conn, run_id, platform_now(conn), known, dry_run=False, is_alone=True)
        return expire(work).rows


def _bring_back(conn: Connection, folder: Path | None, now: datetime) -> int:
    """Erasures that are copied and unknown are asked for again: they get certificates of their own."""
    if folder is None:
        return 0
    lost = lost_erasures(conn, folder, now)
    by_erasure: dict[object, list[Tombstone]] = {}
    for one in tombstone_copies.read(folder):
        if one.erasure_id in lost:
            by_erasure.setdefault(one.erasure_id, []).append(one)
    for found in by_erasure.values():
        first = found[0]
        erasure = Erasure(first.erasure_id, first.org_id, erasures.REQUESTED, first.erased_at, first.erased_at)
        with conn.transaction():
            erasures.add(conn, erasure, first.subject_hash, {one.epoch: one.actor_hash for one in found}, first.until)
    return len(by_erasure)


def _remember(conn: Connection, settings: Settings, in_force: Sequence[Tombstone]) -> int:
    """Persons are erased in the list of decisions too, which the API judges by; how many they are."""
    latest: dict[tuple[str, str], datetime] = {}
    for one in in_force:
        person = (one.org_id, one.subject_hash)
        latest[person] = max(one.erased_at, latest.get(person, one.erased_at))
    with redis.connect(settings.redis) as client:
        for (org_id, subject_hash), erased_at in sorted(latest.items()):
            with conn.transaction():
                state = subjects.erase(conn, org_id, subject_hash, erased_at)
            subject_states.publish(client, org_id, subject_hash, state)
    return len(latest)
