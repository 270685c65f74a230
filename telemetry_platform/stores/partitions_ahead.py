"""The months ahead of the trail and of the security events: an entry that finds no partition of its month is refused.

Invariant: partitions are made by the database's own functions, which a role may execute that may do nothing else to
the trail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from telemetry_platform.stores.postgres import Connection

TABLES = ("audit.audit_logs", "security.security_events")


def make_ahead(conn: Connection, months: int) -> dict[str, int]:
    """Make what is missing of this month and of so many more; how many were made, by table."""
    row = conn.execute(
        "SELECT audit.ensure_partitions(%s), security.ensure_partitions(%s)", (months, months)
    ).fetchone()
    return dict(zip(TABLES, row or (0, 0), strict=True))


def missing(conn: Connection, now: datetime, months: int) -> list[str]:
    """Of this month and so many more, the ones without a place, as `table year-month`."""
    found = conn.execute(
        "SELECT name || ' ' || to_char(month, 'YYYY-MM') FROM unnest(%(tables)s::text[]) AS name, "
        "generate_series(date_trunc('month', %(now)s::timestamptz, 'UTC') AT TIME ZONE 'UTC', "
        "date_trunc('month', %(now)s::timestamptz, 'UTC') AT TIME ZONE 'UTC' + make_interval(months => %(months)s), "
        "interval '1 month') AS month "
        "WHERE NOT audit.has_partition(name::regclass, month AT TIME ZONE 'UTC') ORDER BY 1",
        {"tables": list(TABLES), "now": now, "months": months},
    ).fetchall()
    return [text for (text,) in found]
