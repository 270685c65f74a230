"""What an insert promises: stored when it is answered, an error when it is not, one block, once for each token."""

from __future__ import annotations

import json
import threading
import uuid
from typing import TYPE_CHECKING, Any

import httpx
import pyarrow as pa
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from telemetry_platform_tests.embedded.clickhouse_process import InBackground, running, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from clickhouse_connect.driver.client import Client

    from telemetry_platform_tests.embedded.clickhouse_process import Address

ROWS = pa.table({"x": pa.array(range(300), pa.uint64())})
LINES = b"".join(b'{"x":%d}\n' % number for number in range(300))
TOKENS = "SETTINGS non_replicated_deduplication_window = 1000"
# Each takes rows below 10 and refuses the others, somewhere behind the parser of the data.
REFUSING = {
    "a constraint": (
        469,
        f"CREATE TABLE t (x UInt64, CONSTRAINT small CHECK x < 10) ENGINE = MergeTree ORDER BY x {TOKENS}",
    ),
    "too many partitions": (252, f"CREATE TABLE t (x UInt64) ENGINE = MergeTree PARTITION BY x ORDER BY x {TOKENS}"),
    "a materialized column": (
        395,
        f"CREATE TABLE t (x UInt64, y UInt8 MATERIALIZED throwIf(x >= 10)) ENGINE = MergeTree ORDER BY x {TOKENS}",
    ),
}


def count(client: Client, table: str = "t") -> int:
    """How many rows a table has."""
    return int(client.query("SELECT count() FROM {t:Identifier}", {"t": table}).result_rows[0][0])


