"""A real history in Dagster's own PostgreSQL storage: runs that were made, copied to other days, and ticks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import sqlalchemy as sa
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import InstigatorTick, TickData, TickStatus
from dagster._core.storage.event_log import SqlEventLogStorageTable
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from dagster._core.storage.runs.schema import RunsTable, RunTagsTable
from dagster._core.storage.schedules.schema import JobTickTable
from dagster_shared.serdes import serialize_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    import dagster as dg

    from telemetry_platform.defs.operations.history_storage import History

SENSOR = "landing_has_events"


def copy_run(history: History, run_id: str, endings: Sequence[datetime]) -> list[str]:
    """The run, as if it had run at other times too: every row of it again under new ids."""
    made = [str(uuid4()) for _ in endings]
    with history.run_storage.connect() as conn:
        for table, moved in ((RunsTable, True), (RunTagsTable, False)):
            rows = conn.execute(sa.select(table).where(table.c.run_id == run_id)).mappings().all()
            conn.execute(
                sa.insert(table),
                [
                    {
                        **{name: _renamed(value, run_id, new) for name, value in row.items() if name != "id"},
                        **(_ended(ending) if moved else {}),
                    }
                    for new, ending in zip(made, endings, strict=True)
                    for row in rows
                ],
            )
    with history.events.index_connection() as conn:
        for table in (SqlEventLogStorageTable, AssetCheckExecutionsTable):
            rows = conn.execute(sa.select(table).where(table.c.run_id == run_id)).mappings().all()
            copies = [
                {
                    **{name: _renamed(value, run_id, new) for name, value in row.items() if name != "id"},
                    **({"timestamp": ending.replace(tzinfo=None)} if "timestamp" in row else {}),
                }
                for new, ending in zip(made, endings, strict=True)
                for row in rows
            ]
            if copies:
                conn.execute(sa.insert(table), copies)
    return made


def _renamed(value: object, old: str, new: str) -> object:
    return value.replace(old, new) if isinstance(value, str) else value


def _ended(at: datetime) -> dict[str, object]:
    naive = at.replace(tzinfo=None)
    return {
        "start_time": (at - timedelta(minutes=10)).timestamp(),
        "end_time": at.timestamp(),
        "create_timestamp": naive,
        "update_timestamp": naive,
    }


def add_ticks(history: History, moments: Sequence[datetime], skip_reason: str, *, sensor: str = SENSOR) -> None:
    """Skipped ticks of a sensor, with all that the daemon writes of one."""
    with history.schedules.connect() as conn:
        conn.execute(
            sa.insert(JobTickTable),
            [
                {
                    "job_origin_id": sensor,
                    "selector_id": sensor,
                    "status": TickStatus.SKIPPED.value,
                    "type": InstigatorType.SENSOR.value,
                    "timestamp": moment.replace(tzinfo=None),
                    "tick_body": serialize_value(_tick(sensor, moment, skip_reason)),
                }
                for moment in moments
            ],
        )


def written_by_the_daemon(instance: dg.DagsterInstance, moment: datetime, skip_reason: str) -> InstigatorTick:
    """One tick through Dagster's own method, to compare with."""
    return instance.create_tick(_tick(SENSOR, moment, skip_reason))


def _tick(sensor: str, moment: datetime, skip_reason: str) -> TickData:
    return TickData(
        instigator_origin_id=sensor,
        instigator_name=sensor,
        instigator_type=InstigatorType.SENSOR,
        status=TickStatus.SKIPPED,
        timestamp=moment.timestamp(),
        skip_reason=skip_reason,
        selector_id=sensor,
        end_timestamp=moment.timestamp() + 0.02,
        log_key=["telemetry", sensor, str(moment.timestamp())],
    )


def every(step: timedelta, *, until: datetime, span: timedelta) -> list[datetime]:
    """Moments of a span of time, the last one `until`."""
    return [until - number * step for number in range(int(span / step))]


def utc_now() -> datetime:
    """Now; Dagster's storage stores moments of UTC without their zone."""
    return datetime.now(UTC)
