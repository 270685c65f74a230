"""The supervisor on real processes: who is ours, what is left alone, and that nothing stays behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from telemetry_platform.embedded import process
from telemetry_platform.embedded.ports import is_open
from telemetry_platform.embedded.process import Identity, ServiceRecord
from telemetry_platform.embedded.service import Service, ServiceStartError
from telemetry_platform.embedded.state import StateFolder, wait_until
from telemetry_platform.embedded.supervisor import Supervisor

# Says that it is ready by making a file; the second form refuses to end when asked.
_POLITE = "import pathlib, time; pathlib.Path('ready').touch(); time.sleep(600)"
_STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {_POLITE}"
_WITH_CHILD = (
    "import pathlib, subprocess, sys;"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True);"
    f"pathlib.Path('child').write_text(str(child.pid)); {_POLITE}"
)
_LISTENING = "import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(600)"
_BROKEN = "import sys; print('the disk is on fire', flush=True); sys.exit(3)"


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    state = StateFolder(tmp_path, "test")
    state.create()
    supervisor = Supervisor(state)
    yield supervisor
    supervisor.stop_all()


def _service(supervisor: Supervisor, code: str, name: str = "sample") -> Service:
    folder = supervisor.state.folder(name)
    return Service(
        name=name,
        argv=(sys.executable, "-c", code),
        environment={"PATH": os.defpath},
        folder=folder,
        log_file=supervisor.state.log_file(name),
        is_ready=(folder / "ready").exists,
        address="nowhere",
        prepare=lambda: (folder / "ready").unlink(missing_ok=True),
        start_seconds=30.0,
    )


def _pid(supervisor: Supervisor, name: str = "sample") -> int:
    record = supervisor.record(name)
    assert record is not None
    return record.identity.pid


def test_what_runs_is_left_alone_also_by_a_later_command(supervisor: Supervisor) -> None:
    service = _service(supervisor, _POLITE)
    assert supervisor.ensure([service]) == ["sample"]
    pid = _pid(supervisor)
    assert Supervisor(supervisor.state).ensure([service]) == []
    assert _pid(supervisor) == pid


def test_what_was_killed_is_started_again_and_only_that(supervisor: Supervisor) -> None:
    services = [_service(supervisor, _POLITE, name) for name in ("one", "two")]
    supervisor.ensure(services)
    survivor = _pid(supervisor, "two")
    os.kill(_pid(supervisor, "one"), signal.SIGKILL)
    assert wait_until(lambda: not supervisor.is_running("one"), 10)
    assert supervisor.ensure(services) == ["one"]
    assert _pid(supervisor, "two") == survivor


def test_a_service_with_other_settings_is_restarted(supervisor: Supervisor) -> None:
    service = _service(supervisor, _POLITE)
    supervisor.ensure([service])
    pid = _pid(supervisor)
    other_terminal = replace(service, environment={**service.environment, "TERM": "vt220"})
    assert supervisor.ensure([other_terminal]) == []
    other_setting = replace(service, environment={**service.environment, "TELEMETRY_LOG_LEVEL": "DEBUG"})
    assert supervisor.ensure([other_setting]) == ["sample"]
    assert _pid(supervisor) != pid
    assert process.identify(pid) is None


def test_a_service_that_runs_but_does_not_answer_is_restarted(supervisor: Supervisor) -> None:
    service = _service(supervisor, _POLITE)
    supervisor.ensure([service])
    pid = _pid(supervisor)
    (supervisor.state.folder("sample") / "ready").unlink()
    supervisor.silence_seconds = 0.2
    assert supervisor.ensure([service]) == ["sample"]
    assert _pid(supervisor) != pid


def test_a_service_that_does_not_start_says_why(supervisor: Supervisor) -> None:
    with pytest.raises(ServiceStartError, match="the disk is on fire") as caught:
        supervisor.ensure([_service(supervisor, _BROKEN)])
    assert "ended with code 3" in str(caught.value)
    assert str(supervisor.state.log_file("sample")) in str(caught.value)


def test_a_service_that_never_gets_ready_is_given_up_and_stopped(supervisor: Supervisor) -> None:
    service = replace(_service(supervisor, _POLITE), is_ready=lambda: False, start_seconds=0.5)
    with pytest.raises(ServiceStartError, match="not ready after"):
        supervisor.ensure([service])
    assert not supervisor.is_running("sample")


def test_each_service_has_a_group_of_its_own(supervisor: Supervisor) -> None:
    supervisor.ensure([_service(supervisor, _POLITE)])
    pid = _pid(supervisor)
    assert os.getpgid(pid) == pid
    assert os.getsid(pid) == pid


def test_children_end_with_their_service_also_those_in_other_groups(supervisor: Supervisor) -> None:
    supervisor.ensure([_service(supervisor, _WITH_CHILD)])
    child = int((supervisor.state.folder("sample") / "child").read_text())
    assert process.identify(child) is not None
    assert supervisor.stop_all() == ["sample"]
    assert process.identify(child) is None


def test_orphans_of_a_killed_service_are_ended_before_it_starts_again(supervisor: Supervisor) -> None:
    service = _service(supervisor, _WITH_CHILD)
    supervisor.ensure([service])
    orphan = int((supervisor.state.folder("sample") / "child").read_text())
    os.kill(_pid(supervisor), signal.SIGKILL)
    assert wait_until(lambda: not supervisor.is_running("sample"), 10)
    assert process.identify(orphan) is not None
    supervisor.ensure([service])
    assert process.identify(orphan) is None


def test_who_does_not_listen_is_killed(supervisor: Supervisor) -> None:
    supervisor.ensure([_service(supervisor, _STUBBORN)])
    record = supervisor.record("sample")
    assert record is not None
    process.stop(record, grace_seconds=0.3)
    assert process.members(record) == []


def test_what_lost_its_record_is_stopped_all_the_same(supervisor: Supervisor) -> None:
    supervisor.ensure([_service(supervisor, _POLITE)])
    pid = _pid(supervisor)
    (supervisor.state.records / "sample.json").unlink()
    supervisor.stop_all()
    assert process.identify(pid) is None


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Somebody else's process, with its folder where a service has its own."""
    folder = tmp_path / ".telemetry" / "test" / "sample"
    folder.mkdir(parents=True)
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], cwd=folder)
    yield other
    other.kill()
    other.wait()


