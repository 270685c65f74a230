"""What both databases hold of one person, table by table.

Invariants: the tenant stands in every statement, here and nowhere else, and the time from which on rows are shown;
pseudonyms travel beside a statement and never
in its text, which logs keep; what is read is copied out as it lies there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from telemetry_platform import sql_files
from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.errors import ContractViolationError
from telemetry_platform.stores.postgres import SQL, Identifier

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from telemetry_platform.contracts.held import Place
    from telemetry_platform.contracts.pii import Domain
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.warehouse import Warehouse

    Row = dict[str, Any]

_PSEUDONYM = re.compile(r"[0-9a-f]{64}", re.ASCII)
_UUID_BYTES = 16
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Pseudonyms:
    """One person of one tenant, under every key that exists."""

    org_id: str
    by_domain: Mapping[Domain, Sequence[str]] = field(repr=False, hash=False)

    def of(self, domain: Domain) -> list[str]:
        """In one domain. Raises ContractViolationError for what is none: it would find everybody or nobody."""
        found = list(self.by_domain.get(domain, ()))
        if not all(_PSEUDONYM.fullmatch(one) for one in found):
            raise ContractViolationError("a pseudonym is 64 hex digits: nothing else may be looked for")
        return found


@dataclass(frozen=True)
class Held:
    """What one column of a table holds of them; times as text; `rows` None where they were not asked for."""

    place: Place
    column: str
    count: int
    first: str | None
    last: str | None
    rows: tuple[Row, ...] | None = field(default=None, hash=False, repr=False)

    @property
    def left_out(self) -> int:
        """Rows that are held and not shown."""
        return 0 if self.rows is None else self.count - len(self.rows)


def in_place(  # noqa: PLR0913 - where, whose, how much and from when on
    warehouse: Warehouse,
    conn: Connection,
    place: Place,
    person: Pseudonyms,
    *,
    rows: int,
    since: datetime | None = None,
) -> list[Held]:
    """What is held there, by each of the table's columns that name persons, with at most so many rows of each.

    Rows from before `since` have expired and are not shown; None shows all.
    """
    look = _in_warehouse if place.store is Store.CLICKHOUSE else _in_postgres
    source: Any = warehouse if place.store is Store.CLICKHOUSE else conn
    return [look(source, place, column, person, rows, since or _BEGINNING) for column in place.columns]


def _in_warehouse(  # noqa: PLR0913, PLR0917 - where, whose, how much and from when on
    warehouse: Warehouse, place: Place, column: str, person: Pseudonyms, limit: int, since: datetime
) -> Held:
    time = place.time or column
    rows_of = "visible_person_rows" if place.time else "person_rows"
    parameters = {"table": place.table, "column": column, "time": time, "org_id": person.org_id, "since": since}
    keys = {"persons": "".join(f"{one}\n" for one in person.of(place.columns[column]))}
    counted = warehouse.client.query_arrow(_statement(f"count_{rows_of}"), parameters, None, keys).to_pylist()[0]
    rows: tuple[Row, ...] | None = None
    if limit:
        found = warehouse.client.query_arrow(
            _statement(f"select_{rows_of}"), {**parameters, "limit": limit}, None, keys
        )
        rows = tuple(_plain(row) for row in found.to_pylist())
    first, last = (counted["first"], counted["last"]) if place.time else (None, None)
    return Held(place, column, int(counted["found"]), first, last, rows)


def _statement(name: str) -> str:
    return sql_files.statements(sql_files.read(f"clickhouse/queries/{name}.sql"))[0]


def _in_postgres(  # noqa: PLR0913, PLR0917 - as above
    conn: Connection, place: Place, column: str, person: Pseudonyms, limit: int, since: datetime
) -> Held:
    table, time = Identifier(*place.table.split(".")), Identifier(place.time or column)
    values: tuple[Any, ...] = (person.org_id, person.of(place.columns[column]))
    where = SQL("FROM {} WHERE org_id = %s AND {} = ANY(%s)").format(table, Identifier(column))
    if place.time:
        # What has no time yet is in force: an exclusion that is listed, a hold that is not released.
        where += SQL(" AND ({0} IS NULL OR {0}::timestamptz >= %s)").format(time)
        values += (since,)
    counted = conn.execute(SQL("SELECT count(*), min({0}), max({0}) ").format(time) + where, values).fetchone()
    count, *moments = counted or (0, None, None)
    first, last = (_value(moment) for moment in moments) if place.time else (None, None)
    rows: tuple[Row, ...] | None = None
    if limit:
        # A row as one JSON object: the names come with it.
        statement = SQL("SELECT to_jsonb(held) FROM (SELECT * {} ORDER BY {} LIMIT %s) held").format(where, time)
        rows = tuple(row[0] for row in conn.execute(statement, (*values, limit)).fetchall())
        if place.has_details:
            rows = _with_details(conn, rows)
    return Held(place, column, int(count), first, last, rows)


def _with_details(conn: Connection, rows: Sequence[Row]) -> tuple[Row, ...]:
    """Rows of the trail with what rests beside them."""
    found = conn.execute(
        "SELECT seq, details FROM audit.details_in_time WHERE seq = ANY(%s)", ([row["seq"] for row in rows],)
    ).fetchall()
    details = dict(found)
    return tuple({**row, "details": details.get(row["seq"])} for row in rows)


def _plain(row: Row) -> Row:
    return {name: _value(value) for name, value in row.items()}


def _value(value: Any) -> Any:  # noqa: ANN401 - the columns of a table have no common type
    """As JSON can say it."""
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, bytes):
        return str(UUID(bytes=value)) if len(value) == _UUID_BYTES else value.hex()
    if isinstance(value, (UUID, Decimal)):
        return str(value)
    return value
