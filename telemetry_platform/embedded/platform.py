"""The whole local platform of one profile: which services, on which ports, in which order.

`Platform` is what `telemetry up|down` work on; `running_platform` and `running_stores` are for the demo and tests, and
stop everything when their block ends, whichever way it ends. Invariants: stores come first, then the schema, then those
that need both; the daemon starts when the code server has loaded the definitions (else it would look again only a
minute later); a port that a stranger took is exchanged and its users are restarted.
"""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from telemetry_platform.embedded import outside, process, schema
from telemetry_platform.embedded.endings import leaving_on_signals, undisturbed
from telemetry_platform.embedded.environment import (
    DAGSTER_STORAGE,
    STORES,
    LocalEnvironment,
    embedded_stores,
    has_stand_in,
)
from telemetry_platform.embedded.platform_services import (
    api_service,
    clickhouse_service,
    dagster_service,
    maxmind_service,
)
from telemetry_platform.embedded.ports import Ports, is_free
from telemetry_platform.embedded.postgres import postgres_service
from telemetry_platform.embedded.redis import redis_service
from telemetry_platform.embedded.service import Service, ServiceStartError
from telemetry_platform.embedded.state import Profile, StateFolder, checkout_id, project_root
from telemetry_platform.embedded.supervisor import Reporter, SilentReporter, Supervisor
from telemetry_platform.embedded.watchdog import watched
from telemetry_platform.errors import ConfigurationError, PermanentError
from telemetry_platform.settings import Settings, inherited_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

DAGSTER = ("code-server", "daemon", "webserver")
APPLICATION = ("maxmind", "api", *DAGSTER)
ALL_SERVICES = (*STORES, *APPLICATION)
# Started side by side within a stage, one stage after the other. The webserver makes Dagster's tables at the first
# start; the daemon beside it would try the same at the same time, and one of them would fail.
_STAGES = (STORES, ("maxmind",), ("api", "code-server"), ("webserver",), ("daemon",))
_PORT_OF = {"webserver": "dagster"}
_PORT_TRIES = 3


@dataclass
class Platform:
    """One profile's services.

    `given` is what the caller's environment says about real servers, `extra` are more settings for the processes.
    """

    state: StateFolder
    given: Settings
    reporter: Reporter = field(default_factory=SilentReporter)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.supervisor = Supervisor(self.state, self.reporter)
        self.embedded = embedded_stores(self.state.checkout, self.given)

    def ports(self) -> Ports:
        """The profile's ports as they are kept now."""
        return Ports(self.state.path / "ports.json", seed=int(checkout_id(self.state.path), 16))

    def environment(self) -> LocalEnvironment:
        """Addresses and secrets, from the ports as they are kept now."""
        return LocalEnvironment(self.state, self.ports(), self.given, self.embedded, self.extra)

    def wanted(self, services: Collection[str]) -> tuple[str, ...]:
        """Of the named services those that we run: real servers take the place of stores."""
        unknown = set(services) - set(ALL_SERVICES)
        if unknown:
            raise PermanentError(f"unknown service {', '.join(sorted(unknown))}; there are {', '.join(ALL_SERVICES)}")
        # Nothing but security and audit is taken before an exclusion list was loaded once.
        named = {*services, *(("maxmind",) if "api" in services else ())}
        ours = {*self.embedded, *APPLICATION}
        if not has_stand_in(self.state.checkout, self.given, self.embedded):
            ours.discard("maxmind")
        return tuple(name for name in ALL_SERVICES if name in named and name in ours)

    def service(self, name: str) -> Service:
        """How one service is started, with the ports as they are kept now."""
        ports = self.ports()
        if name == "postgres":
            return postgres_service(self.state, ports["postgres"])
        if name == "redis":
            return redis_service(self.state, ports["redis"])
        if name == "clickhouse":
            return clickhouse_service(self.state, ports["clickhouse"])
        environment = self.environment().for_process(name, inherited_environment())
        if name == "maxmind":
            return maxmind_service(self.state, ports["maxmind"])
        if name == "api":
            return api_service(self.state, ports["api"], environment)
        return dagster_service(name, self.state, ports, environment)

    def start(self, services: Collection[str] = ALL_SERVICES, *, with_schema: bool = True) -> list[str]:
        """Start what is missing of the named services; the names of those that were started."""
        self.state.create()
        self.state.secrets()
        wanted = self.wanted(services)
        self._check_dagster_storage(wanted)
        self._settle_ports()
        started: list[str] = []
        for number, stage in enumerate(_STAGES):
            started += self._start_stage([name for name in stage if name in wanted])
            if number == 0 and with_schema:
                self._apply_schema()
            if "maxmind" in stage and with_schema and "api" in wanted:
                self._load_exclusions()
        return started

    def _check_dagster_storage(self, wanted: Collection[str]) -> None:
        """A real PostgreSQL is told to us by the platform's own connection; Dagster's is a role of its own there."""
        missing = [name for name in DAGSTER_STORAGE if name not in inherited_environment()]
        if "postgres" not in self.embedded and missing and not set(wanted).isdisjoint(DAGSTER):
            raise ConfigurationError(
                f"TELEMETRY_POSTGRES__URL names a real server: set {', '.join(missing)} as well, for Dagster's own "
                "database there (`telemetry schema bootstrap` makes it)"
            )

    def _settle_ports(self) -> None:
        """Ports for all parts at once: each service is told the others' addresses."""
        running = [name for name in ALL_SERVICES if self.supervisor.is_running(name)]
        for name in set(ALL_SERVICES) - set(running):
            self.supervisor.clear(name)  # an orphan could still hold the port that is to be kept
        held = [_PORT_OF.get(name, name) for name in running]
        self.ports().settle(("api", "dagster", *STORES, "code-server", "maxmind"), running=held)

    def _start_stage(self, names: list[str]) -> list[str]:
        """Start services side by side, with other ports when a stranger was faster."""
        for left in reversed(range(_PORT_TRIES)):
            try:
                return self.supervisor.ensure([self.service(name) for name in names])
            except ServiceStartError as error:
                port = error.service.port
                if left == 0 or port is None or is_free(port):
                    raise
                self._settle_ports()
        return []

    def _apply_schema(self) -> None:
        """Databases, roles and tables; does nothing where they are there already."""
        begun = time.monotonic()
        self.reporter.working("schema", "applying")
        environment = self.environment()
        if "postgres" in self.embedded:
            schema.bootstrap(environment.postgres_admin_url(), self.state.secrets())
        note = schema.apply(environment.settings())
        schema.ensure_keys(environment.settings())
        self.reporter.done("schema", note, time.monotonic() - begun)

    def _load_exclusions(self) -> None:
        """The first list of excluded networks, where there is none; later ones are the schedules' business."""
        begun = time.monotonic()
        self.reporter.working("exclusions", "loading")
        note = schema.load_exclusions(self.environment().settings())
        self.reporter.done("exclusions", note, time.monotonic() - begun)

    def stop(self) -> list[str]:
        """Stop everything of the profile, PostgreSQL last; the names of what ran."""
        return self.supervisor.stop_all()

    def wipe(self) -> None:
        """Stop everything and forget the profile's data and secrets; its ports stay."""
        self.stop()
        outside.remove(self.state)
        self.state.wipe()

    def remove(self) -> None:
        """Stop everything and leave nothing behind."""
        self.stop()
        outside.remove(self.state)
        self.state.remove()

    def addresses(self) -> dict[str, str]:
        """Where people and programs find the parts; no secrets."""
        ports = self.ports()
        return {
            "API": f"http://127.0.0.1:{ports['api']}",
            "API docs": f"http://127.0.0.1:{ports['api']}/docs",
            "Dagster UI": f"http://127.0.0.1:{ports['dagster']}",
        }


