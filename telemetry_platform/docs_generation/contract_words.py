"""What contracts declare, in the words of whoever reads the data dictionary: an analyst, or a compliance officer."""

from __future__ import annotations

from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from telemetry_platform.contracts.columns import JSON, TIME
from telemetry_platform.contracts.erasure import SweptBy
from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.contracts.pii import ROTATING_DOMAINS, Domain, Hashed, Kept, NotStored, PathReduced, Scrubbed
from telemetry_platform.contracts.policy.values import posted

if TYPE_CHECKING:
    from telemetry_platform.contracts.columns import Column
    from telemetry_platform.contracts.event_kind import EventKind, Table
    from telemetry_platform.contracts.pii import Treatment

STORES = {Store.CLICKHOUSE: "ClickHouse", Store.POSTGRES: "PostgreSQL"}
DOMAINS = {
    Domain.ACTOR: "the person behind an event",
    Domain.AUDIT_ACTOR: "the person behind an entry of the audit trail, never the pseudonym of their events",
    Domain.SUBJECT: "the person of a consent decision, an erasure or a hold; in no event's row",
    Domain.MEDIA: "a medium or an exercise",
    Domain.RESOURCE: "any other thing with an id",
    Domain.ADDRESS: "a full address",
}
_POSTGRES_TYPES = {
    "UUID": "uuid",
    TIME: "timestamptz",
    "String": "text",
    "Bool": "boolean",
    "UInt64": "bigint",
    "UInt32": "integer",
    "UInt16": "integer",
    "UInt8": "integer",
    JSON: "jsonb",
}


def column_type(column: Column, store: Store) -> str:
    """The type as the table's own database calls it."""
    return _POSTGRES_TYPES.get(column.clickhouse, column.clickhouse) if store is Store.POSTGRES else column.clickhouse


def treatment(of: Treatment) -> str:
    """What happened to the value before it came to rest; empty for one that rests as it came."""
    match of:
        case Hashed(domain=domain):
            return f"pseudonymised ({domain.value})"
        case Scrubbed():
            return "scrubbed"
        case PathReduced():
            return "reduced path"
        case Kept() | NotStored():
            return ""


def keys_of(domain: Domain) -> str:
    """How long one key makes a domain's pseudonyms."""
    return "changes: compare within one epoch only" if domain in ROTATING_DOMAINS else "one, so that it joins over time"


def consent(kind: EventKind) -> str:
    """What a person must have agreed to."""
    if kind.consent is None:
        return "not applicable"
    by_level: dict[int, list[str]] = {}
    for event, level in kind.consent_of.items():
        by_level.setdefault(int(level), []).append(f"`{event}`")
    higher = "".join(f"; {level} for {', '.join(events)}" for level, events in sorted(by_level.items()))
    purpose = f", and the purpose `{kind.purpose}` by name" if kind.purpose else ""
    return f"{kind.consent.value} ({kind.consent.name.lower()}){higher}{purpose}"


def erasure(table: Table) -> str:
    """What an erasure request does here."""
    if isinstance(table.erasure, SweptBy):
        return f"swept by `{table.erasure.column}`"
    return f"expires only: {table.erasure.why}"


def closed_values(kind: EventKind) -> dict[str, tuple[str, ...]]:
    """The words of each column that holds no others, whichever type of event brought them."""
    found: dict[str, dict[str, None]] = {}
    free: set[str] = set()
    for field in posted(kind):
        name = field.stored.name or field.name
        literals = _literals(field.info.annotation)
        if literals and all(isinstance(value, str) for value in literals):
            found.setdefault(name, {}).update(dict.fromkeys(literals))
        else:
            free.add(name)
    return {name: tuple(values) for name, values in found.items() if name not in free}


def _literals(annotation: Any) -> tuple[Any, ...]:  # noqa: ANN401 - annotations have no common type
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    if get_origin(annotation) is Annotated:
        return _literals(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return tuple(value for member in get_args(annotation) for value in _literals(member))
    return ()
