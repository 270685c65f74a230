"""The platform as one Dagster resource: settings, and the stores that they lead to.

Invariant: the resource has no configuration. Addresses and secrets come from `settings.load()` in the process that uses
them, so that none appears in run configuration, in the UI or in Dagster's database.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import dagster as dg

from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.settings import Settings, load
from telemetry_platform.stores import postgres, redis
from telemetry_platform.stores.clock import platform_now
from telemetry_platform.stores.tables_at_rest import TablesAtRest, open_tables
from telemetry_platform.usecases.drain.stores import DrainStores, open_stores


class PlatformResource(dg.ConfigurableResource[None]):
    """Settings and stores of this process."""

    @property
    def settings(self) -> Settings:
        """The environment, as it was when this process first asked."""
        return load()

    @contextmanager
    def drain_stores(self, log_comment: str) -> Iterator[DrainStores]:
        """What a drain works with."""
        with open_stores(self.settings, log_comment=log_comment) as stores:
            yield stores

    @contextmanager
    def tables(self, store: Store, log_comment: str) -> Iterator[TablesAtRest]:
        """The tables of a store, to look at."""
        with open_tables(self.settings, store, log_comment=log_comment) as tables:
            yield tables

    @contextmanager
    def queue_client(self, *, timeout_seconds: float) -> Iterator[redis.Redis]:
        """A client that gives up early: sensors and checks must answer within Dagster's deadline."""
        with redis.connect(self.settings.redis, timeout_seconds=timeout_seconds) as client:
            yield client

    @contextmanager
    def ledger(self) -> Iterator[postgres.Connection]:
        """A connection to what ingest keeps about itself."""
        with postgres.connect(self.settings.postgres, application="telemetry-dagster", autocommit=True) as connection:
            yield connection

    def now(self) -> datetime:
        """The platform's clock: what decides whether something is expired asks here, and not the machine.

        The real time, but on a demo that travelled.
        """
        with self.ledger() as connection:
            return platform_now(connection)


def log_comment(*, run_id: str, job: str, asset: str) -> str:
    """What every ClickHouse query of a run carries, so that `system.query_log` leads back to the run."""
    return json.dumps({"run_id": run_id, "job": job, "asset": asset})
