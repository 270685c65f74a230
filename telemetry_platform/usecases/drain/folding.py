"""What is folded from a kind's table after each batch, and what the fold's sessions mean for the batch itself."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.contracts.rollup_registry import of_base
from telemetry_platform.processing.copies import earliest_starts, in_time
from telemetry_platform.stores import ingest_ledger
from telemetry_platform.stores.tenant_keys import tenant_keys
from telemetry_platform.usecases.fold_sessions import SESSIONS_A_STATEMENT, fold_sessions, fold_silent_sessions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    import pyarrow as pa

    from telemetry_platform.contracts.event_kind import EventKind
    from telemetry_platform.usecases.drain.desk import Desk, Work

LATE = timedelta(hours=24)
"""An event that is later than this after its session's start is refused: sessions come to an end."""
_START = "session_start"
_SILENCE = "silence"
"""Stands for a batch where sessions change because nothing came."""


def is_folded(work: Work) -> bool:
    """Whether other tables are derived from this kind's."""
    return bool(work.kind.derived)


def refuse_late(desk: Desk, work: Work, rows: pa.Table) -> tuple[pa.Table, int]:
    """The rows that are in time, and how many were not.

    A session began at the earliest of its starts, stored by other batches or in this very one: a start and what comes a
    day later may be drained together.
    """
    latest = pc.max(rows["occurred_at"]).as_py()
    if latest is None:
        return rows, 0
    stored = desk.stores.warehouse.query(
        "select_session_starts",
        {"batch_id": work.batch.root_id, "before": latest - LATE},
        {"sessions": tenant_keys(rows, "session_id")},
    )
    own = rows.filter(pc.equal(rows["event"], _START))
    kept = rows.filter(in_time(rows, earliest_starts(stored, own), LATE))
    return kept, rows.num_rows - kept.num_rows


def fold(desk: Desk, work: Work, rows: pa.Table) -> dict[str, set[date]]:
    """Fold the sessions that the rows belong to. The days of folded tables that changed, by table."""
    if not is_folded(work):
        return {}
    sessions, stalls = work.kind.derived
    touched = pc.unique(tenant_keys(rows, "session_id")).to_pylist()
    batch = work.batch
    # Before the fold, too: a merge may take the old version, and with it its day, before a killed batch is tried again.
    before = mark_sessions(desk, work.kind, touched, batch.root_id)
    report = fold_sessions(
        desk.stores.warehouse,
        touched,
        batch_id=batch.batch_id if work.first_try else f"{batch.batch_id}:{batch.attempts}",
        now=desk.now(),
        since=pc.min(rows["occurred_at"]).as_py(),
    )
    desk.tally.folded(sessions.name, report.sessions)
    desk.tally.folded(stalls.name, report.stalled)
    # A session that moved to another day changes both.
    after = _days(desk, work.kind, touched)
    return {name: before[name] | after[name] for name in before}


def fold_silent(desk: Desk, kind: EventKind, drained_until: datetime) -> bool:
    """Derive that sessions were abandoned: silent up to where the queue is drained. Whether there may be more."""
    if not kind.derived:
        return False
    desk.held.check(desk.conn)
    report = fold_silent_sessions(
        desk.stores.warehouse,
        drained_until,
        now=desk.now(),
        most=SESSIONS_A_STATEMENT,
        touch=lambda sessions: mark_sessions(desk, kind, sessions, _SILENCE),
    )
    desk.tally.folded(kind.derived[0].name, report.sessions)
    return report.sessions == SESSIONS_A_STATEMENT


def mark_sessions(desk: Desk, kind: EventKind, sessions: Sequence[str], why: str) -> dict[str, set[date]]:
    """Mark the days on which sessions and their stalls stand now, by table; what they are."""
    days = _days(desk, kind, sessions)
    with desk.conn.transaction():
        for table, its_days in days.items():
            ingest_ledger.mark_touched_days(desk.conn, table, its_days, why, now=desk.now())
    return days


def _days(desk: Desk, kind: EventKind, sessions: Sequence[str]) -> dict[str, set[date]]:
    """The days on which sessions and stalls stand, in all versions that are still there."""
    statements = ("select_session_days", "select_stall_days")
    return {
        table.name: _days_by(desk, statement, sessions)
        for table, statement in zip(kind.derived, statements, strict=True)
    }


def stored_days(desk: Desk, work: Work) -> dict[str, set[date]]:
    """The days of the table in which the batch has rows, of any try: one that failed may have stored more than this.

    Nothing for tables that no rollup is counted from.
    """
    table = work.kind.table
    if table.store is not Store.CLICKHOUSE or not of_base(table.name):
        return {}
    scope = {"table": table.name, "time": table.retention.column, "batch_id": work.batch.root_id}
    return {table.name: set(desk.stores.warehouse.query("select_batch_days", scope)["day"].to_pylist())}


def days_of_exercises(desk: Desk, rows: pa.Table) -> set[date]:
    """The days of all frames of these rows' exercise sessions."""
    return _days_by(desk, "select_pose_days", pc.unique(tenant_keys(rows, "session_id")).to_pylist())


def _days_by(desk: Desk, statement: str, sessions: Sequence[str]) -> set[date]:
    return set(desk.stores.warehouse.query(statement, keys={"sessions": sessions})["day"].to_pylist())
