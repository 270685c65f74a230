"""No secret of a profile stands where every user of the machine can read it."""

from pathlib import Path

from telemetry_platform.embedded import process
from telemetry_platform.embedded.platform import PlatformHandle
from telemetry_platform_tests.embedded.local_stores import local_stores

__all__ = ["local_stores"]


def _processes(handle: PlatformHandle) -> list[int]:
    """Every process of every service that runs."""
    supervisor = handle.platform.supervisor
    records = [record for name in supervisor.running() if (record := supervisor.record(name))]
    return [one.pid for record in records for one in process.members(record)]


def _secrets(handle: PlatformHandle) -> list[bytes]:
    made = [*handle.state.secrets().values(), handle.state.kek_file.read_text(encoding="ascii")]
    return [secret.encode() for secret in made]


def test_command_lines_hold_no_secret(local_stores: PlatformHandle) -> None:
    pids = _processes(local_stores)
    assert len(pids) > len(local_stores.platform.supervisor.running()), "backends are looked at as well"
    for pid in pids:
        words = (Path("/proc") / str(pid) / "cmdline").read_bytes()
        assert [secret for secret in _secrets(local_stores) if secret in words] == []


def test_servers_are_not_handed_the_secrets_of_others(local_stores: PlatformHandle) -> None:
    for pid in _processes(local_stores):
        environment = (Path("/proc") / str(pid) / "environ").read_bytes()
        assert [secret for secret in _secrets(local_stores) if secret in environment] == []


def test_logs_hold_no_secret(local_stores: PlatformHandle) -> None:
    logs = list(local_stores.state.logs.glob("*.log"))
    assert {log.stem for log in logs} >= {"postgres", "redis"}
    for log in logs:
        content = log.read_bytes()
        assert [secret for secret in _secrets(local_stores) if secret in content] == []
