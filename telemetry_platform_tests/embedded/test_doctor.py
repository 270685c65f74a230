"""What the doctor says of a platform that was never started, runs, lost a part, or is down on purpose."""

from pathlib import Path

import pytest

from telemetry_platform.embedded.doctor import Finding, examine
from telemetry_platform.embedded.environment import embedded_stores
from telemetry_platform.embedded.platform import Platform, PlatformHandle, running_stores
from telemetry_platform.embedded.state import StateFolder, wait_until
from telemetry_platform.errors import PermanentError
from telemetry_platform.settings import Settings


def _by_part(platform: Platform) -> dict[str, Finding]:
    return {finding.part: finding for finding in examine(platform)}


def test_a_platform_that_was_never_started_is_not_broken(tmp_path: Path) -> None:
    platform = Platform(StateFolder(tmp_path, "up"), Settings())
    findings = examine(platform)
    assert {finding.state for finding in findings} == {"never started"}
    assert not any(finding.is_broken for finding in findings)
    assert all("telemetry up --profile up" in finding.next_step for finding in findings)
    assert not (tmp_path / ".telemetry").exists(), "looking makes nothing"


def test_a_killed_part_is_broken_and_a_stopped_platform_is_not(tmp_path: Path) -> None:
    with running_stores(stores=("postgres", "redis"), with_schema=False, base=tmp_path, remove=True) as handle:
        found = _by_part(handle.platform)["redis"]
        assert (found.state, found.which, found.is_broken) == ("runs", "embedded", False)
        assert "9.1" in found.version
        handle.kill("redis")
        assert wait_until(lambda: not handle.platform.supervisor.is_running("redis"), 10)
        found = _by_part(handle.platform)["redis"]
        assert (found.state, found.is_broken) == ("ended", True)
        assert str(handle.state.log_file("redis")) in found.next_step
        assert (_by_part(handle.platform)["geo"].state, _by_part(handle.platform)["geo"].is_broken) == ("off", False)
        assert _secrets_in(handle, examine(handle.platform)) == []
        handle.platform.stop()
        states = {finding.state for finding in examine(handle.platform)}
        assert states == {"stopped"}


def _secrets_in(handle: PlatformHandle, findings: list[Finding]) -> list[str]:
    text = repr(findings)
    return [name for name, secret in handle.state.secrets().items() if secret in text]


def test_a_real_server_is_never_started_here_and_is_said_to_be_one(tmp_path: Path) -> None:
    given = Settings.model_validate(
        {
            "redis": {"url": "rediss://telemetry:real@queue.example.org:6380/0"},
            "clickhouse": {"url": "https://ch.example.org"},
        }
    )
    platform = Platform(StateFolder(tmp_path, "up"), given)
    assert platform.embedded == {"postgres"}
    assert "redis" not in platform.wanted(("postgres", "redis", "clickhouse"))
    which = {finding.part: finding.which for finding in examine(platform)}
    assert which["redis"] == which["clickhouse"] == "real server"


def test_addresses_of_a_local_profile_in_the_environment_are_not_taken_for_real_servers(tmp_path: Path) -> None:
    state = StateFolder(tmp_path, "demo")
    state.create()
    password = state.secrets()["redis_telemetry"]
    exported = Settings.model_validate({"redis": {"url": f"redis://telemetry:{password}@127.0.0.1:20001/0"}})
    assert embedded_stores(tmp_path, exported) == {"postgres", "redis", "clickhouse"}
    assert "redis" not in embedded_stores(tmp_path / "elsewhere", exported)


def test_an_unknown_service_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="unknown service kafka"):
        Platform(StateFolder(tmp_path, "test"), Settings()).wanted(("kafka",))
