"""The warehouse on the real engine: named statements, tokens, read-back, and what an error lets out."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pyarrow as pa
import pytest
from pydantic import SecretStr

from telemetry_platform import sql_files
from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.contracts.registry import tables
from telemetry_platform.errors import ConfigurationError, ContractViolationError, PermanentError, TransientError
from telemetry_platform.stores import clickhouse
from telemetry_platform.stores.tenant_keys import tenant_key, tenant_keys
from telemetry_platform.stores.warehouse import Warehouse, open_warehouse
from telemetry_platform_tests.usecases.media_log import BASE, CLINIC, Event, clock, event, store, store_and_fold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.contracts.event_kind import Table
    from telemetry_platform.settings import Settings

MEDIA = tables()["media_events"]
SINCE = BASE - timedelta(days=8)


@pytest.fixture(scope="module")
def warehouse(module_platform: Settings) -> Iterator[Warehouse]:
    with open_warehouse(module_platform.clickhouse, log_comment="tests of the warehouse") as opened:
        yield opened


def key(one: Event) -> str:
    return tenant_key(one.org_id, one.event_id)


def _count(warehouse: Warehouse, batch_id: str) -> int:
    return int(
        warehouse.client.scalar("SELECT count() FROM media_events WHERE batch_id = {batch:String}", {"batch": batch_id})
    )


@pytest.mark.parametrize(
    "table", [table for table in tables().values() if table.store is Store.CLICKHOUSE], ids=lambda table: table.name
)
def test_the_engine_s_own_columns_are_the_contract_s(
    module_platform: Settings, warehouse: Warehouse, table: Table
) -> None:
    rows = warehouse.client.query(
        "SELECT name, type, comment FROM system.columns WHERE database = {db:String} AND table = {table:String} "
        "ORDER BY position",
        {"db": module_platform.clickhouse.database, "table": table.name},
    )
    written = [(name, _without_dictionary(kind), comment) for name, kind, comment in rows]
    assert written == [
        (
            column.name,
            f"Nullable({column.clickhouse})" if column.nullable else column.clickhouse,
            f"{column.description} [{column.unit}]" if column.unit else column.description,
        )
        for column in table.columns
    ]


def _without_dictionary(kind: str) -> str:
    return kind.removeprefix("LowCardinality(")[:-1] if kind.startswith("LowCardinality(") else kind


def test_an_insert_under_the_same_token_happens_once(warehouse: Warehouse) -> None:
    events = [event(uuid4(), "play", second) for second in range(5)]
    batch = store(warehouse, events)
    store(warehouse, events, batch)
    assert _count(warehouse, batch) == 5


def test_a_second_attempt_reads_back_what_the_first_one_stored(warehouse: Warehouse) -> None:
    events = [event(uuid4(), "play", second) for second in range(3)]
    batch = store(warehouse, events)
    stored = warehouse.stored_events(MEDIA, batch, since=SINCE).to_pylist()
    assert {(row["org_id"], row["event_id"]) for row in stored} == {(one.org_id, str(one.event_id)) for one in events}
    assert warehouse.stored_events(MEDIA, "another", since=SINCE).num_rows == 0


def test_known_events_are_those_of_other_batches_with_what_they_say(warehouse: Warehouse) -> None:
    view = uuid4()
    one, other = event(view, "pause", 1, position_seconds=1.5), event(view, "play", 2)
    first = store(warehouse, [one])
    keys = pa.array([key(one), key(other)])

    (known,) = warehouse.known_events(
        MEDIA, keys, sessions=pa.array([one.session]), batch_id="second", since=SINCE
    ).to_pylist()
    assert (known["event_id"], known["session_id"]) == (str(one.event_id), str(view))
    assert (known["event"], known["position_seconds"], known["client_at"]) == ("pause", 1.5, one.client_at)
    assert not {"received_at", "occurred_at", "batch_id", "ip_truncated"} & set(known)

    assert warehouse.known_events(MEDIA, keys, batch_id=first, since=SINCE).num_rows == 0
    assert (
        warehouse.known_events(
            MEDIA, keys, sessions=[tenant_key(CLINIC, uuid4())], batch_id="second", since=SINCE
        ).num_rows
        == 0
    )
    assert warehouse.known_events(MEDIA, keys, batch_id="second", since=BASE + timedelta(days=1)).num_rows == 0


def test_a_list_of_keys_may_be_longer_than_a_field_of_a_request(warehouse: Warehouse) -> None:
    one = event(uuid4(), "play", 1)
    store(warehouse, [one])
    many = [tenant_key(CLINIC, uuid4()) for _ in range(20_000)]
    assert warehouse.known_events(MEDIA, [*many, key(one)], batch_id="x", since=SINCE).num_rows == 1


@pytest.mark.parametrize(
    "text",
    [
        "'; DROP TABLE media_events; --",
        "3F2504E0-4F89-41D3-9A0C-0305E82C3301",
        "3f2504e0-4f89-41d3-9a0c-0305e82c3301'",
        "3f2504e0-4f89-41d3-9a0c-0305e82c3301\n",
    ],
)
def test_only_keys_are_ever_put_into_a_statement(warehouse: Warehouse, text: str) -> None:
    with pytest.raises(ContractViolationError):
        warehouse.known_events(MEDIA, [text], batch_id="x", since=SINCE)
    with pytest.raises(ContractViolationError):
        warehouse.query("select_session_days", keys={"sessions": [text]})


@pytest.mark.parametrize("org_id", ["clinic-1", "", "a','b", "Klinik groß\t\\n{x:String}"])
def test_a_key_is_what_the_engine_makes_of_it_and_back(warehouse: Warehouse, org_id: str) -> None:
    chosen = uuid4()
    rows = pa.table({"org_id": [org_id, "other", org_id], "event_id": [str(chosen)] * 3})
    assert tenant_keys(rows, "event_id").to_pylist() == [
        tenant_key(org_id, chosen),
        tenant_key("other", chosen),
        tenant_key(org_id, chosen),
    ]
    back = warehouse.client.query(
        "SELECT toString(id), org_id, concat(toString(id), hex(org_id)) FROM tenant_keys(keys = {keys:String})",
        {"keys": tenant_key(org_id, chosen)},
    )
    assert [tuple(row) for row in back] == [(str(chosen), org_id, tenant_key(org_id, chosen))]


@pytest.mark.parametrize(
    ("statement", "table", "index"),
    [
        ("select_known_events_of_sessions", "media_events", "((session_id, org_id) in 1-element set)"),
        ("select_known_events", "error_events", "by_event_id"),
        ("select_session_starts", "media_events", "((session_id, org_id) in 1-element set)"),
        ("select_stalled_sessions", "media_events", "((session_id, org_id) in 1-element set)"),
        ("select_fold_scope", "media_sessions", "((session_id, org_id) in 1-element set)"),
    ],
)
def test_what_every_batch_asks_is_answered_by_an_index(
    warehouse: Warehouse, statement: str, table: str, index: str
) -> None:
    """Without one the answers would be the same, and every batch would cost what the table holds."""
    one = event(uuid4(), "session_start", 1)
    store_and_fold(warehouse, [one])
    warehouse.client.command(
        "INSERT INTO error_events (event_id, org_id, occurred_at) "
        "SELECT event_id, org_id, occurred_at FROM media_events"
    )
    text = sql_files.statements(sql_files.read(f"clickhouse/queries/{statement}.sql"))[0]
    moments = dict.fromkeys(("since", "before", "settled_before"), clock(0))
    plan = warehouse.client.query_arrow(
        f"EXPLAIN indexes = 1 {text}".replace("{sessions:Text}", f"'{one.session}'"),
        {"table": table, "time": "occurred_at", "batch_id": "x"} | moments,
        tables={"events": key(one), "sessions": one.session},
    )
    assert index in "\n".join(plan["explain"].to_pylist())


def test_every_statement_carries_its_log_comment(warehouse: Warehouse) -> None:
    warehouse.client.command("SYSTEM FLUSH LOGS")
    store(warehouse, [event(uuid4(), "play", 1)])
    warehouse.client.command("SYSTEM FLUSH LOGS")
    found = warehouse.client.scalar(
        "SELECT count() FROM system.query_log WHERE log_comment = 'tests of the warehouse' AND query_kind = 'Insert'"
    )
    assert found > 0


def test_an_error_names_its_code_and_no_value(warehouse: Warehouse) -> None:
    with pytest.raises(PermanentError) as refused:
        warehouse.client.query("SELECT toUInt8('patient-4711')")
    assert "patient-4711" not in str(refused.value)
    assert "code 6" in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_server_that_is_not_there_may_come_back(module_platform: Settings) -> None:
    nobody = module_platform.clickhouse.model_copy(update={"url": "http://127.0.0.1:9"})
    with pytest.raises(TransientError, match="TELEMETRY_CLICKHOUSE__URL"):
        clickhouse.connect(nobody)


def test_a_wrong_password_and_an_address_that_is_none_are_said_to_be_so(module_platform: Settings) -> None:
    wrong = module_platform.clickhouse.model_copy(update={"password": SecretStr("not-the-password")})
    with pytest.raises(PermanentError, match="TELEMETRY_CLICKHOUSE__PASSWORD") as refused:
        clickhouse.connect(wrong)
    assert "not-the-password" not in str(refused.value)
    with pytest.raises(ConfigurationError, match="TELEMETRY_CLICKHOUSE__URL"):
        clickhouse.connect(module_platform.clickhouse.model_copy(update={"url": "clickhouse.example"}))


def test_every_named_statement_is_one_statement() -> None:
    for file in sql_files.files("clickhouse/queries"):
        assert len(sql_files.statements(file.text)) == 1, file.name
