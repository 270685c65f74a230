"""What is from before a person's erasure, and a batch without it: the one rule of API, drain and replay.

The rule: what occurred or was received by the moment of the erasure, or belongs to a session that had begun by then, is
dropped; whoever comes back begins sessions of their own, and those are stored. Rows that stay for a duty of their own
(security events) lose the person instead. Invariant: only the batch, the tombstones and the sessions' pins are looked
at; a tombstone that comes while a batch is being stored is no gap, since the sweep waits for batches that are open.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from telemetry_platform.contracts.erasure import SweptBy
from telemetry_platform.contracts.pii import Domain, Hashed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from telemetry_platform.contracts.event_kind import EventKind
    from telemetry_platform.contracts.landing import RawEntries
    from telemetry_platform.processing.batches import DeadEntry, Decoded

    Person = tuple[str, str]
    """Tenant and actor pseudonym: a pseudonym says nothing about the tenant, so that both are always asked for."""
    Session = tuple[str, str]
    """Tenant and session id."""
    Began = Callable[[Collection[Session]], Mapping[Session, int]]

_DIGITS = 15
_PERSON = "actor_hash"
UNLINKED: Mapping[str, Any] = {"actor_hash": "", "key_epoch": 0, "address_hash": None, "address_key_epoch": None}
"""What a row that stays says of the person: nobody. The address's pseudonym goes too: it is the person's address."""


def is_before(erased_at: int, *moments: int | None) -> bool:
    """Whether one of an event's moments (occurred, received, its session's beginning) is not after the erasure."""
    return any(moment is not None and moment <= erased_at for moment in moments)


def holds_actors(kind: EventKind) -> bool:
    """Whether rows of the kind carry the pseudonym that tombstones name: not the audit trail's, and not nobody's."""
    return any(column.name == _PERSON and column.treatment == Hashed(Domain.ACTOR) for column in kind.table.columns)


def without_erased(
    kind: EventKind, entries: RawEntries, decoded: Decoded, tombstones: Mapping[Person, int], began: Began
) -> Decoded:
    """A decoded batch without what is from before somebody's erasure; `erased` counts it.

    `tombstones` hold when each person was erased, in milliseconds; `began` tells when sessions began, and is asked for
    sessions of erased persons only.
    """
    if not tombstones or not holds_actors(kind):
        return decoded
    dead, dropped = spared(entries, decoded.dead, tombstones)
    decoded = replace(decoded, dead=dead, erased=decoded.erased + dropped)
    doomed = _doomed(kind, entries, decoded, tombstones, began)
    if not doomed:
        return decoded
    mask = pa.array([place in doomed for place in range(decoded.rows.num_rows)], pa.bool_())
    if isinstance(kind.table.erasure, SweptBy):
        kept = decoded.keep(pc.invert(mask))
        return replace(kept, erased=decoded.erased + len(doomed))
    return replace(decoded, rows=_unlinked(decoded.rows, mask))


def spared(
    entries: RawEntries, dead: Sequence[DeadEntry], tombstones: Mapping[Person, int]
) -> tuple[tuple[DeadEntry, ...], int]:
    """The dead entries that may become dead letters, and of how many events the others are."""
    kept = tuple(entry for entry in dead if not _is_doomed(entries, entry.position, tombstones))
    return kept, sum(entry.events for entry in dead) - sum(entry.events for entry in kept)


def body_moment(body: bytes) -> int | None:
    """When the first event of a body occurred, as far as it can be read."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    told = found.get("occurred_at") if isinstance(found, dict) else None
    moments = [each for each in (told if isinstance(told, list) else [told]) if type(each) is int]
    return min(moments, default=None)


def _doomed(
    kind: EventKind, entries: RawEntries, decoded: Decoded, tombstones: Mapping[Person, int], began: Began
) -> set[int]:
    """Places of rows that are from before their person's erasure."""
    rows = decoded.rows
    names = pc.binary_join_element_wise(rows[_PERSON], rows["org_id"], "")
    suspects = pc.is_in(names, value_set=pa.array([actor + org for org, actor in tombstones], pa.string()))
    doomed: set[int] = set()
    open_sessions: dict[int, tuple[int, Session]] = {}
    for place in pc.indices_nonzero(suspects).to_pylist():
        org_id = rows["org_id"][place].as_py()
        erased_at = tombstones.get((org_id, rows[_PERSON][place].as_py()))
        if erased_at is None:
            continue
        received = int(entries.columns["received_at"][decoded.positions[place].as_py()])
        if is_before(erased_at, received, rows["occurred_at"][place].cast(pa.int64()).as_py()):
            doomed.add(place)
        elif kind.session_field is not None and (session := rows[kind.session_field][place].as_py()) is not None:
            open_sessions[place] = (erased_at, (org_id, session))
    if open_sessions:
        beginnings = began({session for _, session in open_sessions.values()})
        doomed |= {
            place for place, (erased_at, session) in open_sessions.items() if is_before(erased_at, beginnings[session])
        }
    return doomed


def _is_doomed(entries: RawEntries, position: int, tombstones: Mapping[Person, int]) -> bool:
    """Whether an entry that cannot be read is from before its person's erasure; when it came is all that is sure."""
    fields = entries.columns
    person = tuple(fields[name][position].decode("utf-8", "replace") for name in ("org_id", _PERSON))
    erased_at = tombstones.get((person[0], person[1]))
    if erased_at is None:
        return False
    received = fields["received_at"][position]
    # One that does not say when it came may be as old as any.
    came = int(received) if received.isdigit() and len(received) <= _DIGITS else 0
    return is_before(erased_at, came, body_moment(fields["body"][position]))


def _unlinked(rows: pa.Table, mask: pa.Array) -> pa.Table:
    """The rows, those of the mask without a person."""
    for name, nobody in UNLINKED.items():
        place = rows.schema.get_field_index(name)
        if place >= 0:
            field = rows.schema.field(name)
            column = pc.if_else(mask, pa.scalar(nobody, field.type), rows[name])
            rows = rows.set_column(place, field, column)
    return rows
