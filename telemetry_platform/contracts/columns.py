"""Columns: how the fields of a payload become the columns of a table, and the columns that many tables share.

A field's annotation carries its treatment and, where the default of its Python type will not do, its ClickHouse type.
The SQL files are written by hand; tests hold them against what this module derives.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel

from telemetry_platform.contracts.pii import (
    Domain,
    Hashed,
    Kept,
    KeptBeside,
    NotStored,
    PathReduced,
    Scrubbed,
    Treatment,
)

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

KEPT = Kept()
_TREATMENTS = (Kept, Hashed, Scrubbed, PathReduced, NotStored)
_DEFAULT_TYPES: dict[type, str] = {
    str: "String",
    bool: "Bool",
    float: "Float64",
    int: "UInt32",
    UUID: "UUID",
    datetime: "DateTime64(3, 'UTC')",
}


@dataclass(frozen=True)
class Stored:
    """Marks a field whose column is not its type's default: another ClickHouse type, a unit, another name."""

    clickhouse: str | None = None
    unit: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class Column:
    """One column of a table at rest.

    `clickhouse` is the base type without Nullable, LowCardinality or codec (those are the SQL file's design);
    PostgreSQL tables use it as the logical type.
    """

    name: str
    clickhouse: str
    description: str
    nullable: bool = False
    unit: str | None = None
    treatment: Treatment = KEPT


def payload_columns(variants: tuple[type[BaseModel], ...]) -> tuple[Column, ...]:
    """Columns that a kind's payload brings, in the order of its fields: nested models (`data`) are flattened.

    A column that only some variants carry is nullable. Raises TypeError when a field carries no treatment or no
    description, or when two variants disagree about a column.
    """
    found: dict[str, Column] = {}
    carried: dict[str, int] = {}
    for model in variants:
        for column in _model_columns(model):
            known = found.setdefault(column.name, column)
            if (known.clickhouse, known.treatment) != (column.clickhouse, column.treatment):
                raise TypeError(f"{model.__name__}: variants disagree about the column {column.name}")
            carried[column.name] = carried.get(column.name, 0) + 1
            found[column.name] = replace(known, nullable=known.nullable or column.nullable)
    return tuple(
        column if carried[name] == len(variants) else replace(column, nullable=True) for name, column in found.items()
    )


def _model_columns(model: type[BaseModel]) -> tuple[Column, ...]:
    """Columns of one variant."""
    columns: list[Column] = []
    for name, info in model.model_fields.items():
        nested = _nested_models(info.annotation)
        if nested:
            columns += payload_columns(nested)
        elif not isinstance(treatment := _treatment(name, info), (NotStored, KeptBeside)):
            columns.append(_column(name, info, treatment))
    return tuple(columns)


def _treatment(name: str, info: FieldInfo) -> Treatment:
    """What happens to one plain field."""
    treatments = [mark for mark in info.metadata if isinstance(mark, _TREATMENTS)]
    if len(treatments) != 1 or not info.description:
        raise TypeError(f"the field {name} needs exactly one treatment (see pii.py) and a description")
    return treatments[0]


def _column(name: str, info: FieldInfo, treatment: Treatment) -> Column:
    """The column of one plain field that is stored."""
    stored = next((mark for mark in info.metadata if isinstance(mark, Stored)), Stored())
    base, nullable = _base_type(info.annotation)
    kind = stored.clickhouse or ("String" if isinstance(treatment, Hashed) else _DEFAULT_TYPES[base])
    return Column(stored.name or name, kind, info.description or "", nullable, stored.unit, treatment)


