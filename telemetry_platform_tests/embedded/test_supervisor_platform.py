"""The whole platform in a folder of the test's own: everything starts, each part may die, nothing leaks or stays."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from telemetry_platform.embedded import process
from telemetry_platform.embedded.doctor import examine
from telemetry_platform.embedded.platform import ALL_SERVICES, PlatformHandle, running_platform
from telemetry_platform.embedded.state import wait_until
from telemetry_platform.stores import redis


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformHandle]:
    with running_platform("test", base=tmp_path_factory.mktemp("whole"), remove=True) as handle:
        yield handle


def _pids(handle: PlatformHandle) -> dict[str, int]:
    return {name: handle.pid(name) for name in ALL_SERVICES}


def _processes(handle: PlatformHandle) -> list[int]:
    supervisor = handle.platform.supervisor
    records = [record for name in ALL_SERVICES if (record := supervisor.record(name))]
    return [one.pid for record in records for one in process.members(record)]


def _read(pid: int, file: str) -> str:
    """A file of a process; empty for one that has just ended."""
    try:
        return (Path("/proc") / str(pid) / file).read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _secrets(handle: PlatformHandle) -> list[str]:
    return [*handle.state.secrets().values(), handle.state.kek_file.read_text(encoding="ascii")]


def test_every_part_runs_and_says_its_version(whole: PlatformHandle) -> None:
    findings = examine(whole.platform)
    # Beside the services: no geo database is set here, which costs places and nothing else.
    assert {finding.part: finding.state for finding in findings} == dict.fromkeys(ALL_SERVICES, "runs") | {"geo": "off"}
    assert all(re.search(r"\d+\.\d+", finding.version) for finding in findings if finding.part in ALL_SERVICES)


def test_starting_again_starts_nothing(whole: PlatformHandle) -> None:
    before = _pids(whole)
    assert whole.platform.start() == []
    assert _pids(whole) == before


def test_no_command_line_holds_a_secret(whole: PlatformHandle) -> None:
    secrets = _secrets(whole)
    words = {pid: _read(pid, "cmdline") for pid in _processes(whole)}
    assert len([line for line in words.values() if line]) > len(ALL_SERVICES)
    assert {pid: line for pid, line in words.items() if any(secret in line for secret in secrets)} == {}


def test_no_command_line_of_a_run_holds_a_secret(whole: PlatformHandle) -> None:
    before = {pid for pid in _processes(whole) if "dagster" in _read(pid, "cmdline")}
    with redis.own_errors(), redis.connect(whole.settings.redis) as client:
        client.xadd("telemetry:landing:drops:0", {"v": "1"})  # whatever it is, it asks for a drain

    def runs() -> dict[int, str]:
        found = {pid: _read(pid, "cmdline") for pid in _processes(whole) if pid not in before}
        return {
            pid: line for pid, line in found.items() if "spawn_main" in line
        }  # a run is a process of the code server

    assert wait_until(lambda: bool(runs()), 90)
    assert [line for line in runs().values() if any(secret in line for secret in _secrets(whole))] == []


def test_no_log_holds_a_secret(whole: PlatformHandle) -> None:
    secrets = _secrets(whole)
    logs = {log.stem: log.read_text(encoding="utf-8", errors="replace") for log in whole.state.logs.glob("*.log")}
    assert set(ALL_SERVICES) <= set(logs)
    for name, content in logs.items():
        assert [secret for secret in secrets if secret in content] == [], name


def test_no_service_is_told_the_owners_or_the_superusers_password(whole: PlatformHandle) -> None:
    secrets = whole.state.secrets()
    for pid in _processes(whole):
        environment = _read(pid, "environ")
        for role in ("postgres", "telemetry_owner", "redis_admin"):
            assert secrets[role] not in environment, f"{role} in process {pid}"


def test_who_removes_and_who_signs_is_dagsters_code_server_and_nobody_else(whole: PlatformHandle) -> None:
    password = whole.state.secrets()["telemetry_retention"]
    for name, pid in _pids(whole).items():
        environment = _read(pid, "environ")
        assert (password in environment) == (name == "code-server"), name
        assert ("TELEMETRY_AUDIT__SIGNING_KEY_FILE" in environment) == (name == "code-server"), name


@pytest.mark.parametrize("name", ALL_SERVICES)
def test_after_the_death_of_any_part_just_that_part_is_started_again(whole: PlatformHandle, name: str) -> None:
    before = _pids(whole)
    ports = dict.fromkeys(whole.platform.addresses().values())
    whole.kill(name)
    assert wait_until(lambda: not whole.platform.supervisor.is_running(name), 10)
    assert whole.platform.start() == [name]
    after = _pids(whole)
    assert {part for part in ALL_SERVICES if after[part] != before[part]} == {name}
    assert dict.fromkeys(whole.platform.addresses().values()) == ports
    assert [finding for finding in examine(whole.platform) if finding.is_broken] == []


def test_two_platforms_run_side_by_side_and_nothing_of_one_is_left(whole: PlatformHandle, tmp_path: Path) -> None:
    with running_platform("demo", base=tmp_path, remove=True) as second:
        ours = {whole.platform.ports()[name] for name in ("api", "dagster", "postgres", "redis", "clickhouse")}
        theirs = {second.platform.ports()[name] for name in ("api", "dagster", "postgres", "redis", "clickhouse")}
        assert ours & theirs == set()
        pids = _processes(second)
    assert [pid for pid in pids if process.identify(pid) is not None] == []
    assert [finding for finding in examine(whole.platform) if finding.is_broken] == []
