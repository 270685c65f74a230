"""Below a folder that only root may enter, an unprivileged process can import nothing: all must be there before."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
from clickhouse_connect.driver.external import ExternalData

from telemetry_platform_tests.embedded.clickhouse_process import PASSWORD, Address, until

if TYPE_CHECKING:
    from pathlib import Path


def _use_everything(address: Address) -> None:
    """Whatever a client may do that could need another module."""
    for compression in ("lz4", "zstd", "gzip"):
        with address.client(compress=compression) as client:
            client.command("CREATE TABLE IF NOT EXISTS seen (x UInt64, s String) ENGINE = MergeTree ORDER BY x")
            client.insert("seen", [[1, "a"]])
            assert client.query_df("SELECT * FROM seen").shape[1] == 2
            assert client.query_arrow("SELECT x FROM seen").num_columns == 1
    external = ExternalData(file_name="ids", data=b"1\n2\n", fmt="TSV", structure=["x UInt64"])
    with address.client(form_encode_query_params=True) as client:
        assert client.query("SELECT count() FROM ids", external_data=external).result_rows == [(2,)]
        assert client.query("SELECT {x:String}", parameters={"x": "é"}).result_rows == [("é",)]
    with address.http() as http:
        assert http.post("/", content="SELECT broken(").status_code >= 400
        assert http.get("/", params={"query": "SELECT 1", "session_id": "s"}).text == "1\n"
    assert httpx.get(f"{address.url}/?query=SELECT+1", headers={"Host": "elsewhere"}).status_code >= 400
    assert httpx.get(f"{address.url}/nowhere").status_code >= 400


def test_nothing_is_imported_once_the_engine_is_open(tmp_path: Path) -> None:
    password, port, log = tmp_path / "password", tmp_path / "port", tmp_path / "log"
    password.write_text(PASSWORD, encoding="utf-8")
    password.chmod(0o600)
    options = ["--data-dir", tmp_path / "data", "--password-file", password, "--port-file", port]
    module = [sys.executable, "-X", "importtime", "-m", "telemetry_platform.embedded.clickhouse"]
    with log.open("wb") as out:
        server = subprocess.Popen([*module, *map(str, options)], stderr=out, stdout=out)
    try:
        until(port.exists, "the server answers")
        _use_everything(Address(f"http://127.0.0.1:{port.read_text().strip()}", "telemetry", PASSWORD))
    finally:
        server.terminate()
        assert server.wait(30) == 0
    before, opened, after = log.read_text(encoding="utf-8", errors="replace").partition(" engine ")
    assert opened
    assert "import time:" in before
    assert [line.rpartition("|")[2].strip() for line in after.splitlines() if line.startswith("import time:")] == []
