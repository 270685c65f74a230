"""Rows of erased persons from before their erasure: counted, and removed, by pseudonym and moment.

Invariants: no statement names a person (the pseudonyms lie in a scratch table, and are gone when this ends); what
somebody began after their erasure is not touched; a removal is awaited.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from telemetry_platform import sql_files
from telemetry_platform.errors import ContractViolationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from uuid import UUID

    from telemetry_platform.contracts.event_kind import Table
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.warehouse import Warehouse

    Person = tuple[str, str]
    """Tenant and actor pseudonym."""

_PSEUDONYM = re.compile(r"[0-9a-f]{64}", re.ASCII)


@contextmanager
def named(warehouse: Warehouse, sweep_id: UUID, persons: Sequence[Person]) -> Iterator[UUID]:
    """The scratch table holds these persons for the block, under the sweep's id."""
    warehouse.execute("empty_erasure_scratch")
    rows = pa.table(
        {
            "sweep_id": pa.array([str(sweep_id)] * len(persons), pa.string()),
            "org_id": pa.array([org_id for org_id, _ in persons], pa.string()),
            "actor_hash": pa.array([actor_hash for _, actor_hash in persons], pa.string()),
        }
    )
    try:
        warehouse.insert("erasure_scratch", rows, token=str(sweep_id))
        yield sweep_id
    finally:
        warehouse.execute("empty_erasure_scratch")


def count(warehouse: Warehouse, table: Table, column: str, sweep_id: UUID, erased_at: datetime) -> int:
    """Rows of the sweep's persons that were received, or occurred, by then."""
    return int(warehouse.rows("count_rows_from_before", _scope(table, column, sweep_id, erased_at))[0][0])


def delete(warehouse: Warehouse, table: Table, column: str, sweep_id: UUID, erased_at: datetime) -> None:
    """Remove them; it has happened when this returns."""
    warehouse.execute("delete_rows_from_before", _scope(table, column, sweep_id, erased_at))


def by_person(
    warehouse: Warehouse, table: Table, column: str, sweep_id: UUID, erased_at: datetime
) -> Sequence[Sequence[Any]]:
    """The same by person: tenant, pseudonym, rows, and their days."""
    return warehouse.rows("count_rows_by_person", _scope(table, column, sweep_id, erased_at))


def count_between(  # noqa: PLR0913, PLR0917 - whose, where, from when to when
    warehouse: Warehouse, table: Table, column: str, sweep_id: UUID, first: datetime, last: datetime
) -> int:
    """Rows of the sweep's persons from after the first moment, up to the last."""
    scope = _scope(table, column, sweep_id) | {"first": first, "last": last}
    return int(warehouse.rows("count_rows_between", scope)[0][0])


def count_named(  # noqa: PLR0913, PLR0917 - whose, where and by when
    warehouse: Warehouse, table: Table, column: str, org_id: str, actors: Sequence[str], erased_at: datetime
) -> int:
    """Rows of one person from before a moment, without the scratch table: for whoever only looks."""
    time = table.retention.column
    scope = {"table": table.name, "column": column, "time": time, "org_id": org_id, "erased_at": erased_at}
    if not all(_PSEUDONYM.fullmatch(actor) for actor in actors):
        raise ContractViolationError("a pseudonym is 64 hex digits: nothing else may be looked for")
    keys = {"persons": "".join(f"{actor}\n" for actor in actors)}
    statement = sql_files.statements(sql_files.read("clickhouse/queries/count_named_rows.sql"))[0]
    return int(warehouse.client.query_arrow(statement, scope, None, keys).to_pylist()[0]["found"])


def old_parts(warehouse: Warehouse, table: str, mutated_at: datetime) -> int:
    """Parts of a table that a deletion by then replaced, and whose files still lie on the disk."""
    return int(warehouse.rows("count_old_parts", {"table": table, "mutated_at": mutated_at})[0][0])


def clock(warehouse: Warehouse) -> datetime:
    """What the warehouse's own clock shows."""
    found: datetime = warehouse.rows("select_now")[0][0]
    return found


def delete_letters(conn: Connection, persons: Sequence[Person], erased_at: datetime) -> int:
    """Remove dead letters of these persons that were received by then; how many there were."""
    return conn.execute(
        "DELETE FROM privacy.dead_letters d USING unnest(%s::text[], %s::text[]) AS p (org_id, actor_hash) "
        "WHERE d.org_id = p.org_id AND d.actor_hash = p.actor_hash AND d.received_at <= %s",
        ([org_id for org_id, _ in persons], [actor_hash for _, actor_hash in persons], erased_at),
    ).rowcount


def _scope(table: Table, column: str, sweep_id: UUID, erased_at: datetime | None = None) -> dict[str, Any]:
    scope = {"table": table.name, "column": column, "time": table.retention.column, "sweep_id": str(sweep_id)}
    return scope if erased_at is None else scope | {"erased_at": erased_at}