def _base_type(annotation: Any) -> tuple[type, bool]:  # noqa: ANN401 - annotations have no common type
    """`float | None` is (float, True); a Literal is its values' type."""
    if get_origin(annotation) is Annotated:
        return _base_type(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        members = [member for member in get_args(annotation) if member is not NoneType]
        return _base_type(members[0])[0], len(members) < len(get_args(annotation))
    if get_origin(annotation) is Literal:
        return type(get_args(annotation)[0]), False
    return annotation, False


def _nested_models(annotation: Any) -> tuple[type[BaseModel], ...]:  # noqa: ANN401 - annotations have no common type
    """The models of a field that holds one or, as a union, several; empty for a plain field."""
    if get_origin(annotation) is Annotated:
        return _nested_models(get_args(annotation)[0])
    members = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    return tuple(member for member in members if isinstance(member, type) and issubclass(member, BaseModel))


TIME = "DateTime64(3, 'UTC')"
JSON = "JSON"
"""One JSON object: `jsonb` in PostgreSQL; it travels as text."""

EVENT_ID = Column("event_id", "UUID", "the event's identity within its tenant: given by the client or derived")
OCCURRED_AT = Column("occurred_at", TIME, "client time, corrected by the clock rule; partitions and rollups use it")
CLIENT_AT = Column("client_at", TIME, "the client's own clock as it came; order and durations within a session use it")
RECEIVED_AT = Column("received_at", TIME, "when the API took the event")
INGESTED_AT = Column("ingested_at", TIME, "when the drain stored the row")
SKEWED = Column("skewed", "Bool", "the client's clock was wrong and occurred_at was corrected")
ORG_ID = Column("org_id", "String", "tenant, from the token")
ACTOR_HASH = Column(
    "actor_hash",
    "String",
    "pseudonym of the person, under the key of key_epoch; empty without a person",
    treatment=Hashed(Domain.ACTOR),
)
KEY_EPOCH = Column("key_epoch", "UInt32", "epoch of the key behind actor_hash")
IP_TRUNCATED = Column("ip_truncated", "String", "address cut to /24 (IPv4) or /48 (IPv6)", nullable=True)
COUNTRY_CODE = Column("country_code", "String", "ISO 3166-1 alpha-2, looked up from ip_truncated", nullable=True)
REGION = Column("region", "String", "ISO 3166-2 subdivision, looked up from ip_truncated", nullable=True)
DEVICE_TYPE = Column("device_type", "String", "desktop, mobile, tablet, tv, bot or unknown")
BROWSER_FAMILY = Column("browser_family", "String", "from a closed list, else `other`")
OS_FAMILY = Column("os_family", "String", "from a closed list, else `other`")
IS_BOT = Column("is_bot", "Bool", "the user agent names a crawler or script")
CONSENT_LEVEL = Column("consent_level", "UInt8", "the level that was used for this event (0 to 3)")
BATCH_ID = Column("batch_id", "String", "batch that stored the row; a replay is recognised by it")

OF_ANY_EVENT = (
    EVENT_ID,
    OCCURRED_AT,
    CLIENT_AT,
    RECEIVED_AT,
    INGESTED_AT,
    SKEWED,
    ORG_ID,
)
"""What an event has without a person or a browser behind it: its identity, its times and its tenant."""

COMMON = (
    *OF_ANY_EVENT,
    ACTOR_HASH,
    KEY_EPOCH,
    IP_TRUNCATED,
    COUNTRY_CODE,
    REGION,
    DEVICE_TYPE,
    BROWSER_FAMILY,
    OS_FAMILY,
    IS_BOT,
    CONSENT_LEVEL,
    BATCH_ID,
)
"""What every event table carries, in order; a kind leaves out what it has no use for."""

BESIDE_BODY = frozenset({"event_id", "received_at", "org_id", "actor_hash", "key_epoch", "consent_level"})
"""Columns that travel in fields of the queue entry, so that even an unreadable body can be swept and judged."""

FROM_DRAIN = frozenset({"ingested_at", "country_code", "region", "batch_id"})
"""Columns that the drain adds."""

FROM_STORE = frozenset({"seq", "recorded_at", "details_hash", "prev_hash", "row_hash"})
"""Columns that the store itself fills while it appends a row (the audit trail)."""

CONTENT_OF_COMMON = frozenset({"client_at"})
"""Common columns that are part of what an event says; in the others an honest re-send may differ."""


def content_columns(columns: tuple[Column, ...]) -> tuple[str, ...]:
    """Names of the columns in which two copies of one event must agree; else one event_id was given to two events.

    The tenant is none of them: it is part of the identity, and under another tenant the same id is another event.
    """
    common = {column.name for column in COMMON} - CONTENT_OF_COMMON
    return tuple(column.name for column in columns if column.name not in common)
