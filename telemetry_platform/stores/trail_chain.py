"""The audit trail as verification reads it: rows in their order, streamed; anchors, head, and details that do not fit.

Invariants: the canonical form is spelled by this module with PostgreSQL's own functions, never by a function of the
schema, which whoever changed rows could have changed too; one snapshot for all that is compared; rows are never held.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from telemetry_platform.contracts.audit_chain import ROW_FORM, Anchor, Position
from telemetry_platform.stores import postgres

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from datetime import datetime

    from telemetry_platform.contracts.audit_chain import Spelling
    from telemetry_platform.stores.postgres import Connection

_SPELLED: dict[Spelling, str] = {
    "number": "l.{name}::pg_catalog.text",
    "uuid": "l.{name}::pg_catalog.text",
    "time": "((pg_catalog.extract(epoch FROM l.{name}) * 1000000)::pg_catalog.int8)::pg_catalog.text",
    "text": "l.{name}",
}
_ANCHOR = (
    "partition_name, begins, ends, first_seq, last_seq, rows, prev_hash, last_hash, anchored_at, key_id, signature"
)


class RestingRow(NamedTuple):
    """A row as it rests: its place, its canonical form, and the hashes that stand in it."""

    seq: int
    form: bytes
    prev_hash: str
    row_hash: str


class BadDetails(NamedTuple):
    """Details that do not fit their row."""

    seq: int
    reason: str


@contextmanager
def snapshot(url: str) -> Iterator[Connection]:
    """A connection that sees the trail at one moment for as long as it takes; it may look and nothing else."""
    with postgres.connect(url, application="telemetry-verify") as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.execute("SET LOCAL statement_timeout = 0")
        connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        yield connection


def head(conn: Connection) -> Position:
    """The end of the trail, as the database says it."""
    row = conn.execute("SELECT seq, row_hash FROM audit.head").fetchone()
    return Position(0, "") if row is None else Position(*row)


def first_resting(conn: Connection) -> int | None:
    """The place of the oldest row that has not been dropped."""
    row = conn.execute("SELECT seq FROM audit.audit_logs ORDER BY recorded_at, seq LIMIT 1").fetchone()
    return None if row is None else int(row[0])


def row_at(conn: Connection, seq: int) -> Position | None:
    """The hash that rests in one place."""
    row = conn.execute(
        "SELECT l.seq, l.row_hash FROM audit.event_index i JOIN audit.audit_logs l "
        "ON l.recorded_at = i.recorded_at AND l.seq = i.seq WHERE i.seq = %s",
        (seq,),
    ).fetchone()
    return None if row is None else Position(*row)


def recorded_at(conn: Connection, seq: int) -> datetime | None:
    """When the row of a place was written."""
    row = conn.execute("SELECT recorded_at FROM audit.event_index WHERE seq = %s", (seq,)).fetchone()
    return None if row is None else row[0]


def anchors(conn: Connection) -> list[Anchor]:
    """All anchors, in the order of the trail."""
    rows = conn.execute(f"SELECT {_ANCHOR} FROM audit.anchors ORDER BY first_seq").fetchall()  # noqa: S608 - a constant list
    return [Anchor(*row) for row in rows]


def store_anchor(conn: Connection, anchor: Anchor) -> None:
    """Store an anchor, as telemetry_retention; one of the same partition that is there stays.

    Raises PermanentError for what is no partition, or is not expired.
    """
    conn.execute(
        "SELECT audit.store_anchor(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            anchor.partition_name,
            anchor.first_seq,
            anchor.last_seq,
            anchor.rows,
            anchor.prev_hash,
            anchor.last_hash,
            anchor.anchored_at,
            anchor.key_id,
            anchor.signature,
        ),
    )


def rows_between(
    conn: Connection, begins: datetime | None = None, ends: datetime | None = None
) -> Generator[RestingRow]:
    """All rows that were recorded from one moment on and before another, in the order of the trail."""
    form = ", ".join(
        "pg_catalog.coalesce(pg_catalog.octet_length({0}) || ':' || {0}, '-')".format(
            _SPELLED[spelling].format(name=name)
        ).replace("pg_catalog.coalesce", "coalesce")
        for name, spelling in ROW_FORM
    ).replace("pg_catalog.extract", "extract")
    statement = postgres.SQL(
        "COPY (SELECT l.seq, pg_catalog.concat({form}), l.prev_hash, l.row_hash FROM audit.audit_logs l "
        "WHERE l.recorded_at >= {begins} AND l.recorded_at < {ends} ORDER BY l.recorded_at, l.seq) TO STDOUT"
    ).format(
        form=postgres.SQL(form),
        begins=postgres.Literal("-infinity" if begins is None else begins.isoformat()),
        ends=postgres.Literal("infinity" if ends is None else ends.isoformat()),
    )
    with conn.cursor() as cursor, cursor.copy(statement) as copy:
        for seq, text, prev_hash, row_hash in copy.rows():
            yield RestingRow(int(seq), text.encode(), prev_hash or "", row_hash or "")


def first_bad_details(conn: Connection, from_seq: int, since: datetime | None = None) -> BadDetails | None:
    """The first row from a place on whose details are not those that it was written with.

    A body may be blank where an entry of the trail says that it was redacted. `since` is when the row before that place
    was recorded: partitions that end before it are not looked at. Details that belong to no row, or to one that was
    written without, are bad as well: whoever reads the trail would be shown them.
    """
    extra = conn.execute(
        """
        SELECT d.seq, CASE WHEN l.seq IS NULL THEN 'details of no row' ELSE 'it was written without its details' END
        FROM audit.details d
        LEFT JOIN audit.audit_logs l ON l.seq = d.seq AND l.recorded_at >= %(since)s
        WHERE d.seq >= %(from_seq)s AND l.details_hash IS NULL
        ORDER BY d.seq LIMIT 1
        """,
        {"from_seq": from_seq, "since": since or "-infinity"},
    ).fetchone()
    row = conn.execute(
        """
        SELECT l.seq, CASE
            WHEN d.seq IS NULL THEN 'its details are missing'
            WHEN d.body IS NULL THEN 'its details were blanked and no entry says so'
            ELSE 'its details are not what was written' END
        FROM audit.audit_logs l
        LEFT JOIN audit.details d ON d.seq = l.seq
        WHERE l.details_hash IS NOT NULL AND l.seq >= %(from_seq)s AND l.recorded_at >= %(since)s AND (
            d.seq IS NULL
            OR d.body IS NULL AND NOT EXISTS (
                SELECT FROM audit.audit_logs r JOIN audit.details why ON why.seq = r.seq
                WHERE r.action = 'audit.redacted' AND why.body ->> 'seq' = l.seq::text
            )
            OR d.body IS NOT NULL
                AND encode(sha256(d.nonce || convert_to(d.body::text, 'UTF8')), 'hex') <> l.details_hash
        )
        ORDER BY l.seq LIMIT 1
        """,
        {"from_seq": from_seq, "since": since or "-infinity"},
    ).fetchone()
    return min((BadDetails(*found) for found in (extra, row) if found is not None), default=None)
