"""The SQL file of every PostgreSQL table that entries land in says what its contract says."""

from __future__ import annotations

import pytest

from telemetry_platform import sql_files
from telemetry_platform.contracts.event_kind import Store, Table
from telemetry_platform.contracts.registry import tables
from telemetry_platform_tests.contracts.sql_differences import postgres_differences

POSTGRES = {table.name: table for table in tables().values() if table.store is Store.POSTGRES}


FILES = {file.name: file.text for file in sql_files.files("postgres/tables")}


def text_of(table: Table) -> str:
    """Files are named schema_table, since one folder holds all schemas."""
    name = table.name.replace(".", "_")
    assert name in FILES, f"write sql/postgres/tables/{name}.sql"
    return FILES[name]


@pytest.mark.parametrize("table", POSTGRES.values(), ids=POSTGRES)
def test_the_file_says_what_the_contract_says(table: Table) -> None:
    found = postgres_differences(table, text_of(table))
    assert not found, f"{table.name}:\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("written", "instead", "difference"),
    [
        ("TABLE audit.audit_logs (", "TABLE audit.logs (", "the table is called audit.logs; the contract says"),
        ("seq bigint", "seq integer", "seq: the type is INT; the contract says BIGINT"),
        ("org_id text NOT NULL", "org_id text", "org_id: the type is Nullable(TEXT); the contract says TEXT"),
        ("    region text,\n", "", "region: the column is missing"),
        ("    region text,\n", "    region text,\n    city text,\n", "city: the contract has no such column"),
        ("IS 'HTTP method'", "IS 'method'", "method: the comment is 'method'; the contract says 'HTTP method'"),
        ("IS 'HIPAA audit", "IS 'The audit", "the table's comment is 'The audit"),
    ],
)
def test_a_difference_is_found_and_named(written: str, instead: str, difference: str) -> None:
    table = POSTGRES["audit.audit_logs"]
    assert written in text_of(table)
    found = postgres_differences(table, text_of(table).replace(written, instead))
    assert any(difference in sentence for sentence in found), found
