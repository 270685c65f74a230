"""The truth about persons, in PostgreSQL (`privacy.subjects`): decisions, opt-outs, erasures, holds, by subject hash.

Invariants: a change is made under the row's lock, from the state that was there, so that no order of processes loses a
decision; `changed_at` of a row only grows, whatever the clocks of those processes say, since copies are compared by it.
What changes here must be published (`subject_states`) after the commit: that copy is what requests are judged by.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from telemetry_platform.contracts.consent import ConsentLevel
from telemetry_platform.contracts.subject import SubjectState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from telemetry_platform.stores.postgres import Connection

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COLUMNS = "level, purposes, decided_at, purposes_at, opted_out_at, erased_at, held_at, changed_at"
BEGINNING = _EPOCH
"""Before every change."""


class Recorded(NamedTuple):
    """The state that now counts, and whether this made a difference."""

    state: SubjectState
    changed: bool


class Subject(NamedTuple):
    """One row."""

    org_id: str
    subject_hash: str
    state: SubjectState


def decide(  # noqa: PLR0913, PLR0917 - who, what and when
    conn: Connection,
    org_id: str,
    subject_hash: str,
    level: ConsentLevel,
    purposes: frozenset[str] | None,
    decided_at: int,
    now: datetime,
) -> Recorded:
    """Record a decision, in the caller's transaction; one that is older than the newest changes nothing."""
    return _change(conn, org_id, subject_hash, now, lambda state: state.decided(level, purposes, decided_at))


def opt_out(conn: Connection, org_id: str, subject_hash: str, now: datetime) -> Recorded:
    """Remember a privacy signal, in the caller's transaction; the first one counts."""
    return _change(conn, org_id, subject_hash, now, lambda state: state.signalled(_milliseconds(now)))


def erase(conn: Connection, org_id: str, subject_hash: str, erased_at: datetime) -> SubjectState:
    """Remember that the person was erased, in the caller's transaction: level 1 until they decide anew."""
    change = _change(conn, org_id, subject_hash, erased_at, lambda state: state.erased(_milliseconds(erased_at)))
    return change.state


def hold(conn: Connection, org_id: str, subject_hash: str, held_at: datetime | None, now: datetime) -> SubjectState:
    """Remember since when a hold on the person is in force, or that none is any more, in the caller's transaction."""
    at = None if held_at is None else _milliseconds(held_at)
    return _change(conn, org_id, subject_hash, now, lambda state: state.held(at)).state


def read(conn: Connection, org_id: str, subject_hash: str) -> SubjectState | None:
    """What is known of a person."""
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM privacy.subjects WHERE org_id = %s AND subject_hash = %s",  # noqa: S608 - names of ours
        (org_id, subject_hash),
    ).fetchone()
    return None if row is None else _state(row)


def page(conn: Connection, since: datetime, after: tuple[str, str] = ("", ""), limit: int = 5_000) -> list[Subject]:
    """Persons whose row changed at `since` or later, in the order of (org, hash), behind the last one of a page."""
    rows = conn.execute(
        f"SELECT org_id, subject_hash, {_COLUMNS} FROM privacy.subjects "  # noqa: S608 - names of ours
        "WHERE changed_at >= %s AND (org_id, subject_hash) > (%s, %s) ORDER BY org_id, subject_hash LIMIT %s",
        (since, *after, limit),
    ).fetchall()
    return [Subject(row[0], row[1], _state(row[2:])) for row in rows]


def persons_known(conn: Connection) -> int:
    """How many rows say something of a person by their subject hash: decisions, tombstones, holds."""
    row = conn.execute(
        "SELECT (SELECT count(*) FROM privacy.subjects) + (SELECT count(*) FROM privacy.tombstones) + "
        "(SELECT count(*) FROM privacy.legal_holds)"
    ).fetchone()
    return int(row[0]) if row else 0


def use(conn: Connection, persons: Sequence[tuple[str, str]], now: datetime) -> None:
    """Note that these rows were used today: how long they are kept counts from the last such day."""
    orgs, hashes = [org_id for org_id, _ in persons], [subject_hash for _, subject_hash in persons]
    # In one order, so that two processes that note the same persons cannot lock one another out.
    conn.execute(
        "UPDATE privacy.subjects s SET last_used_on = %(day)s FROM ("
        "SELECT t.org_id, t.subject_hash FROM privacy.subjects t "
        "JOIN unnest(%(orgs)s::text[], %(hashes)s::text[]) AS used (org_id, subject_hash) USING (org_id, subject_hash) "
        "WHERE t.last_used_on < %(day)s ORDER BY 1, 2 FOR UPDATE OF t) due "
        "WHERE s.org_id = due.org_id AND s.subject_hash = due.subject_hash",
        {"day": now.astimezone(UTC).date(), "orgs": orgs, "hashes": hashes},
    )


def _change(
    conn: Connection, org_id: str, subject_hash: str, now: datetime, change: Callable[[SubjectState], SubjectState]
) -> Recorded:
    """Read under lock, change, write; a row that another process inserts meanwhile is read again."""
    while True:
        row = conn.execute(
            f"SELECT {_COLUMNS} FROM privacy.subjects WHERE org_id = %s AND subject_hash = %s FOR UPDATE",  # noqa: S608 - names of ours
            (org_id, subject_hash),
        ).fetchone()
        before = SubjectState() if row is None else _state(row)
        after = change(before)
        if after == before:
            return Recorded(before, changed=False)
        after = replace(after, changed_at=max(_milliseconds(now), before.changed_at + 1))
        if _write(conn, org_id, subject_hash, after, now, insert=row is None):
            return Recorded(after, changed=True)


def _write(  # noqa: PLR0913 - a row
    conn: Connection, org_id: str, subject_hash: str, state: SubjectState, now: datetime, *, insert: bool
) -> bool:
    """Whether it was written: an insert may find that the row is there by now."""
    statement = (
        "INSERT INTO privacy.subjects "
        "(level, purposes, decided_at, purposes_at, opted_out_at, erased_at, held_at, changed_at, last_used_on, "
        "org_id, subject_hash) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
        if insert
        else "UPDATE privacy.subjects SET level = %s, purposes = %s, decided_at = %s, purposes_at = %s, "
        "opted_out_at = %s, erased_at = %s, held_at = %s, changed_at = %s, last_used_on = greatest(last_used_on, %s) "
        "WHERE org_id = %s AND subject_hash = %s"
    )
    purposes = None if state.purposes is None else sorted(state.purposes)
    moments = (
        *(state.decided_at, state.purposes_at, state.opted_out_at, state.erased_at),
        *(state.held_at, state.changed_at),
    )
    level = None if state.level is None else int(state.level)
    today = now.astimezone(UTC).date()
    values = (level, purposes, *map(_moment, moments), today, org_id, subject_hash)
    return bool(conn.execute(statement, values).rowcount)


def _state(row: Sequence[Any]) -> SubjectState:
    level, purposes, decided_at, purposes_at, opted_out_at, erased_at, held_at, changed_at = row
    return SubjectState(
        None if level is None else ConsentLevel(level),
        None if purposes is None else frozenset(purposes),
        _at(decided_at),
        _at(purposes_at),
        _at(opted_out_at),
        _at(erased_at),
        _at(held_at),
        changed_at=_milliseconds(changed_at),
    )


def _at(moment: datetime | None) -> int | None:
    return None if moment is None else _milliseconds(moment)


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else at(milliseconds)


def at(milliseconds: int) -> datetime:
    """A moment, without a detour over floating point, which would make another one of it."""
    return _EPOCH + timedelta(milliseconds=milliseconds)
