"""Stops a profile's services when the command that runs them dies without a word (SIGKILL, a test time-out).

`running_platform` starts one beside its services: it waits on a pipe that only that command holds open. A word on it
means that the command stops its services itself; the pipe's end without one means that it died. Invariants: it carries
no tag of a service, else it would stop itself first; it stops nothing once another command has taken the profile over.
"""

from __future__ import annotations

import secrets
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from telemetry_platform.embedded import outside
from telemetry_platform.embedded.state import StateFolder, write_private
from telemetry_platform.embedded.supervisor import Supervisor
from telemetry_platform.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.embedded.state import Profile

_WORD = b"."


@contextmanager
def watched(state: StateFolder, *, remove: bool) -> Iterator[None]:
    """Have the profile's services stopped (and its state removed) when this process dies inside the block."""
    runner = secrets.token_hex(8)
    write_private(state.runner_file, runner)
    argv = (sys.executable, "-m", __name__, str(state.checkout), state.profile, runner, "remove" if remove else "keep")
    child = subprocess.Popen(argv, stdin=subprocess.PIPE, cwd="/", start_new_session=True)
    try:
        yield
    finally:
        with suppress(BrokenPipeError):  # somebody killed it; there is nothing left for it to do
            child.communicate(_WORD)


def main() -> None:
    """Wait for the word, or for the pipe's end."""
    checkout, profile, runner, how = sys.argv[1:]
    if sys.stdin.buffer.read(1) == _WORD:
        return
    state = StateFolder(Path(checkout), cast("Profile", profile))
    with suppress(TransientError), state.locked():
        if not state.runner_file.exists() or state.runner_file.read_text(encoding="utf-8") != runner:
            return
        Supervisor(state).stop_all()
        if how == "remove":
            outside.remove(state)
            state.remove()


if __name__ == "__main__":
    main()
