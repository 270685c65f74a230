"""The protocol itself: sessions, ids, killing, statuses, headers and compression, as any server must do them."""

from __future__ import annotations

import contextlib
import json
import uuid
from typing import TYPE_CHECKING

import httpx
import pytest

from telemetry_platform_tests.embedded.clickhouse_process import ENDLESS, InBackground, running, until

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from telemetry_platform_tests.embedded.clickhouse_process import Address


def test_ping_needs_no_account(clickhouse_address: Address) -> None:
    answer = httpx.get(f"{clickhouse_address.url}/ping", trust_env=False)
    assert (answer.status_code, answer.text) == (200, "Ok.\n")


def test_nobody_queries_without_an_account(clickhouse_address: Address) -> None:
    answer = httpx.get(clickhouse_address.url, params={"query": "SELECT 1"}, trust_env=False)
    assert answer.status_code in {401, 403}
    assert answer.headers["X-ClickHouse-Exception-Code"] in {"194", "516"}


@pytest.mark.parametrize("way", ["headers", "url"])
def test_the_account_may_come_in_headers_or_url(clickhouse_address: Address, way: str) -> None:
    user, password = clickhouse_address.user, clickhouse_address.password
    headers = {"X-ClickHouse-User": user, "X-ClickHouse-Key": password} if way == "headers" else {}
    params = {"query": "SELECT 7"} | ({"user": user, "password": password} if way == "url" else {})
    assert httpx.get(clickhouse_address.url, params=params, headers=headers, trust_env=False).text == "7\n"


def test_get_reads_and_post_writes(http: httpx.Client) -> None:
    assert http.get("/", params={"query": "SELECT 1"}).text == "1\n"
    create = "CREATE TABLE t (x UInt8) ENGINE = Memory"
    refused = http.get("/", params={"query": create})
    assert refused.headers["X-ClickHouse-Exception-Code"] == "164"
    assert http.post("/", content=create).status_code == 200
    assert http.post("/", params={"query": "INSERT INTO t FORMAT TSV"}, content=b"1\n2\n").status_code == 200
    assert http.post("/", params={"query": "SELECT sum(x)"}, content=b"FROM t").text == "3\n"


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("SELEC 1", 400, "62"),
        ("SELECT 1; SELECT 2", 400, "62"),
        ("", 400, "62"),
        ("SELECT * FROM nowhere", 404, "60"),
        ("SELECT nope", 404, "47"),
        ("SELECT 1 FORMAT Nope", 404, "73"),
        ("SELECT throwIf(1)", 500, "395"),
    ],
)
def test_errors_have_their_status_and_code(http: httpx.Client, query: str, status: int, code: str) -> None:
    answer = http.post("/", content=query)
    assert (answer.status_code, answer.headers["X-ClickHouse-Exception-Code"]) == (status, code)
    assert answer.text.startswith(f"Code: {code}. DB::Exception: ")


def test_answers_carry_id_format_timezone_and_summary(http: httpx.Client) -> None:
    query_id = f"test-{uuid.uuid4()}"
    params = {"query_id": query_id, "default_format": "JSONEachRow", "wait_end_of_query": "1"}
    answer = http.post("/", params=params, content="SELECT number FROM numbers(3)")
    assert answer.headers["X-ClickHouse-Query-Id"] == query_id
    assert answer.headers["X-ClickHouse-Format"] == "JSONEachRow"
    assert answer.headers["X-ClickHouse-Server-Display-Name"]
    assert answer.headers["X-ClickHouse-Timezone"]
    summary = json.loads(answer.headers["X-ClickHouse-Summary"])
    assert summary["read_rows"] == "3"
    assert [int(json.loads(line)["number"]) for line in answer.text.splitlines()] == [0, 1, 2]


def test_a_session_keeps_tables_settings_and_database(http: httpx.Client) -> None:
    mine = {"session_id": str(uuid.uuid4())}
    for statement in (
        "CREATE TEMPORARY TABLE kept (x UInt8)",
        "INSERT INTO kept VALUES (7)",
        "SET max_block_size = 77",
    ):
        assert http.post("/", params=mine, content=statement).status_code == 200
    assert http.post("/", params=mine, content="SELECT x, getSetting('max_block_size') FROM kept").text == "7\t77\n"
    assert http.post("/", content="SELECT * FROM kept").status_code == 404
    assert http.post("/", content="SELECT getSetting('max_block_size')").text != "77\n"


