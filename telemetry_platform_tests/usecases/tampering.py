"""A trail to verify: rows, checkpoints, and what only a superuser can do to them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from telemetry_platform.usecases.checkpoint_trail import checkpoint
from telemetry_platform.usecases.verify_audit import FULL, Scope, verify
from telemetry_platform_tests.stores.trail import Trail, entry

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.verifications import Verification

ROWS = 100


def fill(trail: Trail, rows: int = ROWS) -> None:
    """Rows in batches of ten, some of them with details."""
    for first in range(0, rows, 10):
        numbers = range(first, min(first + 10, rows))
        trail.append(*(entry(details=json.dumps({"n": n}) if n % 3 == 0 else None) for n in numbers))


def look(platform: Settings, mode: str = FULL, since: datetime | None = None) -> Verification:
    return verify(platform, datetime.now(UTC), Scope(mode, since))


def see(platform: Settings) -> None:
    checkpoint(platform, datetime.now(UTC))


def tamper(trail: Trail, *statements: str) -> None:
    """What only a superuser can do: switch the triggers off, change, switch them on again."""
    with trail.connect("postgres") as admin:
        admin.execute("SET event_triggers = off")
        partitions = [row[0] for row in admin.execute("SELECT name FROM audit.partitions_of('audit.audit_logs')")]
        tables = ["audit.audit_logs", "audit.details", "audit.event_index", *(f"audit.{name}" for name in partitions)]
        for table in tables:
            admin.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())
        for statement in statements:
            admin.execute(statement.encode())
        for table in tables:
            admin.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only".encode())
