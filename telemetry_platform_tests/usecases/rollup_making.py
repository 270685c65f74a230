"""Rows of the bases of rollups, stored as a batch would, and what became of a day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from telemetry_platform.contracts.registry import tables
from telemetry_platform.contracts.rollup_registry import of_base, rollups
from telemetry_platform.stores import ingest_ledger, rollup_tables
from telemetry_platform.usecases.rollups.rebuild import rebuild_day
from telemetry_platform.usecases.rollups.touched import due_days
from telemetry_platform.usecases.rollups.verify import verify_day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from telemetry_platform.usecases.drain.stores import DrainStores

HEALTH = rollups()["video_health_hourly"]
NOW = datetime.now(UTC).replace(microsecond=0)
TODAY = NOW.date()
LONG = timedelta(minutes=5)
_DEFAULTS: dict[str, Any] = {
    "Array(UInt8)": [],
    "Bool": False,
    "DateTime64(3, 'UTC')": NOW,
    "Float64": 0.0,
    "String": "",
    "UInt16": 200,
    "UInt32": 0,
    "UInt64": 0,
    "UInt8": 0,
    "UUID": UUID(int=0),
}


_days = iter(range(3, 80))


def a_day() -> date:
    """A day that no other test of this process writes to."""
    return TODAY - timedelta(days=next(_days))


def at(day: date, hour: int = 10, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def put(stores: DrainStores, table: str, rows: Sequence[dict[str, Any]], *, mark: bool = True) -> None:
    """Store rows as a batch would, and mark their days unless that is left to the test."""
    columns = tables()[table].columns
    whole = [
        {column.name: None if column.nullable else _DEFAULTS[column.clickhouse] for column in columns} | row
        for row in rows
    ]
    names = [column.name for column in columns]
    values = ", ".join("(" + ", ".join(_literal(row[name]) for name in names) + ")" for row in whole)
    stores.warehouse.client.command(
        f"INSERT INTO {table} ({', '.join(names)}) SETTINGS insert_deduplicate = 0 VALUES {values}"  # noqa: S608
    )
    if mark:
        touch(stores, table, {row["occurred_at"].date() for row in rows})


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, datetime):
        return f"'{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03d}'"
    if isinstance(value, (str, UUID)):
        return f"'{value}'"
    return str(value)


def touch(stores: DrainStores, table: str, days: set[date]) -> None:
    with stores.postgres() as conn, conn.transaction():
        ingest_ledger.mark_touched_days(conn, table, days, "a batch", now=NOW)


def session(number: int, moment: datetime, version: int = 1, **more: object) -> dict[str, Any]:
    return {
        "session_id": UUID(int=number),
        "org_id": "clinic-1",
        "occurred_at": moment,
        "actor_hash": f"{number:064x}",
        "key_epoch": 1,
        "device_type": "mobile",
        "media_id": "m",
        "state": "completed",
        "start_seen": True,
        "fold_version": version,
        **more,
    }


def total(stores: DrainStores, rollup: str, day: date, measure: str, dimension: str = "all") -> float:
    where = "dimension = {dimension:String}" if "dimension" in rollups()[rollup].keys else "1"
    return float(
        stores.warehouse.client.scalar(
            f"SELECT sum({measure}) FROM {rollup} WHERE _partition_id = {{day:String}} AND {where}",  # noqa: S608
            {"day": rollup_tables.partition(day), "dimension": dimension},
        )
    )


def rebuild(stores: DrainStores, base: str, day: date, **more: Any) -> None:  # noqa: ANN401 - as rebuild_day takes them
    for rollup in of_base(base):
        rebuild_day(stores, rollup, day, run_id="test", now=NOW, **more)


def agree(stores: DrainStores, base: str, day: date) -> None:
    for rollup in of_base(base):
        verdict = verify_day(stores, rollup, day)
        assert verdict.matches, (rollup.name, verdict.differences)


def is_due(stores: DrainStores, day: date, rollup: str = HEALTH.name) -> bool:
    with stores.postgres() as conn:
        return any(found == day for _, found, _ in due_days(conn, rollups()[rollup]))