def test_url_settings_in_a_session_end_with_their_request(http: httpx.Client) -> None:
    mine = {"session_id": str(uuid.uuid4())}
    ask = "SELECT getSetting('max_block_size'), getSetting('max_threads')"
    http.post("/", params=mine, content="SET max_block_size = 77")
    assert http.post("/", params=mine | {"max_block_size": "88", "max_threads": "1"}, content=ask).text == "88\t1\n"
    before, threads = http.post("/", params=mine, content=ask).text.split()
    assert before == "77"
    assert threads == http.post("/", content="SELECT getSetting('max_threads')").text.strip()


def test_an_unknown_setting_fails_its_request_and_leaves_the_session_whole(http: httpx.Client) -> None:
    mine = {"session_id": str(uuid.uuid4())}
    answer = http.post("/", params=mine | {"max_block_size": "88", "no_such_setting": "1"}, content="SELECT 1")
    assert (answer.status_code, answer.headers["X-ClickHouse-Exception-Code"]) == (404, "115")
    usual = http.post("/", content="SELECT getSetting('max_block_size')").text
    assert http.post("/", params=mine, content="SELECT getSetting('max_block_size')").text == usual


def test_use_lasts_in_a_session_only(clickhouse_address: Address, database: str) -> None:
    with httpx.Client(
        base_url=clickhouse_address.url, auth=(clickhouse_address.user, clickhouse_address.password), trust_env=False
    ) as bare:
        mine = {"session_id": str(uuid.uuid4())}
        bare.post("/", params=mine, content=f"USE {database}")
        assert bare.post("/", params=mine, content="SELECT currentDatabase()").text == f"{database}\n"
        elsewhere = mine | {"database": "system"}
        assert bare.post("/", params=elsewhere, content="SELECT currentDatabase()").text == "system\n"
        assert bare.post("/", params=mine, content="SELECT currentDatabase()").text == f"{database}\n"
        assert bare.post("/", content="SELECT currentDatabase()").text == "default\n"


def test_an_unknown_session_is_refused_when_asked_for(http: httpx.Client) -> None:
    answer = http.post("/", params={"session_id": str(uuid.uuid4()), "session_check": "1"}, content="SELECT 1")
    assert (answer.status_code, answer.headers["X-ClickHouse-Exception-Code"]) == (404, "372")


def test_a_second_request_in_a_busy_session_is_refused(http: httpx.Client, client: Client) -> None:
    session, query_id = {"session_id": str(uuid.uuid4())}, str(uuid.uuid4())
    busy = InBackground(lambda: http.post("/", params=session | {"query_id": query_id}, content=ENDLESS))
    until(lambda: running(client, query_id), "the first query runs")
    answer = http.post("/", params=session, content="SELECT 1")
    client.command("KILL QUERY WHERE query_id = {id:String} SYNC", {"id": query_id})
    busy.wait()
    assert answer.headers["X-ClickHouse-Exception-Code"] == "373"


def test_queries_run_side_by_side_and_one_can_kill_the_other(http: httpx.Client, client: Client) -> None:
    query_id = f"endless-{uuid.uuid4()}"
    endless = InBackground(lambda: http.post("/", params={"query_id": query_id}, content=ENDLESS))
    until(lambda: running(client, query_id), "the endless query runs")
    assert client.command("SELECT count() FROM numbers(1000)") == 1000
    client.command("KILL QUERY WHERE query_id = {id:String} SYNC", {"id": query_id})
    answer = endless.wait().result
    assert isinstance(answer, httpx.Response)
    assert answer.headers["X-ClickHouse-Exception-Code"] == "394"
    assert not running(client, query_id)


@pytest.mark.parametrize("query", [ENDLESS, "SELECT number FROM numbers(1000000000000)"])
def test_a_client_that_goes_away_ends_its_query(clickhouse_address: Address, client: Client, query: str) -> None:
    query_id = f"left-{uuid.uuid4()}"
    params = {"query_id": query_id, "cancel_http_readonly_queries_on_client_close": "1"}
    with clickhouse_address.http() as leaver:

        def ask_and_leave() -> None:
            with (
                contextlib.suppress(httpx.HTTPError),
                leaver.stream("POST", "/", params=params, content=query, timeout=1) as answer,
            ):
                next(answer.iter_raw())

        leaving = InBackground(ask_and_leave)
        until(lambda: running(client, query_id) or leaving.has_ended, "the query runs or has been left")
    until(lambda: not running(client, query_id), "the query of the client that left has ended")


