"""How long each table is kept: what the contracts say, and where a setting may say more.

Invariant: what is in force is written down in the database (`audit.policy`), every change of it too, by whoever owns
the schema; the functions that drop partitions believe that and nothing else.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from telemetry_platform.contracts.events import audit
from telemetry_platform.contracts.records import records
from telemetry_platform.contracts.rollup_registry import kept_tables

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from telemetry_platform.contracts.retention import Retention
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection


def in_force(settings: Settings) -> Mapping[str, Retention]:
    """The retention of every table that has one, by its name."""
    found = {table.name: table.retention for table in kept_tables().values()}
    found |= {record.name: record.retention for record in records().values() if record.retention is not None}
    trail = found[audit.LOGS.name]
    return found | {audit.LOGS.name: replace(trail, amount=settings.retention.audit_years)}


def write_policy(conn: Connection, settings: Settings, now: datetime) -> int:
    """Write down what differs from what stands there, as the schema's owner; how many tables that were."""
    changed = other_policies(conn, settings)
    for name, kept in sorted(changed.items()):
        conn.execute(
            "INSERT INTO audit.policy (table_name, amount, unit, counted_from, since, why) "
            "VALUES (%s, %s, %s, %s, %s, %s)",
            (name, kept.amount, kept.unit, kept.column, now, kept.why),
        )
    return len(changed)


def other_policies(conn: Connection, settings: Settings) -> Mapping[str, Retention]:
    """What must be in force and is not what stands in `audit.policy`, by table."""
    rows = conn.execute(
        "SELECT DISTINCT ON (table_name) table_name, amount, unit, counted_from, why FROM audit.policy "
        "ORDER BY table_name, policy_id DESC"
    ).fetchall()
    known = {row[0]: tuple(row[1:]) for row in rows}
    return {
        name: kept
        for name, kept in in_force(settings).items()
        if known.get(name) != (kept.amount, kept.unit, kept.column, kept.why)
    }
