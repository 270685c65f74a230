"""Every ClickHouse table's SQL file says what its contract says: columns, types, comments, retention, and the locks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlglot
from sqlglot import exp

from telemetry_platform import sql_files
from telemetry_platform.contracts.event_kind import Store, Table
from telemetry_platform.contracts.registry import tables

if TYPE_CHECKING:
    from telemetry_platform.contracts.columns import Column

CLICKHOUSE = {table.name: table for table in tables().values() if table.store is Store.CLICKHOUSE}
WINDOW_BLOCKS = 10_000
WINDOW_SECONDS = 7 * 86_400


def _parsed(name: str) -> exp.Create:
    statement = sqlglot.parse_one(sql_files.read(f"clickhouse/tables/{name}.sql"), read="clickhouse")
    assert isinstance(statement, exp.Create)
    return statement


def _column_types(create: exp.Create) -> dict[str, str]:
    """Types as they are written, without LowCardinality, which is the file's own design."""
    found: dict[str, str] = {}
    for column in create.this.find_all(exp.ColumnDef):
        kind = column.args["kind"]
        bare = kind.expressions[0] if kind.is_type(exp.DataType.Type.LOWCARDINALITY) else kind
        found[column.name] = bare.sql("clickhouse")
    return found


def _declared(column: Column) -> str:
    return f"Nullable({column.clickhouse})" if column.nullable else column.clickhouse


def _comment(column: Column) -> str:
    return f"{column.description} [{column.unit}]" if column.unit else column.description


def test_there_is_one_file_for_each_table_and_none_besides() -> None:
    assert {file.name for file in sql_files.files("clickhouse/tables")} == set(CLICKHOUSE)


@pytest.mark.parametrize("table", CLICKHOUSE.values(), ids=CLICKHOUSE)
def test_columns_have_the_contract_s_names_order_types_and_nullability(table: Table) -> None:
    written = _column_types(_parsed(table.name))
    assert list(written) == [column.name for column in table.columns]
    assert written == {column.name: _declared(column) for column in table.columns}


@pytest.mark.parametrize("table", CLICKHOUSE.values(), ids=CLICKHOUSE)
def test_comments_are_the_contract_s_descriptions_with_their_units(table: Table) -> None:
    create = _parsed(table.name)
    written = {
        column.name: comment.this.name
        for column in create.this.find_all(exp.ColumnDef)
        if (comment := column.find(exp.CommentColumnConstraint))
    }
    assert written == {column.name: _comment(column) for column in table.columns}
    described = create.find(exp.SchemaCommentProperty)
    assert described is not None
    assert described.this.name == table.description


@pytest.mark.parametrize("table", CLICKHOUSE.values(), ids=CLICKHOUSE)
def test_the_ttl_is_the_retention_and_a_month(table: Table) -> None:
    ttl = _parsed(table.name).find(exp.MergeTreeTTL)
    assert ttl is not None
    assert ttl.sql("clickhouse").replace("'", "") == f"TTL {table.retention.ttl}"


@pytest.mark.parametrize("table", CLICKHOUSE.values(), ids=CLICKHOUSE)
def test_every_table_remembers_tokens_and_reaches_the_disk(table: Table) -> None:
    settings = _parsed(table.name).find(exp.SettingsProperty)
    assert settings is not None
    written = {one.this.name: int(one.expression.name) for one in settings.expressions}
    assert written["non_replicated_deduplication_window"] >= WINDOW_BLOCKS
    assert written["replicated_deduplication_window"] >= WINDOW_BLOCKS
    assert written["replicated_deduplication_window_seconds"] >= WINDOW_SECONDS
    assert written["fsync_after_insert"] == 1
    assert written["fsync_part_directory"] == 1


@pytest.mark.parametrize("table", [table for table in CLICKHOUSE.values() if table.final], ids=lambda table: table.name)
def test_versions_of_a_row_share_one_partition(table: Table) -> None:
    create = _parsed(table.name)
    assert create.find(exp.PartitionedByProperty) is None, "rows in two partitions never collapse"
    order = create.find(exp.Order)
    assert order is not None
    assert {column.name for column in order.find_all(exp.Column)} >= set(table.key)
