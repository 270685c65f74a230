"""Telling the first copy of an event from the copies that were sent again, and from another event under the same id.

Invariants: an event's only identity is its `event_id` in its tenant; equal rows under different ids are different
events, and so are rows of two tenants under one id, which clients choose. Which copy is the
first depends on the order of the entries alone, so that a batch that is tried again gets the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from telemetry_platform.contracts.columns import content_columns

if TYPE_CHECKING:
    from datetime import timedelta

    from telemetry_platform.contracts.event_kind import Table


@dataclass(frozen=True)
class Sifted:
    """Which rows to keep, and how many of the others were copies or conflicts."""

    keep: pa.Array
    duplicate: int = 0
    id_conflict: int = 0


def within_batch(table: Table, rows: pa.Table) -> Sifted:
    """Of several rows of one event the first is kept."""
    ids = _identities(rows, "event_id")
    if pc.count_distinct(ids).as_py() == rows.num_rows:
        return Sifted(_all(rows.num_rows))
    first: dict[str, int] = {}
    again: list[int] = []
    originals: list[int] = []
    for position, event_id in enumerate(ids.to_pylist()):
        original = first.setdefault(event_id, position)
        if original != position:
            again.append(position)
            originals.append(original)
    keep = [True] * rows.num_rows
    for position in again:
        keep[position] = False
    conflicts = _differing(table, rows.take(pa.array(again)), rows.take(pa.array(originals)))
    return Sifted(pa.array(keep, pa.bool_()), len(again) - conflicts, conflicts)


def against_stored(table: Table, rows: pa.Table, stored: pa.Table) -> Sifted:
    """Rows whose event another batch has stored are not kept. `stored` has event_id, org_id and the content columns."""
    if stored.num_rows == 0:
        return Sifted(_all(rows.num_rows))
    place = pc.index_in(_identities(rows, "event_id"), value_set=_identities(stored, "event_id"))
    known = pc.is_valid(place)
    conflicts = _differing(table, rows.filter(known), stored.take(place.drop_null()))
    return Sifted(_one(pc.invert(known)), pc.sum(known).as_py() - conflicts if rows.num_rows else 0, conflicts)


def earliest_starts(stored: pa.Table, own: pa.Table) -> pa.Table:
    """When each session began: session_id, org_id and started_at, of the starts that are stored and a batch's own ones.

    `stored` has these columns, `own` are rows that start sessions.
    """
    moment = pa.timestamp("ms", "UTC")
    starts = pa.table(
        {
            name: pa.chunked_array([*stored[name].cast(kind).chunks, *own[source].cast(kind).chunks], kind)
            for name, source, kind in (
                ("session_id", "session_id", pa.string()),
                ("org_id", "org_id", pa.string()),
                ("started_at", "occurred_at", moment),
            )
        }
    )
    earliest = starts.group_by(["session_id", "org_id"]).aggregate([("started_at", "min")])
    return earliest.rename_columns({"started_at_min": "started_at"})


def in_time(rows: pa.Table, starts: pa.Table, limit: timedelta) -> pa.Array:
    """Whether each row is at most `limit` after the start of its session, where `starts` knows it.

    `starts` has session_id, org_id and started_at.
    """
    if starts.num_rows == 0:
        return _all(rows.num_rows)
    place = pc.index_in(_identities(rows, "session_id"), value_set=_identities(starts, "session_id"))
    started = starts["started_at"].combine_chunks().cast(pa.timestamp("ms", "UTC")).take(_one(place))
    last = pc.add(started, pa.scalar(limit, pa.duration("ms")))
    return _one(pc.fill_null(pc.less_equal(rows["occurred_at"], last), True))


def _identities(rows: pa.Table, column: str) -> pa.Array:
    """Each row's id and tenant in one value: ids are all of one length, so that no two pairs look alike."""
    return _one(pc.binary_join_element_wise(rows[column], rows["org_id"], ""))


def _all(count: int) -> pa.Array:
    return pa.repeat(pa.scalar(True), count)


def _one(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _differing(table: Table, rows: pa.Table, others: pa.Table) -> int:
    """How many rows say something else than the row at the same place in `others`."""
    differs: pa.Array | None = None
    for name in content_columns(table.columns):
        mine, theirs = rows[name].combine_chunks(), others[name].combine_chunks().cast(rows.schema.field(name).type)
        both_null = pc.and_(pc.is_null(mine), pc.is_null(theirs))
        same = pc.or_(pc.fill_null(pc.equal(mine, theirs), False), both_null)
        differs = pc.invert(same) if differs is None else pc.or_(differs, pc.invert(same))
    return 0 if differs is None else pc.sum(differs, min_count=0).as_py()
