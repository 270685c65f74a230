"""Starts and stops the embedded ClickHouse as a process of its own, for tests and for whoever supervises it.

Invariant: the password travels in a 0600 file, never in the command line or the environment; the process leads a group
of its own, so that a signal to the terminal does not reach it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import httpx

from telemetry_platform.errors import TransientError

if TYPE_CHECKING:
    from pathlib import Path

USER: Final = "telemetry"
_START_SECONDS: Final = 60.0
_LAST_LINES: Final = 20


@dataclass(frozen=True)
class ClickHouseProcess:
    """A running server and where it answers."""

    process: subprocess.Popen[bytes]
    port: int
    log_file: Path

    @property
    def url(self) -> str:
        """Address of the HTTP interface."""
        return f"http://127.0.0.1:{self.port}"

    def stop(self, seconds: float = 15.0) -> int:
        """End the server cleanly, by force when it does not end in time; returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """End the server as a crash would."""
        self.process.kill()
        return self.process.wait()


def start_clickhouse(  # noqa: PLR0913 - what a server is started with
    data_dir: Path,
    port: int,
    password: str,
    log_file: Path,
    *,
    user: str | None = None,
    seconds: float = _START_SECONDS,
) -> ClickHouseProcess:
    """Start a server on a data directory and wait until it answers; the error shows the last lines of its log."""
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    password_file, port_file = data_dir / "password", data_dir / "port"
    port_file.unlink(missing_ok=True)
    password_file.unlink(missing_ok=True)
    with os.fdopen(os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(password)
    argv = [sys.executable, "-m", "telemetry_platform.embedded.clickhouse", "--data-dir", str(data_dir)]
    argv += ["--port", str(port), "--port-file", str(port_file), "--password-file", str(password_file)]
    argv += ["--user", user] if user else []
    with log_file.open("ab") as log:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=data_dir
        )
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        if port_file.exists() and _answers(int(port_file.read_text(encoding="ascii"))):
            return ClickHouseProcess(process, int(port_file.read_text(encoding="ascii")), log_file)
        time.sleep(0.05)
    process.kill()
    process.wait()
    lines = log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:]
    raise TransientError("the embedded ClickHouse did not start. The last lines of its log:\n" + "\n".join(lines))


def _answers(port: int) -> bool:
    """Whether somebody answers /ping."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/ping", timeout=2.0, trust_env=False).text == "Ok.\n"
    except httpx.HTTPError:
        return False
