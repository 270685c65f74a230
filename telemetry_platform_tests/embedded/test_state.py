"""The state folder and its ports: private, kept, one command at a time."""

import base64
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from telemetry_platform.embedded.ports import Ports
from telemetry_platform.embedded.state import (
    POSTGRES_ROLES,
    StateFolder,
    checkout_id,
    is_generated_here,
    project_root,
    write_private,
)
from telemetry_platform.errors import TransientError

_HOLD_LOCK = """
import sys, time
from pathlib import Path
from telemetry_platform.embedded.state import StateFolder
with StateFolder(Path(sys.argv[1]), "test").locked():
    print("locked", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    folder = StateFolder(tmp_path, "test")
    folder.create()
    return folder


def test_nobody_else_may_enter_folders_or_read_files(state: StateFolder) -> None:
    before = os.umask(0)
    try:
        state.secrets()
        with state.locked():
            pass
    finally:
        os.umask(before)
    entries = [state.checkout / ".telemetry", *(state.checkout / ".telemetry").rglob("*")]
    modes = {entry: stat.S_IMODE(entry.lstat().st_mode) for entry in entries if not entry.is_symlink()}
    assert {path.name: mode for path, mode in modes.items() if mode & 0o077} == {}
    assert modes[state.kek_file] == 0o600


def test_secrets_are_made_once_and_are_long_enough(state: StateFolder) -> None:
    first = dict(state.secrets())
    key = state.kek_file.read_text(encoding="ascii")
    assert dict(state.secrets()) == first
    assert state.kek_file.read_text(encoding="ascii") == key
    assert len(base64.b64decode(key)) == 32
    assert len(first["jwt"].encode()) >= 32
    assert set(POSTGRES_ROLES) <= set(first)
    assert len(set(first.values())) == len(first), "no two parts share a secret"


def test_a_secret_is_recognised_as_generated_here_and_others_are_not(state: StateFolder) -> None:
    assert is_generated_here(state.checkout, state.secrets()["redis_telemetry"])
    assert not is_generated_here(state.checkout, "a real server's password")
    assert not is_generated_here(state.checkout, "")


def test_dagster_home_links_to_the_checkouts_file(state: StateFolder) -> None:
    link = state.dagster_home / "dagster.yaml"
    assert link.readlink() == project_root() / "dagster.yaml"


def test_a_second_command_is_refused_and_a_killed_one_frees_the_profile(state: StateFolder) -> None:
    holder = subprocess.Popen([sys.executable, "-c", _HOLD_LOCK, str(state.checkout)], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        with pytest.raises(TransientError, match="another command"), state.locked(patience_seconds=0):
            pass
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    with state.locked():
        pass


def test_a_wipe_forgets_all_but_the_ports(state: StateFolder) -> None:
    state.secrets()
    write_private(state.path / "ports.json", "{}")
    (state.folder("redis") / "appendonlydir").mkdir(parents=True)
    state.wipe()
    assert {entry.name for entry in state.path.iterdir()} == {"ports.json"}


def test_a_file_is_replaced_whole_and_leaves_no_temporary(state: StateFolder) -> None:
    target = state.path / "ports.json"
    write_private(target, "first")
    write_private(target, "second")
    assert target.read_text(encoding="utf-8") == "second"
    assert [entry.name for entry in state.path.iterdir() if entry.name.startswith(".")] == []


def test_checkouts_have_names_of_their_own(tmp_path: Path) -> None:
    assert checkout_id(tmp_path / "a") != checkout_id(tmp_path / "b")
    assert checkout_id(tmp_path / "a") == checkout_id(tmp_path / "b" / ".." / "a")


def test_ports_are_kept_and_all_different(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    names = ("postgres", "redis", "clickhouse", "code-server")
    first = Ports(file, seed=11)
    first.settle(names, running=())
    later = Ports(file, seed=99)
    later.settle(names, running=())
    assert [later[name] for name in names] == [first[name] for name in names]
    assert len({first[name] for name in names}) == len(names)


def test_a_port_that_a_stranger_took_is_replaced_but_one_of_our_running_service_is_kept(tmp_path: Path) -> None:
    ports = Ports(tmp_path / "ports.json", seed=23)
    ports.settle(("redis",), running=())
    kept = ports["redis"]
    with socket.create_server(("127.0.0.1", kept)):
        ports.settle(("redis",), running=("redis",))
        assert ports["redis"] == kept
        ports.settle(("redis",), running=())
        assert ports["redis"] != kept


def test_the_preferred_port_is_taken_when_free_and_passed_over_when_not(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            holder.bind(("127.0.0.1", 8080))
            holder.listen()
        except OSError:
            pass  # somebody holds it already, which is the same to us
        ports = Ports(tmp_path / "busy.json", seed=31)
        ports.settle(("api",), running=())
        assert 20_000 <= ports["api"] <= 29_999
