"""The stand-in as a process: who owns a directory, how it ends, and what is left after a crash."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from telemetry_platform.embedded.clickhouse.process import USER, ClickHouseProcess, start_clickhouse
from telemetry_platform.errors import TransientError
from telemetry_platform_tests.embedded.clickhouse_process import (
    ENDLESS,
    PASSWORD,
    Address,
    InBackground,
    running,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Start = Callable[[], ClickHouseProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], ClickHouseProcess]]:
    """Start servers on one directory; whatever still runs at the end is killed."""
    started: list[ClickHouseProcess] = []

    def again() -> ClickHouseProcess:
        started.append(start_clickhouse(tmp_path / "data", 0, PASSWORD, tmp_path / "log"))
        return started[-1]

    yield again
    for server in started:
        server.kill()


def at(server: ClickHouseProcess) -> Address:
    return Address(server.url, USER, PASSWORD)


def test_data_survive_a_kill_and_a_clean_stop(start: Start) -> None:
    first = start()
    with at(first).client() as client:
        client.command("CREATE TABLE kept (x UInt64) ENGINE = MergeTree ORDER BY x")
        client.command("CREATE DATABASE other")
        client.command("CREATE TABLE other.kept (x UInt64) ENGINE = MergeTree ORDER BY x")
        client.insert("kept", [[1], [2]])
        client.insert("kept", [[3]], database="other")
    assert first.kill() == -signal.SIGKILL
    second = start()
    with at(second).client() as client:
        assert client.command("SELECT sum(x) FROM kept") == 3
        assert client.command("SELECT sum(x) FROM other.kept") == 3
        client.insert("kept", [[4]])
    assert second.stop() == 0
    with at(start()).client() as client:
        assert client.command("SELECT sum(x) FROM default.kept") == 7


def test_a_kill_inside_an_insert_leaves_all_or_nothing(start: Start) -> None:
    first = start()
    with at(first).client() as client:
        client.command("CREATE TABLE kept (x UInt64) ENGINE = MergeTree ORDER BY x")
        slow = InBackground(
            lambda: client.command(
                "INSERT INTO kept SELECT number + sleepEachRow(0.001) FROM numbers(100000)"
                " SETTINGS max_block_size = 500"
            )
        )
        with at(first).client() as other:
            count = "SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO kept%'"
            until(lambda: other.command(count) == 1, "the insert runs")
        first.kill()
        assert slow.wait().error is not None
    with at(start()).client() as client:
        assert client.command("SELECT count() FROM kept") == 0


def test_a_second_process_on_the_same_directory_is_refused(start: Start) -> None:
    first = start()
    with pytest.raises(TransientError, match="another ClickHouse process owns"):
        start()
    with at(first).client() as client:
        assert client.command("SELECT 1") == 1


def test_a_stop_ends_running_queries_and_exits_with_0(start: Start) -> None:
    server = start()
    query_id = str(uuid.uuid4())
    with at(server).client(autogenerate_session_id=False) as client:
        endless = InBackground(lambda: client.query(ENDLESS, settings={"query_id": query_id}))
        with at(server).client() as other:
            until(lambda: running(other, query_id), "the query runs")
        assert server.stop(seconds=30) == 0
        assert isinstance(endless.wait().error, DatabaseError)
    assert "stopped" in server.log_file.read_text(encoding="utf-8")


def test_no_secret_is_in_the_command_line_the_environment_or_the_log(start: Start) -> None:
    server = start()
    with at(server).client() as client, pytest.raises(DatabaseError):
        client.command("SELECT 'a secret of a patient', nowhere")
    process = Path(f"/proc/{server.process.pid}")
    for text in (process / "cmdline", process / "environ"):
        assert PASSWORD.encode() not in text.read_bytes()
    log = server.log_file.read_text(encoding="utf-8")
    assert PASSWORD not in log
    assert "a secret of a patient" not in log


def test_a_password_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    from telemetry_platform.embedded.clickhouse.__main__ import main

    password_file = tmp_path / "password"
    password_file.write_text("x", encoding="utf-8")
    password_file.chmod(0o644)
    log_file = tmp_path / "log"
    arguments = ["--data-dir", str(tmp_path / "data"), "--password-file", str(password_file)]
    assert main([*arguments, "--log-file", str(log_file)]) == 1


def test_root_is_given_up_where_the_directory_stays_reachable() -> None:
    open_folder = Path(tempfile.mkdtemp(prefix="clickhouse-open-"))
    open_folder.chmod(0o755)
    server = start_clickhouse(open_folder / "data", 0, PASSWORD, open_folder / "log")
    try:
        expected = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.geteuid()
        status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="utf-8")
        uids = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1:]
        assert set(uids) == {str(expected)}
        with at(server).client() as client:
            client.command("CREATE TABLE kept (x UInt64) ENGINE = MergeTree ORDER BY x")
            client.insert("kept", [[1]])
            assert client.command("SELECT sum(x) FROM kept", settings={"max_threads": 1}) == 1
            # The ways whose code Python would load late: a form, an error, a stream, every compression.
            ids = [f"id-{number}" for number in range(20_000)]
            assert client.query("SELECT length({ids:Array(String)})", parameters={"ids": ids}).result_rows == [
                (20_000,)
            ]
            with pytest.raises(DatabaseError, match="UNKNOWN_IDENTIFIER"):
                client.query("SELECT nowhere")
        for compression in ("lz4", "zstd", "gzip", "deflate"):
            with at(server).client(compress=compression) as client:
                assert len(client.query("SELECT number FROM numbers(100000)").result_rows) == 100_000
        assert server.stop() == 0
    finally:
        server.kill()
        shutil.rmtree(open_folder)


def test_memory_and_durability_are_set(clickhouse_address: Address) -> None:
    with clickhouse_address.client() as client:
        limits = "SELECT value FROM system.server_settings WHERE name = {name:String}"
        assert client.command(limits, {"name": "max_server_memory_usage"}) == 4 * 1024**3
        assert client.command(limits, {"name": "mark_cache_size"}) == 256 * 1024**2
        assert client.command("SELECT getSetting('max_memory_usage')") == 2 * 1024**3
        fsync = "SELECT min(toUInt8(value)) FROM system.merge_tree_settings WHERE name IN {n:Array(String)}"
        assert client.command(fsync, {"n": ["fsync_after_insert", "fsync_part_directory"]}) == 1
