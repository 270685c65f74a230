"""What an unchanged clickhouse-connect client does with the server."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from clickhouse_connect.driver.external import ExternalData

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from telemetry_platform_tests.embedded.clickhouse_process import Address

NUMBERS = "CREATE TABLE numbers_kept (id UInt64, name String) ENGINE = MergeTree ORDER BY id"


def test_a_client_of_another_password_is_refused(clickhouse_address: Address) -> None:
    stranger = type(clickhouse_address)(clickhouse_address.url, clickhouse_address.user, "another")
    with pytest.raises(DatabaseError, match=r"AUTHENTICATION_FAILED|REQUIRED_PASSWORD"):
        stranger.client()


def test_ping_answers(client: Client) -> None:
    assert client.ping()


def test_inserted_rows_come_back_and_the_summary_counts_them(client: Client) -> None:
    client.command(NUMBERS)
    summary = client.insert("numbers_kept", [[1, "one"], [2, "zwei ü"]], column_names=["id", "name"])
    assert summary.written_rows == 2
    assert summary.query_id()
    assert client.query("SELECT * FROM numbers_kept ORDER BY id").result_rows == [(1, "one"), (2, "zwei ü")]


def test_data_frames_go_in_and_out(client: Client) -> None:
    client.command(
        "CREATE TABLE frames (id UInt64, at DateTime64(3), x Nullable(Float64)) ENGINE = MergeTree ORDER BY id"
    )
    frame = pd.DataFrame(
        {"id": [1, 2], "at": pd.to_datetime(["2026-01-01 10:00:00.123", "2026-01-02 00:00:00.000"]), "x": [1.5, None]}
    )
    client.insert_df("frames", frame)
    back = client.query_df("SELECT * FROM frames ORDER BY id")
    assert back["id"].tolist() == [1, 2]
    assert back["at"][0].isoformat().startswith("2026-01-01T10:00:00.123")
    assert pd.isna(back["x"][1])


def test_arrow_tables_go_in_and_out(client: Client) -> None:
    client.command(NUMBERS)
    table = pa.table({"id": pa.array(range(5000), pa.uint64()), "name": [f"n{i}" for i in range(5000)]})
    client.insert_arrow("numbers_kept", table)
    back = client.query_arrow("SELECT * FROM numbers_kept ORDER BY id", use_strings=True)
    assert back.num_rows == 5000
    assert back["name"][4999].as_py() == "n4999"
    with client.query_arrow_stream("SELECT * FROM numbers_kept", use_strings=True) as stream:
        assert sum(batch.num_rows for batch in stream) == 5000


@pytest.mark.parametrize("compression", [None, "lz4", "zstd", "gzip"])
def test_raw_inserts_arrive_in_every_encoding(client: Client, compression: str | None) -> None:
    import gzip

    import lz4.frame
    import zstandard

    client.command(NUMBERS)
    lines = b"".join(b'{"id":%d,"name":"n"}\n' % i for i in range(20_000))
    packed = {
        None: lambda: lines,
        "lz4": lambda: lz4.frame.compress(lines),  # type: ignore[no-untyped-call] # lz4 has types in parts only
        "zstd": lambda: zstandard.ZstdCompressor().compress(lines),
        "gzip": lambda: gzip.compress(lines),
    }[compression]()
    summary = client.raw_insert("numbers_kept", insert_block=packed, fmt="JSONEachRow", compression=compression)
    assert summary.written_rows == 20_000
    assert client.command("SELECT sum(id) FROM numbers_kept") == sum(range(20_000))


@pytest.mark.parametrize("compression", [False, "lz4", "zstd", "gzip"])
def test_results_arrive_in_every_encoding(clickhouse_address: Address, database: str, compression: str | bool) -> None:  # noqa: FBT001 - a parameter of the client under test
    with clickhouse_address.client(database=database, compress=compression) as client:
        rows = client.query("SELECT number, toString(number) FROM numbers(150000)").result_rows
        assert len(rows) == 150_000
        assert rows[-1] == (149_999, "149999")
        client.command(NUMBERS)
        client.insert("numbers_kept", rows, column_names=["id", "name"])
        assert client.command("SELECT count(), max(id) FROM numbers_kept") == ["150000", "149999"]


def test_results_stream_in_blocks(client: Client) -> None:
    with client.query_row_block_stream("SELECT number FROM numbers(300000)") as stream:
        sizes = [len(block) for block in stream]
    assert sum(sizes) == 300_000
    assert len(sizes) > 1
    with client.query_df_stream("SELECT number FROM numbers(200000)") as frames:
        assert sum(len(frame) for frame in frames) == 200_000


def test_raw_streams_and_raw_queries_take_a_format(client: Client) -> None:
    with client.raw_stream("SELECT number FROM numbers(100000)", fmt="RowBinary") as stream:
        assert len(stream.read()) == 800_000
    assert client.raw_query("SELECT 1 AS a, 'x' AS b", fmt="CSVWithNames") == b'"a","b"\n1,"x"\n'
    assert client.raw_query("SELECT 1 AS a", fmt="Parquet")[:4] == b"PAR1"
    assert client.raw_query("SELECT 1 AS a FORMAT JSONCompactEachRow") == b"[1]\n"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("String", "it's a \\ tab\t and a line\n"),
        ("UInt64", 2**64 - 1),
        ("Array(String)", ["a'b", "c"]),
        ("Nullable(String)", None),
        ("DateTime64(3)", datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)),
        ("UUID", uuid.UUID(int=7)),
    ],
)
def test_server_side_parameters_keep_their_value(client: Client, kind: str, value: object) -> None:
    found = client.query(f"SELECT {{v:{kind}}} AS v, toTypeName(v)", parameters={"v": value})
    returned, type_name = found.result_rows[0]
    assert type_name == kind
    if isinstance(value, datetime) and isinstance(returned, datetime):
        returned = returned.replace(tzinfo=UTC)
    assert returned == value


def test_long_parameters_come_as_a_form(client: Client) -> None:
    ids = [f"id-{number}" for number in range(20_000)]
    assert client.query("SELECT length({ids:Array(String)})", parameters={"ids": ids}).result_rows == [(20_000,)]


def test_external_data_is_a_table_of_the_query(client: Client) -> None:
    data = ExternalData(file_name="people.csv", data=b"1,Ann\n2,Bo\n", fmt="CSV", structure="id UInt8, name String")
    found = client.query("SELECT name FROM people ORDER BY id", external_data=data)
    assert found.result_rows == [("Ann",), ("Bo",)]


def test_types_with_parts_survive(client: Client) -> None:
    client.command(
        "CREATE TABLE kinds (u UUID, at Nullable(DateTime64(3, 'UTC')), l LowCardinality(String),"
        " n LowCardinality(Nullable(String)), a Array(UInt32), t Tuple(Int8, String), m Map(String, Float64),"
        " e Enum8('x' = 1), d Decimal(9, 2), ip IPv4) ENGINE = MergeTree ORDER BY u"
    )
    key = uuid.uuid4()
    row = [
        key,
        datetime(2026, 5, 6, 7, 8, 9, 123000, tzinfo=UTC),
        "low",
        None,
        [1, 2],
        (3, "t"),
        {"k": 0.5},
        "x",
        1,
        "1.2.3.4",
    ]
    client.insert("kinds", [row, [uuid.uuid4(), None, "low", "n", [], (0, ""), {}, "x", 2, "1.1.1.1"]])
    query = "SELECT * FROM kinds WHERE u = {u:UUID}"
    found = client.query(query, parameters={"u": key}, tz_mode="aware").result_rows[0]
    assert found[0] == key
    assert found[1] == datetime(2026, 5, 6, 7, 8, 9, 123000, tzinfo=UTC)
    assert found[2:8] == ("low", None, [1, 2], (3, "t"), {"k": 0.5}, "x")
    assert client.command("SELECT count() FROM kinds WHERE at IS NULL") == 1


def test_empty_results_know_their_columns(client: Client) -> None:
    client.command(NUMBERS)
    assert client.query("SELECT * FROM numbers_kept LIMIT 0").column_names == ("id", "name")
    assert client.query("SELECT * FROM numbers_kept").result_rows == []


def test_the_same_deduplication_token_stores_a_batch_once(client: Client) -> None:
    client.command(NUMBERS + " SETTINGS non_replicated_deduplication_window = 10000")
    rows = [[number, "x"] for number in range(1000)]
    for token, expected in (("batch-1", 1000), ("batch-1", 1000), ("batch-2", 2000)):
        client.insert("numbers_kept", rows, settings={"insert_deduplication_token": token})
        assert client.command("SELECT count() FROM numbers_kept") == expected


def test_an_insert_of_a_batch_is_one_part(client: Client) -> None:
    client.command(NUMBERS)
    lines = b"".join(b'{"id":%d,"name":"name of the row"}\n' % i for i in range(200_000))
    client.raw_insert("numbers_kept", insert_block=lines, fmt="JSONEachRow")
    parts = "SELECT count() FROM system.parts WHERE database = currentDatabase() AND table = 'numbers_kept'"
    assert client.command(f"{parts} AND level = 0") == 1


def test_an_error_has_code_name_and_text(client: Client) -> None:
    with pytest.raises(DatabaseError, match="UNKNOWN_TABLE") as caught:
        client.query("SELECT * FROM nowhere")
    assert caught.value.code == 60


def test_an_error_in_the_middle_of_a_stream_reaches_the_reader(client: Client) -> None:
    query = "SELECT throwIf(number = 900000, 'too far') FROM numbers(1000000) SETTINGS max_block_size = 10000"
    with pytest.raises(DatabaseError, match="too far"), client.query_row_block_stream(query) as stream:
        for _ in stream:
            pass


def test_a_broken_insert_stores_nothing_and_the_next_one_works(client: Client) -> None:
    client.command(NUMBERS)
    with pytest.raises(DatabaseError):
        client.raw_insert("numbers_kept", insert_block=b'{"id":1,"name":"a"}\n{"id":"no', fmt="JSONEachRow")
    assert client.command("SELECT count() FROM numbers_kept") == 0
    client.raw_insert("numbers_kept", insert_block=b'{"id":1,"name":"a"}\n', fmt="JSONEachRow")
    assert client.command("SELECT count() FROM numbers_kept") == 1


def test_values_and_insert_select_work_as_commands(client: Client) -> None:
    client.command(NUMBERS)
    client.command("INSERT INTO numbers_kept VALUES (1, 'a; FORMAT b'), (2, lower('SELECT'))")
    client.command("INSERT INTO numbers_kept (id, name) SELECT number + 10, 'values' FROM numbers(3)")
    assert client.query("SELECT name FROM numbers_kept WHERE id < 3 ORDER BY id").result_rows == [
        ("a; FORMAT b",),
        ("select",),
    ]
    assert client.command("SELECT count() FROM numbers_kept") == 5


def test_settings_hold_for_their_request(client: Client) -> None:
    query = "SELECT getSetting('max_block_size')"
    usual = client.command(query)
    assert client.command(query, settings={"max_block_size": 1234}) == 1234
    assert client.command(query) == usual
    with pytest.raises(DatabaseError, match="UNKNOWN_SETTING"):
        client.raw_query("SELECT 1 SETTINGS no_such_setting = 1")
