"""Our own processes as services: the stand-ins for ClickHouse and MaxMind, the API, and Dagster's three.

Invariant: everything secret is in the environment or in a 0600 file; the command lines say module names and ports.
Dagster's webserver is started through our guarded entry point, never bare: it has no sign-in of its own.
"""

from __future__ import annotations

import sys
from importlib.resources import files
from typing import TYPE_CHECKING

from telemetry_platform.embedded import outside, probes
from telemetry_platform.embedded.service import Service
from telemetry_platform.embedded.state import StateFolder, private_folder, project_root, write_private

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from telemetry_platform.embedded.ports import Ports

_START_SECONDS = 120.0  # a cold disk and two cores: importing Dagster alone can take ten seconds


def clickhouse_service(state: StateFolder, port: int) -> Service:
    """The process that owns the ClickHouse engine and its data folder."""
    folder = state.folder("clickhouse")
    password_file = folder / "password"
    # As root it gives root up once it has opened this folder, if its new user can reach it.
    data = outside.profile_folder(state) / "clickhouse" if outside.is_needed() else folder / "data"

    def prepare() -> None:
        if outside.is_needed():
            outside.make(state)
        private_folder(folder)
        write_private(password_file, state.secrets()["clickhouse"])

    return Service(
        name="clickhouse",
        argv=(
            sys.executable,
            "-m",
            "telemetry_platform.embedded.clickhouse",
            "--data-dir",
            str(data),
            "--port",
            str(port),
            "--password-file",
            str(password_file),
        ),
        environment={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONUNBUFFERED": "1"},
        # The engine reads a `config.xml` of its working directory when there is one: it gets a folder of its own.
        folder=folder,
        log_file=state.log_file("clickhouse"),
        is_ready=lambda: probes.is_http_ok(port, "/ping"),
        address=f"http://127.0.0.1:{port}",
        prepare=prepare,
        start_seconds=_START_SECONDS,
        port=port,
    )


MAXMIND_ACCOUNT = "999999"
"""The account of the local stand-in; its licence key is one of the profile's secrets."""


def exclusions_file(state: StateFolder) -> Path:
    """The list that the local stand-in for MaxMind gives out; edit it to add and to withdraw networks."""
    return state.folder("maxmind") / "exclusions.json"


def maxmind_service(state: StateFolder, port: int) -> Service:
    """The stand-in for MaxMind's Privacy Exclusions API."""
    folder = state.folder("maxmind")
    credentials = folder / "credentials"

    def prepare() -> None:
        private_folder(folder)
        write_private(credentials, f"{MAXMIND_ACCOUNT}:{state.secrets()['maxmind']}")
        if not exclusions_file(state).exists():
            write_private(
                exclusions_file(state), (files("telemetry_platform.embedded") / "exclusions.json").read_text()
            )

    return Service(
        name="maxmind",
        argv=(
            sys.executable,
            "-m",
            "telemetry_platform.embedded.maxmind",
            "--port",
            str(port),
            "--list",
            str(exclusions_file(state)),
            "--credentials-file",
            str(credentials),
        ),
        environment={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONUNBUFFERED": "1"},
        folder=folder,
        log_file=state.log_file("maxmind"),
        is_ready=lambda: probes.is_http_ok(port, "/ping"),
        address=f"http://127.0.0.1:{port}/privacy/exclusions",
        prepare=prepare,
        start_seconds=_START_SECONDS,
        port=port,
    )


def api_service(state: StateFolder, port: int, environment: Mapping[str, str]) -> Service:
    """The HTTP front door."""
    return Service(
        name="api",
        # Its own entry point binds the address of the settings and turns uvicorn's proxy handling and access log off.
        argv=(sys.executable, "-m", "telemetry_platform.api"),
        environment=environment,
        folder=private_folder(state.folder("api")),
        log_file=state.log_file("api"),
        is_ready=lambda: probes.is_http_ok(port, "/health/ready"),
        address=f"http://127.0.0.1:{port}/docs",
        start_seconds=_START_SECONDS,
        port=port,
    )


def dagster_service(name: str, state: StateFolder, ports: Ports, environment: Mapping[str, str]) -> Service:
    """One of code server, daemon and webserver."""
    code_port, web_port = ports["code-server"], ports["dagster"]
    workspace = ("--workspace", str(project_root() / "workspace.yaml"))
    # When the daemon was started: Dagster goes on calling a killed one healthy for a while.
    record = state.records / "daemon.json"
    argv: dict[str, tuple[str, ...]] = {
        "code-server": (
            *("dagster", "code-server", "start", "--host", "127.0.0.1", "--port", str(code_port)),
            *("--module-name", "telemetry_platform.definitions", "--use-python-environment-entry-point"),
        ),
        "daemon": ("dagster._daemon", "run", *workspace),
        "webserver": (
            *("telemetry_platform.defs.webserver", "--host", "127.0.0.1", "--port", str(web_port)),
            *workspace,
        ),
    }
    is_ready: dict[str, Callable[[], bool]] = {
        "code-server": lambda: probes.is_code_server_ready(code_port),
        "daemon": lambda: record.exists() and probes.are_daemons_alive(web_port, record.stat().st_mtime),
        "webserver": lambda: probes.is_http_ok(web_port, "/server_info"),
    }
    addresses = {
        "code-server": f"127.0.0.1:{code_port}",
        "daemon": "sensors, schedules, run queue",
        "webserver": f"http://127.0.0.1:{web_port}",
    }
    return Service(
        name=name,
        argv=(sys.executable, "-m", *argv[name]),
        environment=environment,
        folder=private_folder(state.folder(name)),
        log_file=state.log_file(name),
        is_ready=is_ready[name],
        address=addresses[name],
        start_seconds=_START_SECONDS,
        port={"code-server": code_port, "webserver": web_port}.get(name),
    )
