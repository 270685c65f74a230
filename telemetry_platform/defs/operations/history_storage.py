"""Dagster's own storage, as its history is pruned: what there is, what is needed, and how one run is forgotten.

Invariants: Dagster's own methods are used wherever it has one, its tables only for what it never deletes by itself; of
a run everything else goes before its row does, so that a purge that was ended in the middle finds the run again.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import sqlalchemy as sa
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.instance import RUNLESS_RUN_ID
from dagster._core.storage.event_log import SqlEventLogStorage, SqlEventLogStorageTable
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, AssetEventTagsTable, AssetKeyTable
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.storage.runs import SqlRunStorage
from dagster._core.storage.runs.schema import RunsTable, SnapshotsTable
from dagster._core.storage.schedules import SqlScheduleStorage
from dagster._core.storage.schedules.schema import JobTickTable

from telemetry_platform.defs.pace import PACE_TAG
from telemetry_platform.errors import PermanentError
from telemetry_platform.processing.history import Pace, PastRun

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    import dagster as dg
    from dagster._core.storage.dagster_run import RunRecord
    from sqlalchemy.engine import Connection

_PAGE = 500
_ROWS = 1000
"""Rows that one statement deletes: its locks are short and its transaction is small."""
_MATERIALIZED = ("ASSET_MATERIALIZATION", "ASSET_OBSERVATION")


class History:
    """What an instance remembers."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        runs, events, schedules = instance.run_storage, instance.event_log_storage, instance.schedule_storage
        if not (
            isinstance(runs, SqlRunStorage)
            and isinstance(events, SqlEventLogStorage)
            and isinstance(schedules, SqlScheduleStorage)
        ):
            raise PermanentError("Dagster's storage is no database: set `storage` in dagster.yaml as the checkout does")
        self.instance = instance
        self.run_storage, self.events, self.schedules = runs, events, schedules

    def runs(self) -> list[PastRun]:
        """Every run, the newest first."""
        return [
            PastRun(
                record.dagster_run.run_id,
                record.dagster_run.job_name,
                _pace(record.dagster_run.tags.get(PACE_TAG)),
                _ended_at(record),
            )
            for record in self.records()
        ]

    def records(self) -> Iterator[RunRecord]:
        """Every run as Dagster has it, a page at a time."""
        cursor = None
        while page := self.instance.get_run_records(limit=_PAGE, cursor=cursor):
            yield from page
            cursor = page[-1].dagster_run.run_id

    def needed(self) -> set[str]:
        """Runs that the state of an asset or of a check is read from: the last of each."""
        events, checks = SqlEventLogStorageTable.c, AssetCheckExecutionsTable.c
        newest_events = (
            sa.select(sa.func.max(events.id))
            .where(events.asset_key.is_not(None), events.dagster_event_type.in_(_MATERIALIZED))
            .group_by(events.asset_key, events.dagster_event_type)
        )
        newest_checks = sa.select(sa.func.max(checks.id)).group_by(checks.asset_key, checks.check_name)
        with self.events.index_connection() as conn:
            return {
                *_texts(conn, sa.select(AssetKeyTable.c.last_run_id)),
                *_texts(conn, sa.select(events.run_id).where(events.id.in_(newest_events))),
                *_texts(conn, sa.select(checks.run_id).where(checks.id.in_(newest_checks))),
            }

    def forget_run(self, run_id: str) -> None:
        """Everything of a run, its row last; of one that has no row any more, what was left behind."""
        self.forget_files(run_id)
        with self.events.index_connection() as conn:
            conn.execute(sa.delete(AssetCheckExecutionsTable).where(AssetCheckExecutionsTable.c.run_id == run_id))
        self.events.delete_events(run_id)
        self.instance.delete_run(run_id)

    def forget_files(self, run_id: str) -> None:
        """What the steps of a run printed, and what they handed on to one another."""
        if not _is_run_id(run_id):
            return
        self.instance.compute_log_manager.delete_logs(prefix=[run_id])
        shutil.rmtree(Path(self.instance.storage_directory()) / run_id, ignore_errors=True)

    def left_behind(self) -> set[str]:
        """Ids of runs that were deleted with events, evaluations or files left behind."""
        # Asked for before the runs: the run of what was written meanwhile is then among them.
        found = {path.name for folder in self._folders() if folder.is_dir() for path in folder.iterdir()}
        with self.events.index_connection() as conn:
            found |= set(_texts(conn, sa.select(SqlEventLogStorageTable.c.run_id).distinct()))
            found |= set(_texts(conn, sa.select(AssetCheckExecutionsTable.c.run_id).distinct()))
        found -= {record.dagster_run.run_id for record in self.records()}
        return {run_id for run_id in found if _is_run_id(run_id)}

    def forget_runless(self, before: datetime) -> int:
        """Events and evaluations that belong to no run and are older, but for the newest of each sort; how many."""
        events, checks = SqlEventLogStorageTable.c, AssetCheckExecutionsTable.c
        newest_events = sa.select(sa.func.max(events.id)).group_by(events.asset_key, events.dagster_event_type)
        newest_checks = sa.select(sa.func.max(checks.id)).group_by(checks.asset_key, checks.check_name)
        naive = before.astimezone(UTC).replace(tzinfo=None)
        with self.events.index_connection() as conn:
            old_events = _numbers(
                conn,
                sa.select(events.id).where(
                    events.run_id == RUNLESS_RUN_ID, events.timestamp < naive, events.id.not_in(newest_events)
                ),
            )
            for ids in _pages(old_events):
                conn.execute(sa.delete(AssetEventTagsTable).where(AssetEventTagsTable.c.event_id.in_(ids)))
                conn.execute(sa.delete(SqlEventLogStorageTable).where(events.id.in_(ids)))
            old_checks = _numbers(
                conn,
                sa.select(checks.id).where(
                    sa.or_(checks.run_id == RUNLESS_RUN_ID, checks.run_id.is_(None)),
                    checks.create_timestamp < naive,
                    checks.id.not_in(newest_checks),
                ),
            )
            for ids in _pages(old_checks):
                conn.execute(sa.delete(AssetCheckExecutionsTable).where(checks.id.in_(ids)))
        return len(old_events) + len(old_checks)

    def forget_ticks(self, now: datetime) -> int:
        """Ticks that dagster.yaml keeps no longer, also of a sensor that there is no more; how many there were.

        The daemon purges those of what still ticks.
        """
        ticks = JobTickTable.c
        before = self._ticks()
        with self.schedules.connect() as conn:
            found = conn.execute(sa.select(ticks.type, ticks.job_origin_id, ticks.selector_id).distinct()).all()
        for kind, origin, selector in found:
            for status, days in self.instance.get_tick_retention_settings(InstigatorType(kind)).items():
                if days > 0:
                    moment = (now - timedelta(days=days)).timestamp()
                    self.instance.purge_ticks(origin or "", selector or "", moment, [status])
        return max(before - self._ticks(), 0)

    def _ticks(self) -> int:
        with self.schedules.connect() as conn:
            return conn.execute(sa.select(sa.func.count()).select_from(JobTickTable)).scalar_one()

    def forget_snapshots(self) -> int:
        """Pictures of jobs and plans that no run refers to any more; how many.

        A run that begins now refers to the picture of its job's newest run, which is kept; if somebody asks at this
        moment for a part of a job that has not run for months, their request fails, and passes when it is made again.
        """
        with self.run_storage.connect() as conn:
            known = dict(conn.execute(sa.select(SnapshotsTable.c.snapshot_id, SnapshotsTable.c.id)).tuples().all())
        used: set[str | None] = set()
        for record in self.records():
            used |= {record.dagster_run.job_snapshot_id, record.dagster_run.execution_plan_snapshot_id}
        for snapshot_id in used & set(self._job_snapshots()):
            # The page of a run of a part of a job shows the whole of it.
            lineage = self.run_storage.get_job_snapshot(str(snapshot_id)).lineage_snapshot
            used |= {lineage.parent_snapshot_id} if lineage else set()
        free = sorted(number for snapshot_id, number in known.items() if snapshot_id not in used)
        for ids in _pages(free):
            with self.run_storage.connect() as conn:
                conn.execute(sa.delete(SnapshotsTable).where(SnapshotsTable.c.id.in_(ids)))
        return len(free)

    def _job_snapshots(self) -> list[str]:
        """Ids of the pictures that are of jobs, not of plans, and that a run refers to."""
        with self.run_storage.connect() as conn:
            return _texts(conn, sa.select(RunsTable.c.snapshot_id).distinct())

    def _folders(self) -> Iterable[Path]:
        yield Path(self.instance.storage_directory())
        logs = self.instance.compute_log_manager
        if isinstance(logs, LocalComputeLogManager):
            yield Path(logs._base_dir)  # noqa: SLF001 - it has no public name


def _pace(tag: str | None) -> Pace:
    """What a run says of its pace; one that says nothing known is kept longest."""
    return next((pace for pace in Pace if pace.value == tag), Pace.RARE)


def _ended_at(record: RunRecord) -> datetime | None:
    """When a run ended; None while it has not. One that never began ended when it was last touched."""
    if not record.dagster_run.is_finished:
        return None
    if record.end_time is not None:
        return datetime.fromtimestamp(record.end_time, UTC)
    touched = record.update_timestamp
    return touched.astimezone(UTC) if touched.tzinfo else touched.replace(tzinfo=UTC)


def _is_run_id(name: str) -> bool:
    """Whether a name is a run's: nothing else is ever the name of a folder that is deleted."""
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False


def _texts(conn: Connection, query: sa.Select[tuple[str | None]]) -> list[str]:
    return [text for (text,) in conn.execute(query) if text]


def _numbers(conn: Connection, query: sa.Select[tuple[int]]) -> list[int]:
    return [int(number) for (number,) in conn.execute(query)]


def _pages(numbers: Sequence[int]) -> Iterator[Collection[int]]:
    for first in range(0, len(numbers), _ROWS):
        yield numbers[first : first + _ROWS]
