"""Every ClickHouse table's SQL file says what its contract says: columns, types, comments, retention, and the locks."""

from __future__ import annotations

import pytest

from telemetry_platform import sql_files
from telemetry_platform.contracts.event_kind import Store, Table
from telemetry_platform.contracts.records import records
from telemetry_platform.contracts.rollup_registry import kept_tables
from telemetry_platform_tests.contracts.sql_differences import clickhouse_differences

CLICKHOUSE = {table.name: table for table in kept_tables().values() if table.store is Store.CLICKHOUSE}
FILES = {file.name: file.text for file in sql_files.files("clickhouse/tables")}


def test_there_is_no_file_without_a_contract() -> None:
    beside = {name for name, record in records().items() if record.store is Store.CLICKHOUSE}
    assert set(FILES) - set(CLICKHOUSE) - beside == set(), (
        "a table belongs to a kind (contracts/events/<kind>.py), or to contracts/records/"
    )


@pytest.mark.parametrize("table", CLICKHOUSE.values(), ids=CLICKHOUSE)
def test_the_file_says_what_the_contract_says(table: Table) -> None:
    assert table.name in FILES, f"write sql/clickhouse/tables/{table.name}.sql"
    found = clickhouse_differences(table, FILES[table.name])
    assert not found, f"sql/clickhouse/tables/{table.name}.sql:\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("written", "instead", "difference"),
    [
        ("TABLE consent_drops", "TABLE drops", "the table is called drops; the contract says consent_drops"),
        ("consent_level UInt8", "consent_level UInt16", "consent_level: the type is UInt16; the contract says UInt8"),
        (
            "reason LowCardinality(String)",
            "reason LowCardinality(Nullable(String))",
            "reason: the type is Nullable(String); the contract says String",
        ),
        ("    kind ", "    sort ", "kind: the column is missing"),
        ("    kind ", "    sort ", "sort: the contract has no such column"),
        ("'tenant, from", "'tenant from", "org_id: the comment is 'tenant from the token'; the contract says"),
        (" COMMENT 'tenant, from the token'", "", "org_id: the comment is None; the contract says"),
        ("COMMENT 'One row per", "COMMENT 'A row per", "the table's comment is 'A row per"),
        ("INTERVAL 2 YEAR", "INTERVAL 3 YEAR", "the TTL is toDateTime(received_at) + INTERVAL 3 YEAR"),
        ("TTL toDateTime(received_at) + INTERVAL 2 YEAR + INTERVAL 1 MONTH\n", "", "the TTL is missing"),
        ("fsync_after_insert = 1", "fsync_after_insert = 0", "fsync_after_insert is 0; it must be 1 or more"),
        (
            "    replicated_deduplication_window = 10000,\n",
            "",
            "the setting replicated_deduplication_window is missing; it must be 10000 or more",
        ),
    ],
)
def test_a_difference_is_found_and_named(written: str, instead: str, difference: str) -> None:
    text = FILES["consent_drops"]
    assert written in text
    found = clickhouse_differences(CLICKHOUSE["consent_drops"], text.replace(written, instead))
    assert any(difference in sentence for sentence in found), found


def test_another_order_of_the_columns_is_found() -> None:
    lines = FILES["consent_drops"].splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if line.startswith("    org_id "))
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    (found,) = clickhouse_differences(CLICKHOUSE["consent_drops"], "".join(lines))
    assert found.startswith("the columns stand in another order; the contract says event_id, received_at")


def test_versions_of_a_row_in_two_partitions_or_under_two_keys_are_found() -> None:
    table = CLICKHOUSE["media_sessions"]
    text = FILES["media_sessions"]
    order = next(line for line in text.splitlines() if line.startswith("ORDER BY"))
    assert clickhouse_differences(table, text.replace(order, f"PARTITION BY toYYYYMM(occurred_at)\n{order}")) == [
        "rows are versions: in two partitions they never collapse, so there may be no PARTITION BY"
    ]
    assert clickhouse_differences(table, text.replace(order, "ORDER BY (session_id)")) == [
        "rows are versions: ORDER BY must hold what identifies a row, org_id, session_id"
    ]
