"""The analytics worker's part: a batch into its ClickHouse table, exactly once in effect, then the fold.

Invariants: the answer to "is this row new" looks at other batches only, so that it is the same on every try. The
deduplication token is the first lock, not the proof: a server that is killed inside an insert can keep a token
without its rows. Every try therefore compares what the batch has stored with what it should have; the later ones first
end what may still be running.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from telemetry_platform.errors import ContractViolationError
from telemetry_platform.processing import copies
from telemetry_platform.processing.enrich import add_drain_columns
from telemetry_platform.stores.ingest_ledger import Outcome
from telemetry_platform.stores.tenant_keys import tenant_keys
from telemetry_platform.usecases.drain import folding
from telemetry_platform.usecases.drain.closing import close, days_of
from telemetry_platform.usecases.drain.judging import decode_and_judge

if TYPE_CHECKING:
    from datetime import date, datetime

    from telemetry_platform.contracts.event_kind import EventKind
    from telemetry_platform.usecases.drain.desk import Desk, Work

_EARLIER = timedelta(days=8)
"""How long before its re-sent copy an event can have been stored: the week in which it is accepted, and a day."""


@dataclass(frozen=True)
class _Sifted:
    """Rows that are new, and what became of the others."""

    rows: pa.Table
    duplicate: int = 0
    id_conflict: int = 0
    too_late: int = 0


def store(desk: Desk, work: Work) -> None:
    """Store a batch, fold what it touched, end it."""
    table, kind = work.kind.table, work.kind.name
    decoded = decode_and_judge(desk, work)
    desk.checkpoint(f"{kind}.after_decode")
    sifted = _sift(desk, work, decoded.rows)
    rows = add_drain_columns(
        table,
        sifted.rows,
        place_of=desk.stores.geo.place_of,
        now=desk.now(),
        batch_id=work.batch.root_id,
    )
    if rows.num_rows:
        _insert(desk, work, rows)
    desk.checkpoint(f"{kind}.between_tables")
    touched: dict[str, set[date]] = {}
    if rows.num_rows:
        touched[table.name] = days_of(rows, table.retention.column)
        if work.kind.frames is not None:
            touched[table.name] |= folding.days_of_exercises(desk, rows)
        touched |= folding.fold(desk, work, rows)
    if not work.first_try:
        for name, days in folding.stored_days(desk, work).items():
            touched[name] = touched.get(name, set()) | days
    desk.checkpoint(f"{kind}.after_fold")
    outcome = Outcome(
        stored=rows.num_rows,
        duplicate=sifted.duplicate,
        id_conflict=sifted.id_conflict,
        too_late=sifted.too_late,
        erased=decoded.erased,
        dead_lettered=decoded.dead_events,
        letters=len(decoded.dead),
        missing=work.missing,
    )
    close(desk, work, decoded.dead, lambda: outcome, touched)
    _count_drops(desk, rows)


def _sift(desk: Desk, work: Work, rows: pa.Table) -> _Sifted:
    """New rows only: the first copy in this batch of what no other batch has stored, and in time."""
    table = work.kind.table
    if not rows.num_rows:
        return _Sifted(rows)
    again = copies.within_batch(table, rows)
    rows = rows.filter(again.keep)
    session = _always_in_session(work.kind)
    stored = desk.stores.warehouse.known_events(
        table,
        tenant_keys(rows, "event_id"),
        sessions=None if session is None else tenant_keys(rows, session),
        batch_id=work.batch.root_id,
        since=_earliest(rows, table.retention.column) - _EARLIER,
    )
    known = copies.against_stored(table, rows, stored)
    rows = rows.filter(known.keep)
    late = 0
    if folding.is_folded(work):
        rows, late = folding.refuse_late(desk, work, rows)
    return _Sifted(rows, again.duplicate + known.duplicate, again.id_conflict + known.id_conflict, late)


def _always_in_session(kind: EventKind) -> str | None:
    """The column of the session, where every event has one.

    Asked of the contract, not of the batch: where some have none, an event can come again without the session that it
    had, or with one, and whether it is known may not depend on what else is in its batch.
    """
    column = next((column for column in kind.table.columns if column.name == kind.session_field), None)
    return None if column is None or column.nullable else column.name


def _insert(desk: Desk, work: Work, rows: pa.Table) -> None:
    """All rows are in the table when this returns, each once."""
    batch, name, warehouse = work.batch, work.kind.table.name, desk.stores.warehouse
    if not work.first_try:
        # An insert of an earlier try may still be running, and would then be stored after we have looked.
        warehouse.kill(batch.root_id)
    # A half was cut from a batch that may be stored in part under its own token: it adds only what is missing.
    if batch.batch_id == batch.root_id:
        desk.held.check(desk.conn)
        warehouse.insert(name, rows, token=batch.batch_id, query_id=_query_id(work, batch.attempts))
        desk.checkpoint(f"{work.kind.name}.after_clickhouse_insert")
    # An engine may acknowledge an insert that failed while it was written (tried).
    if work.first_try and _stored(desk, work, rows) == rows.num_rows:
        return
    missing = _missing(desk, work, rows)
    if missing.num_rows:
        desk.held.check(desk.conn)
        # A token of this try alone: that of an earlier one may have outlived its rows.
        again = f"{batch.batch_id}:{batch.attempts}"
        warehouse.insert(name, missing, token=again, query_id=f"{_query_id(work, batch.attempts)}:missing")
        desk.checkpoint(f"{work.kind.name}.after_second_insert")
        if _missing(desk, work, rows).num_rows:
            raise ContractViolationError(
                f"{name} acknowledged rows of batch {batch.batch_id} and does not hold them: look for a constraint or "
                "a limit of the server that they violate"
            )


def _stored(desk: Desk, work: Work, rows: pa.Table) -> int:
    """How many rows of the batch the table holds."""
    table = work.kind.table
    scope = {
        "table": table.name,
        "time": table.retention.column,
        "batch_id": work.batch.root_id,
        "since": _earliest(rows, table.retention.column),
    }
    return int(desk.stores.warehouse.query("count_batch_rows", scope)["stored"][0].as_py())


def _query_id(work: Work, attempt: int) -> str:
    return f"{work.batch.batch_id}:{work.kind.table.name}:{attempt}"


def _missing(desk: Desk, work: Work, rows: pa.Table) -> pa.Table:
    """The rows of the batch that the table does not hold."""
    table = work.kind.table
    since = _earliest(rows, table.retention.column)
    stored = desk.stores.warehouse.stored_events(table, work.batch.root_id, since=since)
    known = pc.is_in(tenant_keys(rows, "event_id"), value_set=tenant_keys(stored, "event_id"))
    return rows.filter(pc.invert(known))


def _earliest(rows: pa.Table, column: str) -> datetime:
    earliest: datetime = pc.min(rows[column]).as_py()
    return earliest


def _count_drops(desk: Desk, rows: pa.Table) -> None:
    """Drops by kind, level and reason, where the table says what was dropped and why."""
    if {"kind", "consent_level", "reason"} <= set(rows.schema.names):
        groups = rows.group_by(["kind", "consent_level", "reason"]).aggregate([([], "count_all")])
        for group in groups.to_pylist():
            desk.tally.drops[group["kind"], group["consent_level"], group["reason"]] += group["count_all"]
