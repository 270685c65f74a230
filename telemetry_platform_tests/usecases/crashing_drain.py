"""A drain that SIGKILLs itself at a named point: run as a process of its own, with the settings in its environment.

`python -m telemetry_platform_tests.usecases.crashing_drain POINT [TIMES]` dies when the point is reached for the
TIMES-th time (the first by default).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from telemetry_platform.settings import Settings
from telemetry_platform.usecases.drain.run import drain
from telemetry_platform.usecases.drain.stores import open_stores
from telemetry_platform_tests.usecases.landing import expire_lease

if TYPE_CHECKING:
    from collections.abc import Mapping

CHECKOUT = Path(__file__).parents[2]


def environment_of(settings: Settings) -> Mapping[str, str]:
    """The settings that a drain needs, as another process reads them."""
    clickhouse, work = settings.clickhouse, settings.drain
    return {
        "PATH": os.defpath,
        "TELEMETRY_CLICKHOUSE__URL": clickhouse.url,
        "TELEMETRY_CLICKHOUSE__USER": clickhouse.user,
        "TELEMETRY_CLICKHOUSE__PASSWORD": clickhouse.password.get_secret_value(),
        "TELEMETRY_CLICKHOUSE__DATABASE": clickhouse.database,
        "TELEMETRY_POSTGRES__URL": settings.postgres.url.get_secret_value(),
        "TELEMETRY_REDIS__URL": settings.redis.url.get_secret_value(),
        "TELEMETRY_DRAIN__BATCH_ENTRIES": str(work.batch_entries),
        "TELEMETRY_DRAIN__LEASE_SECONDS": str(work.lease_seconds),
        "TELEMETRY_DRAIN__RENEW_SECONDS": str(work.renew_seconds),
        "TELEMETRY_DRAIN__LINGER_MS": str(work.linger_ms),
        "TELEMETRY_DRAIN__BLOCK_MS": str(work.block_ms),
        "TELEMETRY_DRAIN__MAX_ATTEMPTS": str(work.max_attempts),
    }


def start(settings: Settings, point: str, times: int = 1) -> subprocess.Popen[bytes]:
    """A drain in a process of its own that will die at the point."""
    return subprocess.Popen(
        [sys.executable, "-m", "telemetry_platform_tests.usecases.crashing_drain", point, str(times)],
        cwd=CHECKOUT,
        env=dict(environment_of(settings)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def crash(settings: Settings, point: str, times: int = 1) -> None:
    """Run a drain that dies at the point; fails when it does not die there."""
    process = start(settings, point, times)
    _, said = process.communicate(timeout=60)
    expire_lease(settings)
    assert process.returncode == -signal.SIGKILL, f"the drain did not reach {point}: {said.decode()[-2000:]}"


def main() -> None:
    """The process."""
    point, left = sys.argv[1], int(sys.argv[2])

    def checkpoint(name: str) -> None:
        nonlocal left
        if name == point:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    settings = Settings()
    with open_stores(settings) as stores:
        drain(stores, settings, holder="child", until_idle=True, checkpoint=checkpoint)


if __name__ == "__main__":
    main()
