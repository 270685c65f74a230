"""Reading the audit trail and the security events, page by page, as telemetry_read.

Invariants: a page is one statement and no transaction outlives it, so that the slowest reader neither holds vacuum back
nor a partition that retention is about to drop. A walk is of one state all the same: rows are only ever appended, and a
walk ends at the `until_seq` that it began with. Rows past their retention are not shown, whether or not they were
dropped.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from telemetry_platform import sql_files
from telemetry_platform.errors import PermanentError
from telemetry_platform.stores import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from telemetry_platform.contracts.trail_filters import LogFilter, SecurityFilter
    from telemetry_platform.stores.postgres import Connection

Row = dict[str, Any]
TRAIL, SECURITY = "audit.audit_logs", "security.security_events"
PAGE_SECONDS, EXPORT_SECONDS = 20, 600
"""What one statement may take: somebody waits for a page and can ask in narrower parts; of an export, thousands of rows
may lie between two that are wanted."""
_BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)
_NO_EVENT = UUID(int=0)


@dataclass(frozen=True)
class TrailState:
    """Where the trail ends, and from when on its rows are shown."""

    seq: int
    row_hash: str | None
    visible_from: datetime

    def walk(self, until_seq: int | None) -> Walk:
        """A walk over this state, or over an earlier one that it was begun with."""
        return Walk(self.visible_from, self.seq if until_seq is None else min(until_seq, self.seq))


@dataclass(frozen=True)
class Walk:
    """Which part of the trail a walk is over, whatever is appended meanwhile."""

    visible_from: datetime
    until_seq: int


@dataclass(frozen=True)
class SecurityPlace:
    """A place among the security events; an event's id is its own within its tenant only."""

    recorded_at: datetime = _BEFORE_ALL
    org_id: str = ""
    event_id: UUID = _NO_EVENT


@contextmanager
def reading(url: str) -> Iterator[Connection]:
    """A connection to read with, each statement by itself."""
    connection = open_reading(url)
    try:
        yield connection
    finally:
        connection.close()


def open_reading(url: str, *, seconds: int = PAGE_SECONDS) -> Connection:
    """The same, to be closed by the caller; no statement takes longer than `seconds`."""
    connection = postgres.connect(url, application="telemetry-reading", autocommit=True)
    # A plan that is kept is made for any values, and would look at every row where a filter does not matter.
    connection.prepare_threshold = None
    connection.execute(
        "SELECT set_config('statement_timeout', %s, false), set_config('default_transaction_read_only', 'on', false)",
        (f"{seconds}s",),
    )
    return connection


def trail_state(conn: Connection) -> TrailState:
    """The state of the trail now."""
    head = trail_head(conn)
    return TrailState(head["seq"], head["row_hash"], visible_from(conn, TRAIL))


def trail_head(conn: Connection) -> Row:
    """The newest row's seq, row_hash and recorded_at; seq 0 before the first."""
    found = _rows(conn, "select_trail_head", {})
    if not found:
        raise PermanentError("the audit trail has no end: run `telemetry schema apply`, then `telemetry audit verify`")
    return found[0]


def visible_from(conn: Connection, table: str) -> datetime:
    """From when on rows of one of the two tables are shown. Raises PermanentError where no retention is in force."""
    row = conn.execute(sql_files.read("postgres/queries/select_visible_from.sql").encode(), {"table": table}).fetchone()
    if row is None or row[0] is None:
        raise PermanentError(f"no retention is in force for {table}: run `telemetry schema apply`")
    found: datetime = row[0]
    return found


def verifications(conn: Connection) -> list[Row]:
    """The verifications that say how the trail stands, the oldest first."""
    return _rows(conn, "select_verifications", {})


def log_page(conn: Connection, wanted: LogFilter, walk: Walk, *, after: int, rows: int) -> list[Row]:
    """At most so many rows of a walk behind `after`, in the order of the trail."""
    behind = max(after, (wanted.seq_from or 1) - 1)
    until = walk.until_seq if wanted.seq_to is None else min(walk.until_seq, wanted.seq_to)
    place = _rows(conn, "select_trail_place", {"seq": behind})
    given = {
        **wanted.values(),
        "org_id": wanted.tenants.org_id,
        "persons": None if wanted.persons is None else list(wanted.persons),
        "visible_from": walk.visible_from,
        "behind": behind,
        "behind_recorded_at": place[0]["recorded_at"] if place else _BEFORE_ALL,
        "until_seq": until,
        "rows": rows,
    }
    return _rows(conn, "select_trail_page", given)


def security_page(conn: Connection, wanted: SecurityFilter, *, after: SecurityPlace, rows: int) -> list[Row]:
    """At most so many security events behind `after`, in the order in which they were recorded."""
    given = {
        **wanted.values(),
        "org_id": wanted.tenants.org_id,
        "visible_from": visible_from(conn, SECURITY),
        "behind_recorded_at": after.recorded_at,
        "behind_org_id": after.org_id,
        "behind_event_id": after.event_id,
        "rows": rows,
    }
    return _rows(conn, "select_security_page", given)


def _rows(conn: Connection, query: str, given: Mapping[str, Any]) -> list[Row]:
    cursor = conn.execute(sql_files.read(f"postgres/queries/{query}.sql").encode(), given)
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor]
