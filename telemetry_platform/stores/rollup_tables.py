"""One day of a rollup in ClickHouse: prepared beside the table, swapped in whole, read back.

Invariants: readers see the old day or the new one, never a part; a day is prepared in a table of its own run, so that
two runs cannot mix their rows; the partition that is replaced holds that day and nothing else.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from telemetry_platform import sql_files
from telemetry_platform.errors import ContractViolationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from uuid import UUID

    import pyarrow as pa

    from telemetry_platform.contracts.rollup import Rollup
    from telemetry_platform.stores.warehouse import Warehouse

_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
_ONE_DAY = timedelta(days=1)
_PREFIX = "staged_"
_FORGOTTEN_AFTER = timedelta(hours=6)
"""No rebuild of one day takes as long: a staging table of then is of a run that was killed."""
_LIMITED = {
    "max_bytes_before_external_group_by": 512 * 1024 * 1024,
    "max_bytes_before_external_sort": 512 * 1024 * 1024,
    "max_threads": 2,
}
"""A day's groups go to the disk before they take the memory of whoever else asks."""
_STAGED = _LIMITED | {"insert_deduplicate": 0}


def partition(day: date) -> str:
    """The id of the day's partition."""
    return f"{day:%Y%m%d}"


def bounds(day: date) -> dict[str, Any]:
    """From the day's first moment to the next one's, in UTC."""
    since = datetime.combine(day, time(), UTC)
    return {"since": since, "until": since + _ONE_DAY}


@contextmanager
def staging(warehouse: Warehouse, rollup: Rollup, day: date, run: UUID) -> Iterator[str]:
    """A table like the rollup for the block; gone afterwards."""
    name = f"{_prefix_of(rollup, day)}{run.hex}"
    warehouse.client.command(_named("make_survivors", "source", rollup.name), {"survivors": name})
    try:
        yield name
    finally:
        warehouse.execute("drop_survivors", {"survivors": name})


def drop_stagings_of(warehouse: Warehouse, rollup: Rollup, day: date) -> int:
    """Drop what killed rebuilds of a day have left, for whoever holds the day's lock; how many there were.

    A swap of theirs that is still to come finds nothing to put there, and no row outlives its person's erasure in it.
    """
    mine = _prefix_of(rollup, day)
    left = [str(name) for name, _ in warehouse.rows("select_stagings") if str(name).startswith(mine)]
    for name in left:
        warehouse.execute("drop_survivors", {"survivors": name})
    return len(left)


def base_days(warehouse: Warehouse, table: str, time: str) -> set[date]:
    """The days of which a table has rows."""
    return set(warehouse.query("select_base_days", {"table": table, "time": time})["day"].to_pylist())


def _prefix_of(rollup: Rollup, day: date) -> str:
    return f"{_PREFIX}{rollup.name}_{partition(day)}_"


def drop_forgotten(warehouse: Warehouse, now: datetime) -> int:
    """Drop staging tables of runs that were killed; how many there were."""
    stagings = warehouse.rows("select_stagings")
    old = [str(name) for name, made_at in stagings if made_at < (now - _FORGOTTEN_AFTER).timestamp()]
    for name in old:
        warehouse.execute("drop_survivors", {"survivors": name})
    return len(old)


def is_staging(table: str) -> bool:
    """Whether a table is one in which a day is prepared: it holds for minutes what a rollup holds."""
    return table.startswith(_PREFIX)


def fill(warehouse: Warehouse, rollup: Rollup, staged: str, day: date, now: datetime) -> int:
    """Compute the day from its base into the staging table; how many rows that makes."""
    statement = _text(f"rebuild_{rollup.name}")
    columns = ", ".join(column.name for column in rollup.table.columns)
    warehouse.client.command(
        # Names of our own table and columns, and the text of a named statement.
        f"INSERT INTO {_checked(staged)} ({columns}) SELECT {columns} FROM (\n{statement}\n)",  # noqa: S608
        bounds(day) | {"now": now},
        _STAGED,
    )
    return int(warehouse.rows("count_rows", {"table": staged})[0][0])


def swap(warehouse: Warehouse, rollup: Rollup, staged: str, day: date, rows: int) -> None:
    """Put the staged day in the place of the one that is there; an empty one takes it away."""
    scope = {"table": rollup.name, "partition": partition(day)}
    if rows:
        warehouse.client.command(_named("replace_partition", "source", staged), scope)
    elif warehouse.rows("count_rows_of_day", scope)[0][0]:
        warehouse.execute("drop_partition", scope)


def stored(warehouse: Warehouse, rollup: Rollup, day: date) -> pa.Table:
    """The day as it lies there."""
    return warehouse.query("select_rollup_day", {"table": rollup.name, "partition": partition(day)})


def recomputed(warehouse: Warehouse, rollup: Rollup, day: date) -> pa.Table:
    """The day as another statement makes it of the base."""
    return warehouse.query(f"recompute_{rollup.name}", bounds(day), settings=_LIMITED)


def _text(name: str) -> str:
    return sql_files.statements(sql_files.read(f"clickhouse/queries/{name}.sql"))[0].rstrip().rstrip(";")


def _named(name: str, placeholder: str, table: str) -> str:
    return _text(name).replace(f"{{{placeholder}:Name}}", _checked(table))


def _checked(table: str) -> str:
    """A name of a table, which no parameter can stand for. Raises ContractViolationError for what is none."""
    if not _NAME.fullmatch(table):
        raise ContractViolationError(f"{table} is no name of a table")
    return table