def test_half_an_insert_stores_nothing(clickhouse_address: Address, client: Client, database: str) -> None:
    client.command("CREATE TABLE t (x UInt64) ENGINE = MergeTree ORDER BY x")

    def lines() -> object:
        yield b"1\n" * 100_000
        raise ConnectionAbortedError

    with clickhouse_address.http(database) as leaver, pytest.raises(ConnectionAbortedError):
        leaver.post("/", params={"query": "INSERT INTO t FORMAT TSV"}, content=lines())  # type: ignore[arg-type]  # a generator that breaks off is what is tested
    count = "SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO t%'"
    until(lambda: client.command(count) == 0, "the broken insert has ended")
    assert client.command("SELECT count() FROM t") == 0


def test_parameters_come_in_the_url_escaped(http: httpx.Client) -> None:
    params = {"param_text": "a\\tb", "param_list": "['x\\'y']", "param_none": "\\N"}
    query = "SELECT {text:String}, {list:Array(String)}, {none:Nullable(String)} FORMAT JSONCompact"
    answer = http.post("/", params=params, content=query)
    assert answer.json()["data"] == [["a\tb", ["x'y"], None]]


def test_an_insert_takes_parameters_and_settings_of_the_url(http: httpx.Client) -> None:
    http.post("/", content="CREATE TABLE t (x UInt64) ENGINE = MergeTree ORDER BY x")
    params = {"param_table": "t", "query": "INSERT INTO {table:Identifier} FORMAT JSONEachRow", "log_comment": "x"}
    answer = http.post("/", params=params, content=b'{"x":5}\n')
    assert answer.status_code == 200, answer.text
    assert json.loads(answer.headers["X-ClickHouse-Summary"])["written_rows"] == "1"
    assert http.get("/", params={"query": "SELECT x FROM t"}).text == "5\n"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd", "lz4"])
def test_compressed_answers_are_sent_when_asked_for(http: httpx.Client, encoding: str) -> None:
    import zlib

    import lz4.frame
    import zstandard

    query = {"query": "SELECT number FROM numbers(5000)", "enable_http_compression": "1"}
    with http.stream("GET", "/", params=query, headers={"Accept-Encoding": encoding}) as answer:
        assert answer.headers["Content-Encoding"] == encoding
        body = b"".join(answer.iter_raw())
    plain = {
        "gzip": lambda: zlib.decompress(body, 31),
        "deflate": lambda: zlib.decompress(body),
        "zstd": lambda: zstandard.ZstdDecompressor().decompressobj().decompress(body),
        "lz4": lambda: lz4.frame.decompress(body),  # type: ignore[no-untyped-call] # lz4 has types in parts only
    }[encoding]()
    assert plain == b"".join(b"%d\n" % number for number in range(5000))
    with http.stream("GET", "/", params={"query": "SELECT 1"}, headers={"Accept-Encoding": encoding}) as answer:
        assert "Content-Encoding" not in answer.headers


def test_a_body_that_is_not_what_it_says_is_refused(http: httpx.Client) -> None:
    http.post("/", content="CREATE TABLE t (x UInt64) ENGINE = MergeTree ORDER BY x")
    params = {"query": "INSERT INTO t FORMAT TSV"}
    answer = http.post("/", params=params, content=b"no gzip at all", headers={"Content-Encoding": "gzip"})
    assert answer.status_code >= 400
    assert http.get("/", params={"query": "SELECT count() FROM t"}).text == "0\n"


def test_the_log_keeps_the_comment_and_the_clients_id(http: httpx.Client, client: Client) -> None:
    query_id, comment = f"logged-{uuid.uuid4()}", json.dumps({"run": str(uuid.uuid4())})
    http.post("/", params={"query_id": query_id, "log_comment": comment}, content="SELECT 41 + 1")
    client.command("SYSTEM FLUSH LOGS")
    found = client.query(
        "SELECT query, log_comment FROM system.query_log WHERE query_id = {id:String} AND type = 'QueryFinish'",
        {"id": query_id},
    )
    assert found.result_rows == [("SELECT 41 + 1", comment)]
    by_comment = client.query("SELECT count() FROM system.query_log WHERE log_comment = {c:String}", {"c": comment})
    assert by_comment.result_rows[0][0] >= 2


def test_a_body_that_looks_like_another_insert_stays_data(http: httpx.Client) -> None:
    http.post("/", content="CREATE TABLE `values` (x String) ENGINE = MergeTree ORDER BY x")
    body = b"/* INSERT */ INSERT INTO `values` (x) -- FORMAT CSV\n FORMAT TSV\n\nFORMAT JSON\n'; DROP TABLE x\n"
    assert http.post("/", content=body).status_code == 200
    assert http.get("/", params={"query": "SELECT * FROM `values` ORDER BY x FORMAT JSONCompactColumns"}).json() == [
        ["", "'; DROP TABLE x", "FORMAT JSON"]
    ]
