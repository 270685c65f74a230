"""Rules about what must fit together: bounds and columns, names and what they name, re-sends and ids."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, get_args, get_origin

from telemetry_platform.contracts import columns as c
from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.contracts.pii import KeptBeside, NotStored
from telemetry_platform.contracts.policy.rule import Fault
from telemetry_platform.contracts.policy.values import posted, tables_of
from telemetry_platform.contracts.types import STACK_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.contracts.event_kind import EventKind, Frames, Table
    from telemetry_platform.contracts.policy.values import Posted

_INTEGER = re.compile(r"(U?)Int(8|16|32|64)")
_UNBOUNDED = 1e300
_DECIMAL_DIGITS = 9
_COMMON = {column.name: column for column in c.COMMON}
_EVERY_EVENT = (c.EVENT_ID, c.RECEIVED_AT, c.INGESTED_AT, c.ORG_ID, c.BATCH_ID)
_OF_PERSONS = (c.OCCURRED_AT, c.ACTOR_HASH, c.KEY_EPOCH, c.CONSENT_LEVEL)


def numbers_fit_their_columns(kind: EventKind) -> Iterator[Fault]:
    """Every number is bounded on both sides, by no more than its column holds; else one event fails its whole batch."""
    for field in posted(kind):
        if field.base is int:
            low, high = _range(field)
            if field.takes(low - 1) or field.takes(high + 1):
                yield Fault(field.where, f"bound it: Field(ge=..., le=...) within {low:,} to {high:,}")
        elif field.base is float and (field.takes(_UNBOUNDED) or field.takes(-_UNBOUNDED)):
            yield Fault(field.where, "bound it on both sides: Field(ge=..., le=...)")
    if kind.frames is not None:
        yield from _axes(kind.frames)


def _range(field: Posted) -> tuple[int, int]:
    """What the column of a whole number holds; a number that is not stored must be exact in JSON."""
    exact = 2**53
    if isinstance(field.treatment, (NotStored, KeptBeside)):
        return -exact, exact
    integer = _INTEGER.fullmatch(field.stored.clickhouse or "UInt32")
    if integer is None:
        return -exact, exact
    bits = int(integer[2])
    return (0, 2**bits - 1) if integer[1] else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _axes(frames: Frames) -> Iterator[Fault]:
    for axis in frames.axes:
        room = 10 ** (_DECIMAL_DIGITS - axis.digits)
        if axis.minimum >= axis.maximum or max(abs(axis.minimum), abs(axis.maximum)) >= room:
            yield Fault(f"{frames.field}.{axis.name}", f"bound it within -{room} and {room}, the lower bound first")


def sizes_are_bounded(kind: EventKind) -> Iterator[Fault]:
    """Texts, lists and objects have a longest: a body's limit alone would let one field fill it."""
    for field in posted(kind):
        if any(field.keeps(letter * (STACK_BYTES + 1)) for letter in ("a", "A", "1", "/")):
            yield Fault(field.where, "bound its length: Text, RawId, Code, or Field(max_length=...)")
        elif field.base in {list, dict} and not _has_longest(field):
            yield Fault(field.where, "bound how many it holds: Field(max_length=...)")


def _has_longest(field: Posted) -> bool:
    schema = field.schema()
    return any("maxItems" in one or "maxProperties" in one for one in (schema, *schema.get("anyOf", ())))


def times_carry_zones(kind: EventKind) -> Iterator[Fault]:
    """A time is RFC 3339 with a zone; without one it would mean whatever the reading machine's zone is."""
    for field in posted(kind):
        if field.base is datetime and (field.takes("2026-02-17T10:00:00") or field.takes(1_771_322_400)):
            yield Fault(field.where, "takes a time without a zone, or a bare number: use the type Timestamp")


def what_is_named_exists(kind: EventKind) -> Iterator[Fault]:
    """Fields, types of event, columns and tables that a contract names are there."""
    for setting, name in _named_fields(kind):
        for model in kind.payload:
            if name not in model.model_fields:
                yield Fault(f"{kind.name}.{setting}", f"{model.__name__} has no field {name}")
    events = set(_events(kind))
    for setting, types in (("consent_of", kind.consent_of), ("told_apart_by", kind.told_apart_by)):
        for event in sorted(types.keys() - events):
            yield Fault(f"{kind.name}.{setting}", f"{event} is no type of event: write {_one_of(events)}")
    for table, setting, name in _named_columns(kind):
        if name not in {column.name for column in table.columns}:
            yield Fault(f"{table.name}.{setting}", f"the table has no column {name}")
    for table in kind.derived:
        if table.derived_from != kind.table.name:
            yield Fault(
                f"{table.name}.derived_from", f'write "{kind.table.name}": it is folded from this kind\'s table'
            )


