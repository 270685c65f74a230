"""However the command that runs a platform ends, nothing of it is left."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from telemetry_platform.embedded import process
from telemetry_platform.embedded.platform import running_stores
from telemetry_platform.embedded.state import wait_until

# Signals as a terminal gives them: what runs in the background has some of them ignored, and so would this command.
_RUN = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from pathlib import Path
from telemetry_platform.embedded.platform import running_stores
with running_stores(stores=("postgres", "redis"), with_schema=False, base=Path(sys.argv[1])) as handle:
    print(handle.pid("postgres"), handle.pid("redis"), flush=True)
    time.sleep(600)
"""


def _start(base: Path) -> tuple[subprocess.Popen[str], list[int]]:
    command = subprocess.Popen([sys.executable, "-c", _RUN, str(base)], stdout=subprocess.PIPE, text=True)
    assert command.stdout is not None
    return command, [int(word) for word in command.stdout.readline().split()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_command_that_is_asked_to_end_stops_what_it_started(tmp_path: Path, number: signal.Signals) -> None:
    command, pids = _start(tmp_path)
    assert len(pids) == 2
    command.send_signal(number)
    command.communicate()
    assert [pid for pid in pids if process.identify(pid)] == []
    with running_stores(stores=("redis",), with_schema=False, base=tmp_path, remove=True):
        pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_command_that_is_asked_again_and_again_stops_what_it_started(tmp_path: Path, number: signal.Signals) -> None:
    command, pids = _start(tmp_path)
    assert len(pids) == 2
    while command.poll() is None:
        command.send_signal(number)
        time.sleep(0.001)
    command.communicate()
    assert [pid for pid in pids if process.identify(pid)] == []


def test_what_a_killed_command_left_is_stopped_without_it(tmp_path: Path) -> None:
    command, pids = _start(tmp_path)
    command.kill()
    command.communicate()
    assert wait_until(lambda: not [pid for pid in pids if process.identify(pid)], 30)
    with running_stores(stores=("postgres", "redis"), with_schema=False, base=tmp_path, remove=True) as handle:
        assert handle.platform.supervisor.running() == ["postgres", "redis"]
