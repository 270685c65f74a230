"""A run of retention that SIGKILLs itself at a named point: a process of its own, with the settings in its environment.

`python -m telemetry_platform_tests.usecases.crashing_retention POINT`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from telemetry_platform.settings import Settings
from telemetry_platform.stores import postgres
from telemetry_platform.usecases.drain.stores import open_stores
from telemetry_platform.usecases.ensure_keys import load_key_ring
from telemetry_platform.usecases.expire.run import run_retention
from telemetry_platform_tests.defs.conftest import variables
from telemetry_platform_tests.usecases.crashing_drain import CHECKOUT, environment_of

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings as Given


def crash(settings: Given, point: str) -> None:
    """Run retention and die at the point; fails when it does not die there."""
    environment = {**environment_of(settings), **variables(settings)}
    ended = subprocess.run(
        [sys.executable, "-m", "telemetry_platform_tests.usecases.crashing_retention", point],
        cwd=CHECKOUT,
        env=environment,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL, f"it did not reach {point}: {ended.stderr.decode()[-2000:]}"


def main() -> None:
    """The process."""
    point = sys.argv[1]

    def checkpoint(name: str) -> None:
        if name == point:
            os.kill(os.getpid(), signal.SIGKILL)

    settings = Settings()
    with open_stores(settings) as stores:
        with postgres.connect(settings.postgres) as conn:
            ring = load_key_ring(conn, settings.keys)
        run_retention(stores, ring, now=datetime.now(UTC), dry_run=False, checkpoint=checkpoint)


if __name__ == "__main__":
    main()