@dataclass(frozen=True)
class PlatformHandle:
    """A running platform, for the demo and tests."""

    platform: Platform
    settings: Settings
    # Not shown: a failing test prints what it holds.
    env: Mapping[str, str] = field(repr=False)
    postgres_admin_url: str = field(repr=False)
    redis_admin_url: str = field(repr=False)

    @property
    def state(self) -> StateFolder:
        """The profile's folder."""
        return self.platform.state

    @property
    def api_url(self) -> str:
        """Where the API answers."""
        return self.platform.addresses()["API"]

    @property
    def dagster_url(self) -> str:
        """Where the Dagster UI answers."""
        return self.platform.addresses()["Dagster UI"]

    def pid(self, name: str) -> int:
        """The number of a service's first process."""
        record = self.platform.supervisor.record(name)
        if record is None:
            raise PermanentError(f"{name} was not started; start it first")
        return record.identity.pid

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Signal a service's first process, as a fault would."""
        record = self.platform.supervisor.record(name)
        if record is not None:
            process.send(record.identity, number)

    def start(self, *names: str) -> list[str]:
        """Start what is missing of the named services."""
        return self.platform.start(names, with_schema=False)

    def stop(self, name: str) -> None:
        """Stop one service."""
        self.platform.supervisor.stop(name)


@contextmanager
def running_platform(  # noqa: PLR0913  # each is a choice of its own that callers name
    profile: Profile,
    *,
    services: Collection[str] = ALL_SERVICES,
    wipe: bool = True,
    with_schema: bool = True,
    remove: bool = False,
    base: Path | None = None,
    given: Settings | None = None,
    extra: Callable[[StateFolder], Mapping[str, Any]] | None = None,
    reporter: Reporter | None = None,
) -> Iterator[PlatformHandle]:
    """Run services of a profile for the length of the block.

    `wipe` forgets what an earlier run left, `remove` leaves nothing behind, `base` is the folder that `.telemetry` lies
    in (the checkout by default; a test's own folder keeps parallel test runs apart). `extra` is called with the fresh
    state folder, may put files there, and returns more settings for all processes, nested as in `Settings`.
    """
    state = StateFolder(base or project_root(), profile)
    platform = Platform(state, given or Settings(), reporter or SilentReporter())
    with state.locked(), leaving_on_signals(), watched(state, remove=remove):
        try:
            platform.wipe() if wipe else platform.stop()
            state.create()
            platform.extra = extra(state) if extra else {}
            platform.start(services, with_schema=with_schema)
            environment = platform.environment()
            yield PlatformHandle(
                platform,
                environment.settings(),
                environment.for_process("test", inherited_environment()) | environment.variables(with_owner=True),
                environment.postgres_admin_url(),
                environment.redis_admin_url(),
            )
        finally:
            with undisturbed():
                platform.remove() if remove else platform.stop()


@contextmanager
def running_stores(  # noqa: PLR0913  # the choices of `running_platform` that concern stores
    profile: Profile = "test",
    *,
    stores: Collection[str] = STORES,
    wipe: bool = True,
    with_schema: bool = True,
    remove: bool = False,
    base: Path | None = None,
) -> Iterator[PlatformHandle]:
    """PostgreSQL, Redis and ClickHouse only: for session-wide test fixtures."""
    with running_platform(
        profile, services=stores, wipe=wipe, with_schema=with_schema, remove=remove, base=base
    ) as handle:
        yield handle
