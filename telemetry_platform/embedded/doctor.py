"""Examines each part of a local platform: does it run, does it answer, which version, and what to do when not.

Invariant: nothing here starts, stops or changes anything, and no finding holds a secret (addresses are host and port).
"Stopped" is a finding of a platform that is down on purpose; it is broken only beside parts that run.
"""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from telemetry_platform.embedded import probes
from telemetry_platform.embedded.environment import STORES
from telemetry_platform.embedded.platform import APPLICATION, Platform
from telemetry_platform.errors import PlatformError

if TYPE_CHECKING:
    from collections.abc import Callable

    from telemetry_platform.settings import Settings


@dataclass(frozen=True)
class Finding:
    """What is to be said of one part."""

    part: str
    state: str
    version: str
    which: str
    address: str
    is_broken: bool
    next_step: str = ""


def _postgres_version(settings: Settings) -> str:
    from telemetry_platform.stores import postgres

    with postgres.connect(settings.postgres, application="telemetry-doctor") as connection:
        row = connection.execute("SHOW server_version").fetchone()
    return f"PostgreSQL {row[0]}" if row else "PostgreSQL"


def _redis_version(settings: Settings) -> str:
    from telemetry_platform.stores import redis

    with redis.own_errors(), redis.connect(settings.redis) as client:
        found = client.info("server")
    name = "Valkey" if "valkey_version" in found else "Redis"
    return f"{name} {found.get('valkey_version', found['redis_version'])}"


def _clickhouse_version(settings: Settings) -> str:
    from telemetry_platform.stores import clickhouse

    # The default database is there also before the schema was applied.
    with clickhouse.connect(settings.clickhouse, log_comment="telemetry doctor", database="default") as client:
        return f"ClickHouse {client.server_version}"


_VERSIONS: dict[str, Callable[[Settings], str]] = {
    "postgres": _postgres_version,
    "redis": _redis_version,
    "clickhouse": _clickhouse_version,
}


def examine(platform: Platform) -> list[Finding]:
    """All parts, stores first."""
    is_up = any(platform.supervisor.record(name) for name in (*STORES, *APPLICATION))
    application = [name for name in APPLICATION if name in platform.wanted(APPLICATION)]
    if platform.ports().get("api") is None:
        return [_never_started(platform, name) for name in (*STORES, *application)]
    settings = platform.environment().settings()
    findings = [_store(platform, settings, name, is_up=is_up) for name in STORES]
    findings += [_application(platform, name, is_up=is_up) for name in application]
    return [*findings, _geo(settings)] if is_up else findings


def _never_started(platform: Platform, name: str) -> Finding:
    which = "real server" if name in STORES and name not in platform.embedded else "this machine"
    return Finding(name, "never started", "", which, "", is_broken=False, next_step=_start(platform))


def _start(platform: Platform) -> str:
    return f"run `telemetry up --profile {platform.state.profile}`"


def _store(platform: Platform, settings: Settings, name: str, *, is_up: bool) -> Finding:
    """A store: whoever runs it, it is asked for its version with the platform's own user."""
    embedded = name in platform.embedded
    which = "embedded" if embedded else "real server"
    address = _host_and_port(settings, name)
    if embedded and not platform.supervisor.is_running(name):
        return _not_running(platform, name, which, address, is_up=is_up)
    try:
        found = _VERSIONS[name](settings)
    except PlatformError as error:
        log = f" and read {platform.state.log_file(name)}" if embedded else ""
        step = f"{error}. Then {_start(platform)}{log}" if embedded else str(error)
        return Finding(name, "does not answer", "", which, address, is_broken=True, next_step=step)
    return Finding(name, "runs", found, which, address, is_broken=False)


def _geo(settings: Settings) -> Finding:
    """The file that says where addresses are. Events do without, so that an unset one is no fault."""
    from telemetry_platform.stores.geo import Geo, GeoState

    health, path = Geo(settings.geo.database).health, settings.geo.database
    step = "" if health.state in {GeoState.ANSWERS, GeoState.OFF} else health.message
    broken = health.state is GeoState.FAILS
    return Finding("geo", health.state.value, "", "file", str(path or ""), is_broken=broken, next_step=step)


def _host_and_port(settings: Settings, name: str) -> str:
    """Where the store is, without user and password."""
    url = {
        "postgres": settings.postgres.url.get_secret_value(),
        "redis": settings.redis.url.get_secret_value(),
        "clickhouse": settings.clickhouse.url,
    }[name]
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def _not_running(platform: Platform, name: str, which: str, address: str, *, is_up: bool) -> Finding:
    """A part of ours whose process is not there: stopped with the rest, or ended by itself."""
    if platform.supervisor.record(name) is None and not is_up:
        return Finding(name, "stopped", "", which, address, is_broken=False, next_step=_start(platform))
    log = platform.state.log_file(name)
    step = f"it has ended: read the end of {log}, then {_start(platform)} (it starts just what is missing)"
    return Finding(name, "ended", "", which, address, is_broken=True, next_step=step)


def _application(platform: Platform, name: str, *, is_up: bool) -> Finding:
    """One of our own processes."""
    service = platform.service(name)
    if not platform.supervisor.is_running(name):
        return _not_running(platform, name, "this machine", service.address, is_up=is_up)
    package = "dagster" if name in {"code-server", "daemon", "webserver"} else "telemetry-platform"
    found = f"{package} {version(package)}"
    if service.is_ready():
        return Finding(name, "runs", found, "this machine", service.address, is_broken=False)
    step = f"{_why(platform, name)}; read {service.log_file}, then {_start(platform)} (it restarts what stays silent)"
    return Finding(name, "not ready", found, "this machine", service.address, is_broken=True, next_step=step)


def _why(platform: Platform, name: str) -> str:
    """What a part that runs but is not ready says of itself."""
    if name == "api":
        answer = probes.http_get(platform.ports()["api"], "/health/ready")
        if answer is not None and answer[0] != http.client.OK:
            return f"/health/ready answers {answer[0]}: {answer[1][:500].decode('utf-8', errors='replace')}"
    return "it runs but does not answer"
