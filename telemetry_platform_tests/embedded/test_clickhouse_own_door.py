"""What only the stand-in refuses: strange Hosts, and everything that leaves its data directory."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import lz4.block
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from telemetry_platform.embedded.clickhouse.failures import QueryFailure
from telemetry_platform.embedded.clickhouse.guard import refuse_forbidden
from telemetry_platform.embedded.clickhouse.statement import Verb, analyse_insert
from telemetry_platform.embedded.clickhouse.tokens import tokens

if TYPE_CHECKING:
    from telemetry_platform_tests.embedded.clickhouse_process import Address

HOST_FILE = "/etc/hostname"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8123", ""])
@pytest.mark.parametrize("path", ["/ping", "/?query=SELECT%201"])
def test_a_foreign_host_is_refused(clickhouse_address: Address, host: str, path: str) -> None:
    account = (clickhouse_address.user, clickhouse_address.password)
    answer = httpx.get(clickhouse_address.url + path, headers={"Host": host}, auth=account, trust_env=False)
    assert answer.status_code in {400, 403}
    assert "Ok." not in answer.text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "[::1]:8123", "127.0.0.1:9"])
def test_loopback_names_pass(clickhouse_address: Address, host: str) -> None:
    assert httpx.get(clickhouse_address.url + "/ping", headers={"Host": host}, trust_env=False).status_code == 200


def test_no_page_elsewhere_is_let_in(http: httpx.Client) -> None:
    for method in ("GET", "OPTIONS"):
        params = {"query": "SELECT 1", "add_http_cors_header": "1"}
        answer = http.request(method, "/", params=params, headers={"Origin": "https://evil.example"})
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT file('/etc/hostname')",
        "SELECT `file`('/etc/hostname')",
        "SELECT file /* x */ -- y\n ('/etc/hostname')",
        "SELECT \"fi\\x6ce\"('/etc/hostname')",
        "SELECT “file”('/etc/hostname')",
        "SELECT /* /* */ ' */ file('/etc/hostname') -- '",
        "SELECT 1 // '\n, file('/etc/hostname') -- '",
        "SELECT $q$ ' $q$, file('/etc/hostname') -- '",
        "SELECT arrayMap(file, ['/etc/hostname'])",
        "SELECT arrayMap((`file`), ['/etc/hostname'])",
        "SELECT * APPLY file FROM (SELECT '/etc/hostname' AS x)",
        "SELECT * APPLY(file) FROM (SELECT '/etc/hostname' AS x)",
        "SELECT * FROM file('/etc/hostname', LineAsString)",
        "SELECT * FROM FILE('/etc/hostname', LineAsString)",
        "SELECT * FROM `/etc/hostname`",
        "SELECT * FROM '/etc/hostname'",
        "SELECT * FROM default.`/etc/hostname`",
        "SELECT * FROM _files.`/etc/hostname`",
        "SELECT * FROM fileCluster('default', '/etc/hostname', LineAsString)",
        "SELECT * FROM filesystem('/etc')",
        "SELECT * FROM icebergLocal('/etc')",
        "SELECT * FROM sqlite('/etc/x', 't')",
        "SELECT * FROM url('http://127.0.0.1:1/', TSV, 'a String')",
        "SELECT * FROM remote('127.0.0.1:1', system.one)",
        "SELECT * FROM s3('http://127.0.0.1:1/b', TSV, 'a String')",
        "SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
        "SELECT * FROM postgresql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
        "SELECT * FROM hdfs('hdfs://127.0.0.1:1/x', TSV, 'a String')",
        "SELECT * FROM odbc('DSN=x', 'a', 'b')",
        "SELECT * FROM jdbc('x', 'a', 'b')",
        "SELECT * FROM executable('id', TSV, 'x String')",
        "SELECT * FROM Python(account)",
        "SELECT * FROM eval('SELECT 1') SETTINGS allow_experimental_eval_table_function = 1",
        "SELECT * FROM format(JSONEachRow, 'a UInt8, x String DEFAULT file(''/etc/hostname'')', '{\"a\":1}')",
        "SELECT * FROM format /* */ ('Values', 'x String', '(file(''/etc/hostname'')) {')",
        "SELECT * FROM \"format\" (concat('Val', 'ues'), 'x String', '(fi\\x6ce(''/etc/hostname''))')",
        "SELECT 1 SETTINGS additional_result_filter = 'file(''/etc/hostname'') != ''x'' '",
        "SET additional_table_filters = {'system.one': 'file(''/etc/hostname'') != ''x'' '}",
        "SET dialect = 'prql'",
        "SELECT 1 INTO OUTFILE '/etc/hostname.copy'",
        "SELECT 1 INTO/**/OUTFILE '/etc/hostname.copy'",
        "INSERT INTO FUNCTION file('/etc/hostname.copy', TSV, 'a String') VALUES ('x')",
        "CREATE TABLE t (x String) ENGINE = File(LineAsString, '/etc/hostname')",
        "CREATE TABLE t (x String) ENGINE = URL('http://127.0.0.1:1/', TSV)",
        "CREATE TABLE t (x String) ENGINE = Executable('id', TSV)",
        "CREATE DATABASE outside ENGINE = Filesystem('/etc')",
        "CREATE DICTIONARY d (a UInt8) PRIMARY KEY a SOURCE(EXECUTABLE(COMMAND 'id' FORMAT TSV)) LAYOUT(FLAT())",
        "CREATE TABLE t (x UInt8) ENGINE = MergeTree ORDER BY x SETTINGS disk = disk(type = local, path = '/tmp/o/')",
        "BACKUP DATABASE system TO File('/tmp/outside')",
        "CREATE USER intruder",
        "GRANT ALL ON *.* TO default",
        "SYSTEM SHUTDOWN",
        "SYSTEM KILL",
    ],
)
def test_nothing_leaves_the_data_directory(http: httpx.Client, query: str) -> None:
    answer = http.post("/", content=query)
    assert answer.status_code >= 400, answer.text
    assert Path(HOST_FILE).read_text(encoding="utf-8").strip() not in answer.text.replace(query, "")
    assert http.get("/ping").text == "Ok.\n"
    assert not Path(f"{HOST_FILE}.copy").exists()


def test_files_are_no_source_of_an_insert(http: httpx.Client) -> None:
    http.post("/", content="CREATE TABLE t (x String) ENGINE = Memory")
    for query in (f"INSERT INTO t FROM INFILE '{HOST_FILE}' FORMAT TSV", f"INSERT INTO t FROM/**/INFILE '{HOST_FILE}'"):
        assert http.post("/", content=query).headers["X-ClickHouse-Exception-Code"] == "497"
    assert http.get("/", params={"query": "SELECT count() FROM t"}).text == "0\n"


@pytest.mark.parametrize("call", ["file", "FILE", "`file`", "file/* */", '"f\\x69le"'])
def test_values_are_expressions_and_reach_no_file(http: httpx.Client, call: str) -> None:
    http.post("/", content="CREATE TABLE t (x String) ENGINE = Memory")
    data = f"('file(1)'), ({call}('{HOST_FILE}'))"
    for query in ("INSERT INTO t VALUES", "INSERT INTO t FORMAT Values", "INSERT INTO t FORMAT values"):
        answer = http.post("/", params={"query": query}, content=data)
        assert answer.headers["X-ClickHouse-Exception-Code"] == "497"
        answer = http.post("/", content=f"{query} {data}")
        assert answer.headers["X-ClickHouse-Exception-Code"] == "497"
    assert http.get("/", params={"query": "SELECT count() FROM t"}).text == "0\n"
    harmless = "INSERT INTO t VALUES ('file(1)'), ('it\\'s'), (lower('EVAL(2)'))"
    assert http.post("/", content=harmless).status_code == 200


@pytest.mark.parametrize("form", ["Values", "TSV FORMAT Values", f"Values\n(file('{HOST_FILE}'))"])
def test_an_external_table_reaches_no_file(http: httpx.Client, form: str) -> None:
    params = {"query": "SELECT x FROM beside", "beside_structure": "x String", "beside_format": form}
    answer = http.post("/", params=params, files={"beside": ("beside", f"(file('{HOST_FILE}'))".encode())})
    assert answer.headers["X-ClickHouse-Exception-Code"] in {"497", "73"}


@pytest.mark.parametrize("name", ["additional_result_filter", "additional_table_filters", "dialect"])
def test_a_setting_of_the_url_reaches_no_file(http: httpx.Client, name: str) -> None:
    answer = http.post("/", params={name: f"file('{HOST_FILE}') != ''"}, content="SELECT 1")
    assert answer.headers["X-ClickHouse-Exception-Code"] == "497"


def test_a_parameter_cannot_name_the_function(http: httpx.Client) -> None:
    query = f"SELECT arrayMap({{f:Identifier}}, ['{HOST_FILE}'])"
    for value in ("file", "`file`", " file "):
        answer = http.post("/", params={"param_f": value}, content=query)
        assert answer.headers["X-ClickHouse-Exception-Code"] == "497"
    table = http.post("/", params={"param_t": HOST_FILE}, content="SELECT * FROM {t:Identifier}")
    assert table.status_code == 404


def test_no_header_can_be_written_through_the_format(http: httpx.Client) -> None:
    params = {"default_format": "TSV\r\nAccess-Control-Allow-Origin: *"}
    answer = http.post("/", params=params, content="SYSTEM FLUSH LOGS")
    assert answer.headers["X-ClickHouse-Exception-Code"] == "73"
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT 'file(1) url(2) INTO OUTFILE ''x'''", "file(1) url(2) INTO OUTFILE \\'x\\'\n"),
        ("SELECT file, url, executable FROM (SELECT 1 AS file, 2 AS url, 3 AS executable)", "1\t2\t3\n"),
        ("SELECT 1 -- file('x')\n", "1\n"),
        ("SELECT 1 /* SELECT file('x') INTO OUTFILE */", "1\n"),
        ("SELECT $$ file('x') $$", " file(\\'x\\') \n"),
        ("SELECT count(file) FROM (SELECT 1 AS file) WHERE file IN (1)", "1\n"),
        ("SELECT 1 AS profile, 'python(x)' AS `evaluation`", "1\tpython(x)\n"),
        ("SELECT format('{}-{}', 'a', toString(1))", "a-1\n"),
        ("SELECT 'a' IN ('file(1)', 'b' , 'a'), 1 IN (1, 2,3)", "1\t1\n"),
        ("SELECT number FROM numbers(1) UNION ALL SELECT * FROM values('a UInt8', 5) ORDER BY 1", "0\n5\n"),
    ],
)
def test_the_same_words_pass_where_they_do_nothing(http: httpx.Client, query: str, expected: str) -> None:
    assert http.post("/", content=query).text == expected


def test_an_unclosed_quote_is_refused_rather_than_guessed() -> None:
    with pytest.raises(QueryFailure, match="not closed"):
        refuse_forbidden("SELECT file('x", {})
    with pytest.raises(QueryFailure, match="not closed"):
        refuse_forbidden("SELECT file /* /* */ ('x')", {})
    with pytest.raises(QueryFailure, match="not closed"):
        refuse_forbidden("SELECT 'a', 'b''c, file(1)", {})


def _closes(body: str, quote: str) -> bool:
    """Whether a text after its opening quote ends with the quote that closes it, and at none before; sign by sign."""
    place = 0
    while place < len(body):
        if body[place] == "\\" or body[place : place + 2] == 2 * quote:
            place += 2
        elif body[place] == quote:
            return place == len(body) - 1
        else:
            place += 1
    return False


@pytest.mark.parametrize("before", ["", "'a', 'b', ", "`a`, "])
@given(body=st.text(alphabet="'\"`\\a1, ", max_size=12), quote=st.sampled_from("'\"`"))
def test_a_quote_closes_where_every_python_says_so(before: str, body: str, quote: str) -> None:
    text = f"{before}{quote}{body}{quote}"
    assume(_closes(f"{body}{quote}", quote))
    assert list(tokens(f"{text} x"))[-1].text == "x"
    assert "".join(token.text for token in tokens(text)).endswith(f"{quote}{body}{quote}")
    with pytest.raises(QueryFailure, match="not closed"):
        list(tokens(text[:-1]))


def test_a_call_is_found_among_long_lists_of_literals() -> None:
    ids = ", ".join(f"'id-{number}'" for number in range(20_000))
    with pytest.raises(QueryFailure, match="file"):
        refuse_forbidden(f"SELECT 1 IN ({ids}, file('x'), {ids})", {})
    refuse_forbidden(f"SELECT 1 IN ({ids}, 'file(1)', {ids})", {})


@pytest.mark.parametrize(
    ("text", "header", "form", "data"),
    [
        ("INSERT INTO t FORMAT TSV\n1\n", "INSERT INTO t ", "TSV", "1\n"),
        ("INSERT INTO t FORMAT TSV\n\n1\n", "INSERT INTO t ", "TSV", "\n1\n"),
        (
            "insert into format.values (format, b) values (1, 'x')",
            "insert into format.values (format, b) ",
            "Values",
            None,
        ),
        (
            "INSERT INTO t (`FORMAT x`) SETTINGS a = 1 FORMAT `CSV` 1",
            "INSERT INTO t (`FORMAT x`) SETTINGS a = 1 ",
            "CSV",
            "1",
        ),
        ("INSERT INTO t FORMAT JSONEachRow{}", "INSERT INTO t ", "JSONEachRow", "{}"),
    ],
)
def test_the_data_of_an_insert_begin_where_the_engine_says(text: str, header: str, form: str, data: str | None) -> None:
    found = analyse_insert(text)
    assert (found.verb, found.text, found.form) == (Verb.INSERT_DATA, header, form)
    assert data is None or text[found.data_at :] == data


def test_an_insert_with_a_select_has_no_data() -> None:
    assert analyse_insert("INSERT INTO t (a) SELECT 'FORMAT x' FROM b").verb is Verb.OTHER
    with pytest.raises(QueryFailure, match="Multi-statements"):
        analyse_insert("INSERT INTO t; DROP TABLE t")


def test_clickhouse_s_own_compression_is_read(http: httpx.Client) -> None:
    http.post("/", content="CREATE TABLE t (x UInt64) ENGINE = Memory")
    rows = b"".join(b"%d\n" % number for number in range(1000))
    packed = lz4.block.compress(rows, store_size=False)
    block = bytes(16) + struct.pack("<BII", 0x82, len(packed) + 9, len(rows)) + packed
    params = {"query": "INSERT INTO t FORMAT TSV", "decompress": "1"}
    assert http.post("/", params=params, content=block * 2).status_code == 200
    assert http.get("/", params={"query": "SELECT count(), max(x) FROM t"}).text == "2000\t999\n"
    assert http.post("/", params=params, content=block[:-1]).headers["X-ClickHouse-Exception-Code"] == "354"
