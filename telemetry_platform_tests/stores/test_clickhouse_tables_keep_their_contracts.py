"""The ClickHouse tables, held against their contracts on the real engine: what its server makes of the SQL files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from telemetry_platform.contracts.event_kind import Store, Table
from telemetry_platform.contracts.rollup_registry import kept_tables
from telemetry_platform.stores.warehouse import Warehouse, open_warehouse
from telemetry_platform_tests.contracts.sql_differences import commented, plain_ttl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.contracts.columns import Column
    from telemetry_platform.settings import Settings

CLICKHOUSE = {table.name: table for table in kept_tables().values() if table.store is Store.CLICKHOUSE}
_LOW_CARDINALITY = re.compile(r"LowCardinality\((.*)\)")


@pytest.fixture(scope="module")
def warehouse(module_platform: Settings) -> Iterator[Warehouse]:
    """The tables of the schema."""
    with open_warehouse(module_platform.clickhouse, log_comment="tests") as opened:
        yield opened


def _declared(column: Column) -> tuple[str, str, str]:
    kind = f"Nullable({column.clickhouse})" if column.nullable else column.clickhouse
    return column.name, kind, commented(column)


@pytest.mark.parametrize("table", CLICKHOUSE.values(), ids=CLICKHOUSE)
def test_columns_types_nulls_and_comments_are_the_contracts(warehouse: Warehouse, table: Table) -> None:
    rows = warehouse.client.query(
        "SELECT name, type, comment FROM system.columns WHERE database = currentDatabase() AND table = {table:String} "
        "ORDER BY position",
        {"table": table.name},
    )
    found = [(name, _LOW_CARDINALITY.sub(r"\1", kind), comment) for name, kind, comment in rows]
    assert found == [_declared(column) for column in table.columns]


@pytest.mark.parametrize("table", CLICKHOUSE.values(), ids=CLICKHOUSE)
def test_the_tables_comment_engine_and_ttl_are_the_contracts(warehouse: Warehouse, table: Table) -> None:
    ((engine, full, comment),) = warehouse.client.query(
        "SELECT engine, engine_full, comment FROM system.tables "
        "WHERE database = currentDatabase() AND name = {table:String}",
        {"table": table.name},
    )
    assert comment == table.description
    assert engine == ("ReplacingMergeTree" if table.final else "MergeTree"), "versions are replaced, events are not"
    assert plain_ttl(full) == plain_ttl(f"TTL {table.retention.ttl}")
    for setting in (
        "fsync_after_insert = 1",
        "fsync_part_directory = 1",
        "non_replicated_deduplication_window = 10000",
    ):
        assert setting in full
