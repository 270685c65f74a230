"""The PostgreSQL tables that entries land in, held against their contracts on the real engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from telemetry_platform.contracts.event_kind import Store, Table
from telemetry_platform.contracts.registry import kinds_in
from telemetry_platform_tests.stores.trail import Trail, trail_of

if TYPE_CHECKING:
    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings

_TYPES = {
    "UUID": "uuid",
    "DateTime64(3, 'UTC')": "timestamp with time zone",
    "String": "text",
    "UInt64": "bigint",
    "UInt32": "integer",
    "UInt16": "integer",
    "Bool": "boolean",
    "JSON": "jsonb",
}
TABLES = tuple(kind.table for kind in kinds_in(Store.POSTGRES))


@pytest.fixture(scope="module")
def trail(engines: PlatformHandle, module_platform: Settings) -> Trail:
    return trail_of(engines, module_platform)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_columns_types_nulls_and_comments_are_the_contracts(trail: Trail, table: Table) -> None:
    found = trail.rows(
        "SELECT column_name, data_type, is_nullable = 'YES', col_description(%s::regclass, ordinal_position) "
        "FROM information_schema.columns WHERE table_schema || '.' || table_name = %s ORDER BY ordinal_position",
        [table.name, table.name],
        role="telemetry_owner",
    )
    assert found == [
        (column.name, _TYPES[column.clickhouse], column.nullable, column.description) for column in table.columns
    ]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_tables_comment_is_the_contracts(trail: Trail, table: Table) -> None:
    assert trail.rows("SELECT obj_description(%s::regclass)", [table.name]) == [(table.description,)]
