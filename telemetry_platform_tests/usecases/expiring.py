"""Rows of any age in the real tables, and runs of retention over them."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from telemetry_platform.stores import postgres
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform.usecases.drain.stores import open_stores
from telemetry_platform.usecases.ensure_keys import load_key_ring
from telemetry_platform.usecases.expire.run import RetentionReport, retention_connection, run_retention
from telemetry_platform_tests.usecases.erased_person import ORG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.warehouse import Warehouse


def patient(settings: Settings, **limits: Any) -> Settings:  # noqa: ANN401 - fields of the settings
    """The same databases, and a retention that waits for seconds where it waits for minutes."""
    given = {"wait_seconds": 5.0, "stall_seconds": 1.0, "pause_seconds": 0.0, **limits}
    return settings.model_copy(
        update={
            "retention": settings.retention.model_copy(update=given),
            # The lease of a run that was killed ends within a test, too.
            "drain": settings.drain.model_copy(update={"lease_seconds": 2.0, "renew_seconds": 0.5}),
        }
    )


def days_ago(days: float, now: datetime | None = None) -> datetime:
    """A moment so many days back."""
    return (now or datetime.now(UTC)) - timedelta(days=days)


def put(warehouse: Warehouse, table: str, *moments: datetime, **columns: str) -> None:
    """Rows of these times, all of one insert; other columns as given, or their defaults.

    What is older than the table's TTL would go by itself at any moment, so that is stopped first.
    """
    warehouse.client.command("SYSTEM STOP TTL MERGES {table:Identifier}", {"table": table})
    time = "received_at" if table == "consent_drops" else "occurred_at"
    identity = "session_id" if table == "media_sessions" else "event_id"
    named = "".join(f", {name}" for name in columns)
    values = "".join(f", '{value}'" for value in columns.values())
    rows = ", ".join(f"('{uuid4()}', '{ORG}', {moment.timestamp():.3f}{values})" for moment in moments)
    warehouse.client.command(f"INSERT INTO {table} ({identity}, org_id, {time}{named}) VALUES {rows}")  # noqa: S608 - names of ours


def count(warehouse: Warehouse, table: str) -> int:
    """Rows of a table or view."""
    return int(warehouse.client.scalar("SELECT count() FROM {table:Identifier}", {"table": table}))


def run(settings: Settings, *, dry_run: bool = False, only: str | None = None) -> RetentionReport:
    """One run, as the nightly job makes it."""
    with open_stores(settings, log_comment="tests") as stores, postgres.connect(settings.postgres) as conn:
        ring = load_key_ring(conn, settings.keys)
        conn.rollback()
        return run_retention(stores, ring, now=datetime.now(UTC), dry_run=dry_run, only=only)


@contextmanager
def both(settings: Settings) -> Iterator[tuple[Warehouse, Connection]]:
    """Both databases; PostgreSQL as telemetry_retention."""
    with open_warehouse(settings.clickhouse, log_comment="tests") as warehouse, retention_connection(settings) as conn:
        yield warehouse, conn
