"""A run of erasures that SIGKILLs itself at a named point: a process of its own, with the settings in its environment.

`python -m telemetry_platform_tests.usecases.crashing_erasure POINT`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from telemetry_platform.settings import Settings
from telemetry_platform.usecases.drain.stores import open_stores
from telemetry_platform.usecases.erase.run import Erasing
from telemetry_platform_tests.usecases.crashing_drain import CHECKOUT, environment_of

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings as Given


def crash(settings: Given, point: str) -> None:
    """Run erasures and die at the point; fails when it does not die there."""
    environment = {**environment_of(settings), "TELEMETRY_KEYS__KEK_FILE": str(settings.keys.kek_file)}
    ended = subprocess.run(
        [sys.executable, "-m", "telemetry_platform_tests.usecases.crashing_erasure", point],
        cwd=CHECKOUT,
        env=environment,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL, f"it did not reach {point}: {ended.stderr.decode()[-2000:]}"


def main() -> None:
    """The process."""
    point = sys.argv[1]

    def checkpoint(name: str) -> None:
        if name == point:
            os.kill(os.getpid(), signal.SIGKILL)

    with open_stores(Settings()) as stores:
        Erasing(stores, lambda: datetime.now(UTC), checkpoint).run()


if __name__ == "__main__":
    main()