WAYS: dict[str, Callable[[Client, dict[str, Any]], object]] = {
    "arrow": lambda client, settings: client.insert_arrow("t", ROWS, settings=settings),
    "lines": lambda client, settings: client.raw_insert("t", insert_block=LINES, fmt="JSONEachRow", settings=settings),
    "native": lambda client, settings: client.insert(
        "t", [[n] for n in range(300)], column_names=["x"], settings=settings
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("reason", REFUSING)
def test_an_insert_that_stores_nothing_is_an_error(client: Client, reason: str, way: str) -> None:
    code, create = REFUSING[reason]
    client.command(create)
    token = {"insert_deduplication_token": "batch"}
    with pytest.raises(DatabaseError) as caught:
        WAYS[way](client, token)
    assert caught.value.code == code
    assert count(client) == 0
    # The token of a batch that failed is free for its next attempt.
    assert client.insert_arrow("t", ROWS.slice(0, 9), settings=token).written_rows == 9
    assert count(client) == 9


def test_an_insert_that_finds_no_memory_is_an_error(client: Client) -> None:
    client.command(
        "CREATE TABLE t (x UInt64, y String MATERIALIZED repeat('y', x * 1000)) ENGINE = MergeTree ORDER BY x"
    )
    with pytest.raises(DatabaseError, match="MEMORY_LIMIT_EXCEEDED"):
        client.raw_insert("t", insert_block=LINES * 100, fmt="JSONEachRow", settings={"max_memory_usage": 20_000_000})
    assert count(client) == 0


def test_a_view_that_throws_fails_the_insert(client: Client) -> None:
    client.command("CREATE TABLE t (x UInt64) ENGINE = MergeTree ORDER BY x")
    client.command("CREATE TABLE seen (x UInt64) ENGINE = MergeTree ORDER BY x")
    client.command("CREATE MATERIALIZED VIEW v TO seen AS SELECT x + throwIf(x >= 10) AS x FROM t")
    with pytest.raises(DatabaseError, match="FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"):
        client.insert_arrow("t", ROWS)
    assert count(client, "seen") == 0


def test_a_table_that_takes_no_rows_refuses_them(client: Client) -> None:
    client.command("CREATE VIEW t AS SELECT 1 AS x")
    with pytest.raises(DatabaseError):
        client.insert_arrow("t", ROWS)
    with pytest.raises(DatabaseError, match="READONLY"):
        client.raw_insert("t", insert_block=LINES, fmt="JSONEachRow", settings={"readonly": 1})


def test_external_data_that_break_a_rule_are_an_error(http: httpx.Client) -> None:
    structure = "x UInt64, y UInt8 DEFAULT throwIf(x >= 0)"
    answer = http.post(
        "/",
        params={"query": "SELECT count() FROM beside", "beside_structure": structure, "beside_format": "JSONEachRow"},
        files={"beside": ("beside", LINES)},
    )
    assert answer.status_code >= 400


def test_an_insert_that_leaves_no_trace_in_the_log_is_no_success_either(client: Client) -> None:
    client.command(REFUSING["a constraint"][1])
    with pytest.raises(DatabaseError):
        client.insert_arrow("t", ROWS, settings={"log_queries": 0})
    assert client.insert_arrow("t", ROWS.slice(0, 9), settings={"log_queries": 0}).written_rows == 9


def test_a_failure_beside_it_does_not_fail_an_insert(
    clickhouse_address: Address, client: Client, database: str
) -> None:
    client.command(REFUSING["a constraint"][1])
    ended = threading.Event()

    def fail_again_and_again() -> int:
        failed = 0
        with clickhouse_address.client(database=database) as other:
            while not ended.is_set():
                with pytest.raises(DatabaseError, match="VIOLATED_CONSTRAINT"):
                    other.insert_arrow("t", ROWS)
                failed += 1
        return failed

    failing = InBackground(fail_again_and_again)
    try:
        for number in range(20):
            client.insert_arrow("t", ROWS.slice(0, 9), settings={"insert_deduplication_token": f"good-{number}"})
    finally:
        ended.set()
    failing.wait()
    assert failing.error is None
    assert isinstance(failing.result, int)
    assert failing.result > 0
    assert count(client) == 20 * 9


def test_a_killed_insert_is_an_error_and_stores_nothing(http: httpx.Client, client: Client) -> None:
    client.command("CREATE TABLE t (x UInt64) ENGINE = MergeTree ORDER BY x")
    query_id, killed = str(uuid.uuid4()), threading.Event()

    def lines() -> Iterator[bytes]:
        yield LINES * 1000
        killed.wait(60)
        yield LINES

    params = {"query": "INSERT INTO t FORMAT JSONEachRow", "query_id": query_id}
    inserting = InBackground(lambda: http.post("/", params=params, content=lines()))
    until(lambda: running(client, query_id), "the insert runs")
    client.command("KILL QUERY WHERE query_id = {query_id:String} ASYNC", {"query_id": query_id})
    killed.set()
    answer = inserting.wait().result
    assert isinstance(answer, httpx.Response)
    assert answer.headers["X-ClickHouse-Exception-Code"] == "394"
    assert count(client) == 0


def test_an_insert_in_a_session_that_fails_is_an_error(http: httpx.Client, client: Client) -> None:
    client.command(REFUSING["a constraint"][1])
    mine = {"session_id": str(uuid.uuid4()), "query": "INSERT INTO t FORMAT JSONEachRow"}
    assert http.post("/", params=mine, content=b'{"x":1}').status_code == 200
    assert http.post("/", params=mine, content=LINES).headers["X-ClickHouse-Exception-Code"] == "469"
    assert http.post("/", params=mine, content=b'{"x":2}').status_code == 200
    assert count(client) == 2


@pytest.mark.parametrize("parallel", [0, 1])
def test_a_million_rows_are_one_block(client: Client, parallel: int) -> None:
    client.command(f"CREATE TABLE t (x UInt64) ENGINE = MergeTree ORDER BY x {TOKENS}")
    settings = {
        "insert_deduplication_token": "batch",
        "input_format_parallel_parsing": parallel,
        "max_insert_block_size": 1_048_576,
        "min_insert_block_size_rows": 1_048_576,
        "min_insert_block_size_bytes": 1024**3,
    }
    lines = b"".join(b'{"x":%d}\n' % number for number in range(1_000_000))
    summary = client.raw_insert("t", insert_block=lines, fmt="JSONEachRow", settings=settings)
    assert summary.written_rows == 1_000_000
    client.command("SYSTEM FLUSH LOGS")
    blocks = client.query(
        "SELECT rows FROM system.part_log WHERE database = currentDatabase() AND table = 't' AND event_type = 'NewPart'"
        " AND rows > 0"
    )
    assert blocks.result_rows == [(1_000_000,)]


def test_the_log_has_the_comment_of_an_insert(http: httpx.Client, client: Client) -> None:
    client.command("CREATE TABLE t (x UInt64) ENGINE = MergeTree ORDER BY x")
    comment = json.dumps({"run": str(uuid.uuid4())})
    params = {"query": "INSERT INTO t FORMAT JSONEachRow", "log_comment": comment, "query_id": str(uuid.uuid4())}
    assert (
        json.loads(http.post("/", params=params, content=LINES).headers["X-ClickHouse-Summary"])["written_rows"]
        == "300"
    )
    client.command("SYSTEM FLUSH LOGS")
    found = client.query(
        "SELECT query_id, written_rows FROM system.query_log WHERE log_comment = {comment:String}"
        " AND type = 'QueryFinish' AND query_kind = 'Insert'",
        {"comment": comment},
    )
    assert found.result_rows == [(params["query_id"], 300)]
