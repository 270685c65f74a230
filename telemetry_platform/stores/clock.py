"""The platform's clock, as its databases tell it: the real one, but on a demo that travelled.

Invariant: what decides whether something is expired asks here and nowhere else, so that a demo that travelled is of one
mind; the real moment of an event is never taken from here. A database that was made real tells the real time for ever.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from telemetry_platform import sql_files
from telemetry_platform.errors import PermanentError

if TYPE_CHECKING:
    from datetime import datetime

    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.warehouse import Warehouse

DEMO, REAL = "demo", "real"
_FUNCTION = "telemetry_now"
_MILLISECOND = timedelta(milliseconds=1)


class Installation(NamedTuple):
    """What this database is: its kind, and how far its clock is ahead of the real one."""

    kind: str
    ahead: timedelta


def platform_now(conn: Connection) -> datetime:
    """Now, in UTC. Raises PermanentError where the schema is not there."""
    row = conn.execute("SELECT ops.now()").fetchone()
    if row is None:
        raise PermanentError("the database tells no time: run `telemetry schema apply`")
    moment: datetime = row[0]
    return moment


def installation(conn: Connection) -> Installation:
    """What the database says of itself; a real one where it says nothing."""
    row = conn.execute(
        "SELECT kind, coalesce(travelled_to - travel_began, interval '0') FROM ops.installation"
    ).fetchone()
    return Installation(REAL, timedelta()) if row is None else Installation(*row)


def note_installation(conn: Connection, kind: str, now: datetime) -> None:
    """Say once what the database is; whatever was said before stands."""
    conn.execute(
        "INSERT INTO ops.installation (kind, made_at) VALUES (%s, %s) ON CONFLICT (is_the_only_row) DO NOTHING",
        [kind, now],
    )


def travel(conn: Connection, moment: datetime | None) -> timedelta:
    """Move the clock of a demo to a moment ahead, or back to the real one (None); how far ahead it is now.

    In the caller's transaction. Raises PermanentError on a database that was not made as a demo, and for a moment that
    has passed.
    """
    row = conn.execute("SELECT ops.travel(%s)", [moment]).fetchone()
    if row is None:
        raise PermanentError("the clock did not answer: run `telemetry schema apply`")
    ahead: timedelta = row[0]
    return ahead


def move_warehouse(warehouse: Warehouse, ahead: timedelta) -> tuple[str, ...]:
    """Set ClickHouse's clock, and make the views anew that have it in their text; the names of those views.

    May be repeated: a command that was killed in between leaves some views at the other time until it is.
    """
    if ahead:
        warehouse.execute("move_clock", {"ahead_ms": ahead // _MILLISECOND})
    else:
        warehouse.client.command(_only_statement(sql_files.read(f"clickhouse/functions/{_FUNCTION}.sql")))
    telling = [file for file in sql_files.files("clickhouse/views") if f"{_FUNCTION}()" in file.text]
    for file in telling:
        warehouse.client.command(_only_statement(file.text))
    return tuple(file.name for file in telling)


def _only_statement(text: str) -> str:
    return sql_files.statements(text)[0]