def _one_of(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "a discriminator first"


def _named_columns(kind: EventKind) -> Iterator[tuple[Table, str, str]]:
    yield from ((kind.table, "told_apart_by", name) for names in kind.told_apart_by.values() for name in names)
    yield from ((table, "key", name) for table in tables_of(kind) for name in table.key)


def _named_fields(kind: EventKind) -> Iterator[tuple[str, str]]:
    behalf, frames = kind.on_behalf, kind.frames
    named = {
        "discriminator": kind.discriminator,
        "session_field": kind.session_field,
        "on_behalf.actor": behalf and behalf.actor,
        "on_behalf.address": behalf and behalf.address,
        "on_behalf.agent": behalf and behalf.agent,
        "on_behalf.org": behalf and behalf.org,
        "frames.field": frames and frames.field,
    }
    return ((setting, name) for setting, name in named.items() if name)


def _events(kind: EventKind) -> Iterator[str]:
    """The values of the discriminator."""
    for model in kind.payload:
        info = model.model_fields.get(kind.discriminator or "")
        if info is not None and get_origin(info.annotation) is Literal:
            yield from get_args(info.annotation)


def variants_are_told_apart(kind: EventKind) -> Iterator[Fault]:
    """Several payloads have a discriminator, a closed list in each, and no value of it stands in two."""
    if len(kind.payload) < 2:  # noqa: PLR2004 - "several"
        return
    if kind.discriminator is None:
        yield Fault(kind.name, "has several payloads: name the field that tells them apart as discriminator")
        return
    seen: set[str] = set()
    for model in kind.payload:
        info = model.model_fields.get(kind.discriminator)
        if info is None or get_origin(info.annotation) is not Literal:
            yield Fault(f"{model.__name__}.{kind.discriminator}", "must be a Literal of the types it is for")
            continue
        for event in get_args(info.annotation):
            if event in seen:
                yield Fault(f"{model.__name__}.{kind.discriminator}", f"{event} is another model's type already")
            seen.add(event)


def resends_are_recognised(kind: EventKind) -> Iterator[Fault]:
    """A service's event has an id of its own, and one that gets its id from its session has a session."""
    for model in kind.payload:
        ids = model.model_fields.get("event_id")
        if kind.on_behalf is not None and (ids is None or not ids.is_required()):
            yield Fault(f"{model.__name__}.event_id", "services send again: require it (ServiceEnvelope)")
        session = model.model_fields.get(kind.session_field or "")
        if kind.derives_ids and (session is None or not session.is_required()):
            yield Fault(model.__name__, "ids are made of the session: require session_field in it")


def freshness_can_be_kept(kind: EventKind) -> Iterator[Fault]:
    """A table is late after a minute at the earliest, which a drain needs, and after a day at the latest."""
    if not timedelta(minutes=1) <= kind.freshness <= timedelta(days=1):
        yield Fault(f"{kind.name}.freshness", "nobody is alarmed in time, or everybody always: a minute to a day")


def tables_carry_the_common_columns(kind: EventKind) -> Iterator[Fault]:
    """What event tables share means the same in each: it is taken from columns.py, and what each needs is there."""
    if kind.store is not Store.CLICKHOUSE:
        return
    for table in tables_of(kind):
        for column in table.columns:
            if column.name in _COMMON and column != _COMMON[column.name]:
                yield Fault(f"{table.name}.{column.name}", f"means the same everywhere: take c.{column.name.upper()}")
    needed = _EVERY_EVENT if kind.consent is None else (*_EVERY_EVENT, *_OF_PERSONS)
    missing = [column.name for column in needed if column not in kind.table.columns]
    if missing:
        yield Fault(
            kind.table.name, f"has no {', '.join(missing)}: add {', '.join(f'c.{name.upper()}' for name in missing)}"
        )
