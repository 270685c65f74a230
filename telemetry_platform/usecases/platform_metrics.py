"""The platform's metrics in Prometheus' text form: what the stores say of drain, trail, retention, rollups and room.

An exporter of its own and not the API's `/metrics`: several API processes would each tell the same, and none of them
should wait for the stores. Invariant: a store that does not answer makes its own figures absent and `store_up` 0, never
a figure that was true some time ago.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily

from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.contracts.platform_metrics import DISK_FREE, METRICS, PREFIX, QUEUE_ENTRIES, QUEUE_SECONDS, UP
from telemetry_platform.contracts.rollup_registry import rollups
from telemetry_platform.errors import ConfigurationError, PlatformError
from telemetry_platform.stores import postgres, redis, standing
from telemetry_platform.stores.landing_queue import backlog
from telemetry_platform.stores.standing import Figure
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform.usecases.drain.run import streams_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from telemetry_platform.settings import Settings

EVERY_SECONDS = 15.0
"""How old figures may be that a scrape gets: more scrapers do not ask the stores more often."""


class PlatformMetrics:
    """Reads when asked and keeps what it read for `EVERY_SECONDS`; one may be asked by several threads."""

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self._settings, self._clock = settings, clock
        self._lock = threading.Lock()
        self._read_at: float | None = None
        self._figures: list[Figure] = []
        if settings.postgres.dashboards_url is None:
            raise ConfigurationError(
                "metrics are read by a role that sees no person: set TELEMETRY_POSTGRES__DASHBOARDS_URL to the "
                "connection of telemetry_dashboards"
            )
        self.registry = CollectorRegistry()
        self.registry.register(self)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Every metric that there is a figure of."""
        found = self._fresh()
        for metric in METRICS.values():
            own = [figure for figure in found if figure.metric == metric.name]
            labels = [metric.label] if metric.label else []
            family = GaugeMetricFamily(PREFIX + metric.name, metric.description, labels=labels)
            for figure in own:
                family.add_metric([figure.label] if metric.label else [], figure.value)
            yield family

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing: the registry would read the stores to learn the names."""
        return iter(())

    def text(self) -> bytes:
        """Everything, for a scrape."""
        return generate_latest(self.registry)

    def _fresh(self) -> list[Figure]:
        with self._lock:
            now = self._clock()
            if self._read_at is None or now - self._read_at >= EVERY_SECONDS:
                self._figures, self._read_at = list(_read(self._settings)), now
            return self._figures


def _read(settings: Settings) -> Iterator[Figure]:
    """Ask each store by itself."""
    for store, ask in _STORES.items():
        try:
            found = ask(settings)
        except PlatformError:
            yield Figure(UP.name, store, 0.0)
            continue
        yield Figure(UP.name, store, 1.0)
        yield from found


def _of_postgres(settings: Settings) -> list[Figure]:
    assert settings.postgres.dashboards_url is not None  # noqa: S101 - narrows the type; the constructor has looked
    url = settings.postgres.dashboards_url.get_secret_value()
    with postgres.connect(url, application="telemetry-metrics", autocommit=True) as conn:
        return standing.figures(conn, {rollup.name: rollup.base for rollup in rollups().values()})


def _of_redis(settings: Settings) -> list[Figure]:
    streams = [stream for store in Store for stream in streams_of(store, settings)]
    with redis.connect(settings.redis, timeout_seconds=redis.TIMEOUT_SECONDS) as client:
        waiting = backlog(client, streams)
    return [
        figure
        for stream, found in waiting.items()
        for figure in (
            Figure(QUEUE_ENTRIES.name, stream, found.entries),
            Figure(QUEUE_SECONDS.name, stream, found.oldest_age_seconds),
        )
    ]


def _of_clickhouse(settings: Settings) -> list[Figure]:
    with open_warehouse(settings.clickhouse, log_comment="telemetry-metrics") as warehouse:
        found = standing.disks(warehouse)
    return [Figure(DISK_FREE.name, disk.name, disk.free / disk.total) for disk in found if disk.total]


_STORES: dict[str, Callable[[Settings], list[Figure]]] = {
    "postgres": _of_postgres,
    "redis": _of_redis,
    "clickhouse": _of_clickhouse,
}
