"""Starts what is missing, in order; stops everything, in the reverse order. Keeps no process of its own.

Services are detached: the command that started them may end, and a later one finds them again by their records.
Invariants: a service that runs with what it would be started with now is left alone; one that was started with
something else (a port moved, a setting changed) or does not answer is stopped completely before it is started again;
after `stop_all` nothing that carries this profile's tag runs.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from telemetry_platform.embedded import process
from telemetry_platform.embedded.process import TAG, ServiceRecord
from telemetry_platform.embedded.service import Service, ServiceStartError
from telemetry_platform.embedded.state import wait_until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence

    from telemetry_platform.embedded.state import StateFolder

STOP_SECONDS = 10.0
_POLL_SECONDS = 0.05
# What is not named here is stopped first; PostgreSQL last, since everything else still writes its last words to it.
_STOP_ORDER = ("webserver", "daemon", "code-server", "api", "clickhouse", "redis", "postgres")


class Reporter(Protocol):
    """Hears what the supervisor does; the command line shows it."""

    def working(self, name: str, what: str) -> None:
        """A service is being started or stopped."""

    def done(self, name: str, what: str, seconds: float) -> None:
        """It runs, or has stopped, after so many seconds."""


class SilentReporter:
    """For tests and callers that show nothing."""

    def working(self, name: str, what: str) -> None:
        """Show nothing."""

    def done(self, name: str, what: str, seconds: float) -> None:
        """Show nothing."""


@dataclass(frozen=True)
class _Start:
    """A service that was just started: `log_size` is where its own lines begin."""

    service: Service
    child: subprocess.Popen[bytes]
    begun: float
    log_size: int


@dataclass
class Supervisor:
    """The running services of one profile."""

    state: StateFolder
    reporter: Reporter = field(default_factory=SilentReporter)
    # A running service may be busy for a moment (PostgreSQL recovering, the API under load): only one that stays silent
    # for this long is restarted.
    silence_seconds: float = 10.0
    # Our children must be collected when they end while we live (tests); a command that ends leaves them to init.
    _children: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def tag(self, name: str) -> str:
        """What marks the service's processes: unique on the machine, since it holds the profile's path."""
        return f"{self.state.path.resolve()}:{name}"

    def record(self, name: str) -> ServiceRecord | None:
        """The record of a service, running or not."""
        return ServiceRecord.load(self.state.records, name)

    def is_running(self, name: str) -> bool:
        """Whether the service's first process lives."""
        self._collect()
        record = self.record(name)
        return record is not None and process.is_alive(record.identity)

    def ensure(self, services: Sequence[Service]) -> list[str]:
        """Make all of them run and ready; they start side by side. Returns the names of those that were started."""
        missing = [service for service in services if not self._runs_unchanged(service)]
        self._start(missing)
        # Only now: one that runs may have waited for one that did not.
        others = [service for service in services if service not in missing]
        silent = [service for service in others if not wait_until(service.is_ready, self.silence_seconds)]
        self._start(silent)
        return [service.name for service in (*missing, *silent)]

    def _start(self, services: Sequence[Service]) -> None:
        """Start services side by side and wait for all of them."""
        for service in services:
            self.reporter.working(service.name, "starting")
            self._clear(service)
            service.prepare()
        pending = [self._launch(service) for service in services]
        while pending:
            for start in list(pending):
                self._check(start)
                if start.service.is_ready() and self._is_its_own(start.service):
                    pending.remove(start)
                    self.reporter.done(start.service.name, start.service.address, time.monotonic() - start.begun)
            time.sleep(_POLL_SECONDS)

    def _is_its_own(self, service: Service) -> bool:
        """Whether what answers is the service: a stranger who took its port first would answer just as well."""
        record = self.record(service.name)
        return service.port is None or (record is not None and process.listens(record, service.port))

    def _runs_unchanged(self, service: Service) -> bool:
        """Whether the service runs, started with what it would be started with now."""
        record = self.record(service.name)
        return record is not None and record.fingerprint == service.fingerprint and self.is_running(service.name)

    def clear(self, name: str) -> None:
        """End what a service that ended by itself left running; its record stays, to say that it was there."""
        record = self.record(name)
        if record is not None and not self.is_running(name):
            process.stop(record, grace_seconds=STOP_SECONDS)

    def _clear(self, service: Service) -> None:
        """Stop what an earlier start left: a silent process, orphans, children of a killed one."""
        known = self.record(service.name)
        # Nothing kept (a wiped folder, a killed command): tag, binary and folder still find what is ours.
        nobody = process.Identity(-1, -1, "")
        for record in (known, service.record(nobody, self.tag(service.name))):
            if record is not None:
                process.stop(record, grace_seconds=STOP_SECONDS)
        self._collect()

    def _launch(self, service: Service) -> _Start:
        """Start the process and keep its record before anything can go wrong with it."""
        service.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        log_size = service.log_file.stat().st_size if service.log_file.exists() else 0
        begun = time.monotonic()
        tag = self.tag(service.name)
        environment = {**service.environment, TAG: tag}
        child = process.launch(service.argv, environment, service.folder, service.log_file, service.account)
        self._children.append(child)
        identity = process.identify(child.pid)
        # A process that has ended already is found out by `_check`; its record then names nobody.
        service.record(identity or process.Identity(-1, -1, ""), tag).save(self.state.records)
        return _Start(service, child, begun, log_size)

    def _check(self, start: _Start) -> None:
        """Raise when the service has ended or taken too long, with the end of its log."""
        service, code = start.service, start.child.poll()
        seconds = time.monotonic() - start.begun
        if code is None and seconds < service.start_seconds:
            return
        reason = f"it ended with code {code}" if code is not None else f"it was not ready after {seconds:.0f} s"
        record = self.record(service.name)
        if record is not None:
            process.stop(record, grace_seconds=STOP_SECONDS)
        raise ServiceStartError(service, reason, process.last_lines(service.log_file, start.log_size))

    def stop(self, name: str) -> bool:
        """Stop one service and whatever it started; whether anything of it ran."""
        record = self.record(name)
        if record is None:
            return False
        running = bool(process.members(record))
        if running:
            begun = time.monotonic()
            self.reporter.working(name, "stopping")
            process.stop(record, grace_seconds=STOP_SECONDS)
            self._collect()
            self.reporter.done(name, "stopped", time.monotonic() - begun)
        record.forget(self.state.records)
        return running

    def stop_all(self) -> list[str]:
        """Stop every service of the profile; the names of those that ran. Nothing of it runs afterwards."""
        names = {path.stem for path in self.state.records.glob("*.json")} if self.state.records.is_dir() else set()
        others = sorted(names - set(_STOP_ORDER))
        stopped = [name for name in (*others, *_STOP_ORDER) if self.stop(name)]
        # A process whose record was lost (a folder removed by hand) still carries the tag.
        prefix = f"{self.state.path.resolve()}:"
        process.kill(lambda: process.tagged_below(prefix))
        self._collect()
        return stopped

    def _collect(self) -> None:
        """Collect children that have ended."""
        self._children = [child for child in self._children if child.poll() is None]

    def running(self) -> list[str]:
        """The names of the services that run."""
        return [name for name in reversed(_STOP_ORDER) if self.is_running(name)]
