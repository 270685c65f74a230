"""Partitions of the trail and of the security events: what they hold, and how one that is expired goes.

Invariant: a partition goes by a definer function of the database alone, which reads the clock, the policy and the holds
itself; what is asked here is its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.contracts.events import audit, security
from telemetry_platform.errors import ContractViolationError

if TYPE_CHECKING:
    from datetime import datetime

    from telemetry_platform.stores.postgres import Connection

TABLES = (audit.LOGS.name, security.EVENTS.name)
"""Tables whose rows go with their partition and in no other way."""

_COUNT = {
    audit.LOGS.name: "SELECT count(*) FROM audit.audit_logs WHERE recorded_at >= %s AND recorded_at < %s",
    security.EVENTS.name: "SELECT count(*) FROM security.security_events WHERE recorded_at >= %s AND recorded_at < %s",
}
_DROP = {
    audit.LOGS.name: "SELECT audit.drop_partition(%s)",
    security.EVENTS.name: "SELECT security.drop_partition(%s)",
}


@dataclass(frozen=True)
class Partition:
    """One partition: its rows were recorded from `begins` on and before `ends`; `rows` is how many there are."""

    table: str
    name: str
    begins: datetime
    ends: datetime
    rows: int


def partitions(conn: Connection, table: str) -> list[Partition]:
    """All partitions of one of `TABLES`, the oldest first. Raises ContractViolationError for another table."""
    if table not in TABLES:
        raise ContractViolationError(f"{table} is not kept in partitions: {', '.join(TABLES)} are")
    found = conn.execute("SELECT name, begins, ends FROM audit.partitions_of(%s::regclass)", (table,)).fetchall()
    return [Partition(table, name, begins, ends, _rows(conn, table, begins, ends)) for name, begins, ends in found]


def drop(conn: Connection, partition: Partition) -> int:
    """Drop it with what stands beside its rows; how many rows it held. In the caller's transaction.

    Raises PermanentError when the database refuses: not expired, a legal hold is in force, or no anchor says what it
    holds; TransientError when others work with the table right now.
    """
    row = conn.execute(_DROP[partition.table], (partition.name,)).fetchone()
    return 0 if row is None else int(row[0])


def _rows(conn: Connection, table: str, begins: datetime, ends: datetime) -> int:
    row = conn.execute(_COUNT[table], (begins, ends)).fetchone()
    return 0 if row is None else int(row[0])
