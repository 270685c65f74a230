"""What a drain works with. Connections are made where they are used: a thread shares none with another."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.stores import postgres, redis
from telemetry_platform.stores.geo import Geo
from telemetry_platform.stores.landing_queue import LandingQueue
from telemetry_platform.stores.warehouse import Warehouse, open_warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection


@dataclass(frozen=True)
class DrainStores:
    """The outside world of one drain. Warehouse and geo may be shared between threads."""

    settings: Settings
    warehouse: Warehouse
    geo: Geo

    def postgres(self) -> Connection:
        """A connection of its own, whose transactions are opened by name."""
        return postgres.connect(self.settings.postgres, application="telemetry-drain", autocommit=True)

    def queue(self) -> LandingQueue:
        """A queue with a client of its own."""
        return LandingQueue(redis.connect(self.settings.redis))


@contextmanager
def open_stores(settings: Settings, *, log_comment: str = "drain") -> Iterator[DrainStores]:
    """The stores of one drain; `log_comment` names the run in ClickHouse's query log."""
    with open_warehouse(settings.clickhouse, log_comment=log_comment) as warehouse:
        yield DrainStores(settings, warehouse, Geo(settings.geo.database))
