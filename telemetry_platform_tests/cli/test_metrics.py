"""`telemetry metrics` as Prometheus and people call it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx

from telemetry_platform.embedded.state import wait_until

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings

_COMMAND = [sys.executable, "-m", "telemetry_platform.cli", "metrics"]


def _environment(platform: Settings) -> dict[str, str]:
    assert platform.postgres.dashboards_url is not None
    return {
        "PATH": os.environ["PATH"],
        "TERM": "dumb",
        "TELEMETRY_POSTGRES__DASHBOARDS_URL": platform.postgres.dashboards_url.get_secret_value(),
        "TELEMETRY_REDIS__URL": platform.redis.url.get_secret_value(),
        "TELEMETRY_CLICKHOUSE__URL": platform.clickhouse.url,
        "TELEMETRY_CLICKHOUSE__USER": platform.clickhouse.user,
        "TELEMETRY_CLICKHOUSE__PASSWORD": platform.clickhouse.password.get_secret_value(),
        "TELEMETRY_CLICKHOUSE__DATABASE": platform.clickhouse.database,
    }


def _asked(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*_COMMAND, *arguments], env=environment, capture_output=True, text=True, check=False)


def test_it_prints_how_the_platform_stands(module_platform: Settings) -> None:
    done = _asked(**_environment(module_platform))
    assert done.returncode == 0, done.stderr
    for store in ("postgres", "redis", "clickhouse"):
        assert f'telemetry_platform_store_up{{store="{store}"}} 1.0' in done.stdout
    assert "telemetry_platform_trail_rows 0.0" in done.stdout


def test_it_serves_scrapes_until_it_is_stopped(module_platform: Settings) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    server = subprocess.Popen([*_COMMAND, "--listen", address], env=_environment(module_platform))
    try:
        assert wait_until(lambda: _answers(address), 60.0)
        scraped = httpx.get(f"http://{address}/metrics")
        assert 'telemetry_platform_store_up{store="postgres"} 1.0' in scraped.text
    finally:
        server.terminate()
        server.wait()


def _answers(address: str) -> bool:
    host, _, port = address.partition(":")
    with socket.socket() as asking:
        return asking.connect_ex((host, int(port))) == 0


def test_it_says_what_is_missing(module_platform: Settings) -> None:
    environment = _environment(module_platform)
    del environment["TELEMETRY_POSTGRES__DASHBOARDS_URL"]
    without = _asked(**environment)
    assert (without.returncode, "TELEMETRY_POSTGRES__DASHBOARDS_URL" in without.stderr) == (1, True)


def test_an_address_that_is_none_is_refused_by_its_option(module_platform: Settings) -> None:
    wrong = _asked("--listen", "9464", **_environment(module_platform))
    assert (wrong.returncode, "--listen" in wrong.stderr) == (2, True)
