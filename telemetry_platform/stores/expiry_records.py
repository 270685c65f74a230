"""What has expired of the tables that no event lands in (`contracts/records/`), in PostgreSQL: counted, and deleted.

Invariants: a row goes by its record's own column and cut-off, and by nothing that a caller says besides; what a legal
hold keeps is neither expired nor deleted; whoever deletes does so in small transactions, so that nobody waits for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from telemetry_platform.contracts.pii import Domain
from telemetry_platform.stores.postgres import SQL, Composed, Identifier

if TYPE_CHECKING:
    from datetime import date, datetime

    from telemetry_platform.contracts.records import Record
    from telemetry_platform.stores.postgres import Connection

_NEVER = SQL("false")


@dataclass(frozen=True)
class RecordRule:
    """What else there is to say of a record's rows (`t`) than their time.

    `stays`: the condition under which a row stays although its time has passed. `beside`: the table whose rows go with
    it, and the column by which. `whole_days`: its time is a date, and the day itself still counts.
    """

    stays: SQL | None = None
    beside: tuple[str, str] | None = None
    whole_days: bool = False


RULES = {
    "privacy.subjects": RecordRule(whole_days=True),
    # A tombstone is what an erasure finds its person by, and one that is held back has not begun.
    "privacy.tombstones": RecordRule(
        stays=SQL(
            "EXISTS (SELECT FROM privacy.erasures e WHERE e.erasure_id = t.erasure_id AND e.status <> 'certified')"
        )
    ),
    "privacy.erasures": RecordRule(
        stays=SQL(
            "t.status <> 'certified' OR EXISTS (SELECT FROM privacy.tombstones s WHERE s.erasure_id = t.erasure_id)"
        ),
        beside=("privacy.erasures_by_table", "erasure_id"),
    ),
    # A gap that nobody has explained is an open question, however old.
    "audit.intake_gaps": RecordRule(stays=SQL("t.closed_at IS NULL AND t.explained_at IS NULL")),
    # Whatever a stream may still hold is recognised by its batch.
    "ingest.batches": RecordRule(stays=SQL("t.state NOT IN ('acked', 'split')")),
}
_PLAIN = RecordRule()
_HELD = {
    Domain.SUBJECT: SQL(
        "EXISTS (SELECT FROM privacy.legal_holds h WHERE h.released_at IS NULL AND h.org_id = t.org_id "
        "AND h.subject_hash = t.{})"
    ),
    Domain.ACTOR: SQL(
        "EXISTS (SELECT FROM privacy.hold_actors a JOIN privacy.legal_holds h USING (hold_id) "
        "WHERE h.released_at IS NULL AND a.org_id = t.org_id AND a.actor_hash = t.{})"
    ),
}


@dataclass(frozen=True)
class RecordCounts:
    """Rows of a table, those of them that have expired, those that have and are held, and the oldest of each."""

    rows: int
    expired: int
    held: int
    oldest: datetime | None
    oldest_expired: datetime | None


def count(conn: Connection, record: Record, cut_off: datetime) -> RecordCounts:
    """Look at the table as it is."""
    time = _time(record)
    row = conn.execute(
        SQL(
            "SELECT count(*), count(*) FILTER (WHERE {expired} AND NOT ({held})), "
            "count(*) FILTER (WHERE {expired} AND ({held})), min({time})::timestamptz, "
            "(min({time}) FILTER (WHERE {expired} AND NOT ({held})))::timestamptz FROM {table} t"
        ).format(expired=_expired(record), held=_held(record), time=time, table=_table(record.name)),
        {"cut_off": _moment(record, cut_off)},
    ).fetchall()[0]
    return RecordCounts(*row)


def delete(conn: Connection, record: Record, cut_off: datetime, most: int) -> int:
    """Delete up to so many expired rows, the oldest first, in the caller's transaction; how many it were."""
    rule = RULES.get(record.name, _PLAIN)
    beside, of = rule.beside or (None, "ctid")
    doomed = SQL(
        "WITH doomed AS MATERIALIZED (SELECT t.ctid AS place, t.{of} AS id FROM {table} t "
        "WHERE {expired} AND NOT ({held}) ORDER BY {time} LIMIT %(most)s) "
    ).format(
        of=Identifier(of),
        table=_table(record.name),
        expired=_expired(record),
        held=_held(record),
        time=_time(record),
    )
    if beside is not None:
        doomed += SQL(", gone AS (DELETE FROM {beside} b USING doomed d WHERE b.{of} = d.id) ").format(
            beside=_table(beside), of=Identifier(of)
        )
    # Asked again where it is deleted: a row that somebody used meanwhile stays.
    deletion = SQL("DELETE FROM {table} t USING doomed d WHERE t.ctid = d.place AND {expired} AND NOT ({held})").format(
        table=_table(record.name), expired=_expired(record), held=_held(record)
    )
    values: dict[str, Any] = {"cut_off": _moment(record, cut_off), "most": most}
    return conn.execute(doomed + deletion, values).rowcount


def _expired(record: Record) -> Composed:
    rule = RULES.get(record.name, _PLAIN)
    return SQL("({} < %(cut_off)s AND NOT ({}))").format(_time(record), rule.stays or _NEVER)


def _held(record: Record) -> Composed | SQL:
    """Whether one of the persons that a row names is under a legal hold."""
    parts = [_HELD[domain].format(Identifier(column)) for column, domain in record.persons.items() if domain in _HELD]
    return SQL(" OR ").join(parts) if parts else _NEVER


def _time(record: Record) -> Composed:
    if record.retention is None:
        raise TypeError(f"{record.name} has no retention: {record.why_kept}")
    return SQL("t.{}").format(Identifier(record.retention.column))


def _moment(record: Record, cut_off: datetime) -> datetime | date:
    return cut_off.date() if RULES.get(record.name, _PLAIN).whole_days else cut_off


def _table(name: str) -> Identifier:
    return Identifier(*name.split("."))


def oldest_in_partition(conn: Connection, table: str, begins: datetime, ends: datetime) -> datetime | None:
    """When the oldest row of a stretch of the trail was recorded."""
    row = conn.execute(
        SQL("SELECT min(recorded_at) FROM {} WHERE recorded_at >= %s AND recorded_at < %s").format(_table(table)),
        (begins, ends),
    ).fetchone()
    return None if row is None else row[0]
