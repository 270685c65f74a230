"""The live databases against the registries: what is there is known, and what is planted is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.contracts.held_copies import copies
from telemetry_platform.contracts.records import records
from telemetry_platform.contracts.rollup_registry import kept_tables
from telemetry_platform.stores import live_columns, postgres
from telemetry_platform.stores.live_columns import LiveColumn
from telemetry_platform.stores.warehouse import Warehouse, open_warehouse
from telemetry_platform.usecases.registered_data import gaps, may_be_personal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection


@pytest.fixture(scope="module")
def warehouse(module_platform: Settings) -> Iterator[Warehouse]:
    with open_warehouse(module_platform.clickhouse, log_comment="tests") as opened:
        yield opened


@pytest.fixture
def owner(module_platform: Settings) -> Iterator[Connection]:
    """The schema's owner, in a transaction that is taken back."""
    assert module_platform.postgres.owner_url is not None
    with postgres.connect(module_platform.postgres.owner_url.get_secret_value()) as connection:
        yield connection
        connection.rollback()


def found_in_postgres(conn: Connection) -> list[str]:
    return [str(gap) for gap in gaps(live_columns.of_postgres(conn), Store.POSTGRES)]


def found_in_clickhouse(warehouse: Warehouse) -> list[str]:
    return [str(gap) for gap in gaps(live_columns.of_warehouse(warehouse), Store.CLICKHOUSE)]


def test_every_table_and_column_of_the_live_databases_is_registered(warehouse: Warehouse, owner: Connection) -> None:
    assert found_in_clickhouse(warehouse) == []
    assert found_in_postgres(owner) == []


def test_the_catalogues_show_what_is_really_there(warehouse: Warehouse, module_platform: Settings) -> None:
    held = {column.table for column in live_columns.of_warehouse(warehouse)}
    assert held >= {name for name, table in kept_tables().items() if table.store is Store.CLICKHOUSE}
    assert not {"media_sessions_current", "media_timeline"} & held
    # A role without any right on a table sees it all the same.
    assert module_platform.postgres.read_url is not None
    with postgres.connect(module_platform.postgres.read_url.get_secret_value()) as reader:
        kept = {column.table for column in live_columns.of_postgres(reader)}
    assert kept >= {name for name, table in kept_tables().items() if table.store is Store.POSTGRES}
    assert "privacy.key_epochs" in kept
    assert not [name for name in kept if name.startswith("audit.audit_logs_")]


@pytest.mark.parametrize(
    ("statement", "where"),
    [
        ("CREATE TABLE privacy.leads (id bigint)", "privacy.leads"),
        ("CREATE TABLE public.backup_of_letters AS SELECT * FROM privacy.dead_letters", "public.backup_of_letters"),
        ("CREATE MATERIALIZED VIEW ops.who AS SELECT 1 AS one", "ops.who"),
        ("ALTER TABLE ingest.batches ADD COLUMN note text", "ingest.batches.note"),
        ("ALTER TABLE ingest.batches ADD COLUMN notes varchar(20)[]", "ingest.batches.notes"),
        ("ALTER TABLE ingest.batches ADD COLUMN seen jsonb", "ingest.batches.seen"),
        ("ALTER TABLE ingest.batches ADD COLUMN came_from inet", "ingest.batches.came_from"),
        ("ALTER TABLE ingest.batches ADD COLUMN user_no bigint", "ingest.batches.user_no"),
        ("ALTER TABLE audit.audit_logs ADD COLUMN actor_number bigint", "audit.audit_logs.actor_number"),
        ("ALTER TABLE privacy.dead_letters DROP COLUMN actor_hash CASCADE", "privacy.dead_letters.actor_hash"),
        ("DROP TABLE ingest.touched_days CASCADE", "ingest.touched_days"),
    ],
)
def test_what_is_planted_in_postgresql_is_found(owner: Connection, statement: str, where: str) -> None:
    before = set(found_in_postgres(owner))
    owner.execute(statement.encode())
    assert {text.partition(": ")[0] for text in set(found_in_postgres(owner)) - before} == {where}


@pytest.mark.parametrize(
    ("statement", "where", "back"),
    [
        ("CREATE TABLE leads (id UInt64) ENGINE = MergeTree ORDER BY id", "leads", "DROP TABLE leads"),
        (
            "CREATE MATERIALIZED VIEW hourly ENGINE = MergeTree ORDER BY tuple() AS SELECT org_id FROM media_events",
            ".inner",
            "DROP TABLE hourly",
        ),
        (
            "ALTER TABLE api_metrics ADD COLUMN user_no UInt64",
            "api_metrics.user_no",
            "ALTER TABLE api_metrics DROP COLUMN user_no",
        ),
        (
            "ALTER TABLE schema_ledger ADD COLUMN notes Array(LowCardinality(String))",
            "schema_ledger.notes",
            "ALTER TABLE schema_ledger DROP COLUMN notes",
        ),
    ],
)
def test_what_is_planted_in_clickhouse_is_found(warehouse: Warehouse, statement: str, where: str, back: str) -> None:
    before = found_in_clickhouse(warehouse)
    warehouse.client.command(statement)
    try:
        (text,) = set(found_in_clickhouse(warehouse)) - set(before)
        assert text.startswith(where)
    finally:
        warehouse.client.command(back)
    assert found_in_clickhouse(warehouse) == before


def test_a_contract_without_its_table_is_a_gap_too() -> None:
    known = {name for name, record in records().items() if record.store is Store.CLICKHOUSE}
    known |= {name for name, table in kept_tables().items() if table.store is Store.CLICKHOUSE} | copies().keys()
    found = gaps([LiveColumn("unknown", "id", "UInt64")], Store.CLICKHOUSE)
    assert {gap.where for gap in found} == known | {"unknown"}


@pytest.mark.parametrize(
    ("name", "kind", "may"),
    [
        ("entries", "integer", False),
        ("entries", "Nullable(UInt32)", False),
        ("noted", "LowCardinality(Nullable(String))", True),
        ("noted", "Map(String, UInt8)", True),
        ("noted", "character varying(40)", True),
        ("noted", "uuid", False),
        ("person_id", "uuid", True),
        ("ip_seen", "UInt32", True),
        ("actor_seen_at", "timestamp with time zone", False),
        ("user_since", "DateTime64(3, 'UTC')", False),
        ("description", "text", True),
    ],
)
def test_what_could_hold_something_of_a_person(name: str, kind: str, *, may: bool) -> None:
    assert may_be_personal(name, kind) is may