def _stale(supervisor: Supervisor, identity: Identity) -> ServiceRecord:
    service = replace(_service(supervisor, _POLITE), binary=Path("/usr/bin/some-server"))
    record = service.record(identity, supervisor.tag("sample"))
    record.save(supervisor.state.records)
    return record


@pytest.mark.parametrize("change", ["start_ticks", "boot_id"])
def test_a_stranger_who_got_the_number_of_a_dead_service_is_not_touched(
    supervisor: Supervisor, stranger: subprocess.Popen[bytes], change: str
) -> None:
    found = process.identify(stranger.pid)
    assert found is not None
    earlier = Identity(
        found.pid,
        found.start_ticks - (1 if change == "start_ticks" else 0),
        "an-earlier-boot" if change == "boot_id" else found.boot_id,
    )
    _stale(supervisor, earlier)
    assert not supervisor.is_running("sample")
    assert supervisor.stop_all() == []
    process.send(earlier, signal.SIGKILL)
    time.sleep(0.2)  # a signal that was sent would have arrived
    assert stranger.poll() is None
    assert supervisor.ensure([_service(supervisor, _POLITE)]) == ["sample"]
    assert stranger.poll() is None


def test_half_a_record_counts_as_none(supervisor: Supervisor) -> None:
    (supervisor.state.records / "sample.json").write_text('{"name": "sam')
    assert supervisor.record("sample") is None
    assert supervisor.ensure([_service(supervisor, _POLITE)]) == ["sample"]


def test_a_stranger_on_the_port_is_not_taken_for_the_service(supervisor: Supervisor) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        # Ready at once, as the stranger's answer would say; it finds the port taken and ends a moment later.
        service = replace(
            _service(supervisor, f"import time; time.sleep(0.5); {_LISTENING.format(port=port)}"),
            is_ready=lambda: is_open(port),
            port=port,
        )
        with pytest.raises(ServiceStartError):
            supervisor.ensure([service])


def test_the_service_itself_on_its_port_is_ready(supervisor: Supervisor) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    service = replace(_service(supervisor, _LISTENING.format(port=port)), is_ready=lambda: is_open(port), port=port)
    assert supervisor.ensure([service]) == ["sample"]
