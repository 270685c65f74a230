"""What an SQL file says other than its contract, in sentences that tell whoever wrote it what to change."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp

from telemetry_platform.contracts.columns import JSON, TIME

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from telemetry_platform.contracts.columns import Column
    from telemetry_platform.contracts.event_kind import Table

POSTGRES_TYPES = {
    "UUID": "UUID",
    TIME: "TIMESTAMPTZ",
    "String": "TEXT",
    "Bool": "BOOLEAN",
    "UInt64": "BIGINT",
    "UInt32": "INT",
    "UInt16": "INT",
    "UInt8": "INT",
    JSON: "JSONB",
}
"""What PostgreSQL, which knows no unsigned numbers, calls the types of the contracts."""
_AT_LEAST = {
    "non_replicated_deduplication_window": 10_000,
    "replicated_deduplication_window": 10_000,
    "replicated_deduplication_window_seconds": 7 * 86_400,
    "fsync_after_insert": 1,
    "fsync_part_directory": 1,
}

_TTL = re.compile(r"\bTTL (.*?)(?: SETTINGS |$)")
_INTERVAL = re.compile(r"toInterval(Day|Month|Year)\((\d+)\)")


@dataclass(frozen=True)
class Written:
    """A table as a file makes it: types by column, in order, with `Nullable(...)` where NULL may stand; comments."""

    name: str
    types: Mapping[str, str]
    comments: Mapping[str, str]
    comment: str


def commented(column: Column) -> str:
    """A column's comment: its description, with its unit."""
    return f"{column.description} [{column.unit}]" if column.unit else column.description


def differences(table: Table, written: Written, types: Mapping[str, str] | None = None) -> Iterator[str]:
    """Names, order, types, nullability and comments; `types` translates the contract's types."""
    if written.name != table.name:
        yield f"the table is called {written.name}; the contract says {table.name}"
    columns = {column.name: column for column in table.columns}
    for name in columns.keys() - written.types.keys():
        yield f"{name}: the column is missing"
    for name in written.types.keys() - columns.keys():
        yield f"{name}: the contract has no such column"
    if written.types.keys() == columns.keys() and list(written.types) != list(columns):
        yield f"the columns stand in another order; the contract says {', '.join(columns)}"
    for name, column in columns.items():
        if name not in written.types:
            continue
        base = column.clickhouse if types is None else types.get(column.clickhouse, f"no type for {column.clickhouse}")
        expected = f"Nullable({base})" if column.nullable else base
        if written.types[name] != expected:
            yield f"{name}: the type is {written.types[name]}; the contract says {expected}"
        if written.comments.get(name) != commented(column):
            yield f"{name}: the comment is {written.comments.get(name)!r}; the contract says {commented(column)!r}"
    if written.comment != table.description:
        yield f"the table's comment is {written.comment!r}; the contract says {table.description!r}"


def clickhouse_differences(table: Table, text: str) -> list[str]:
    """A file of `sql/clickhouse/tables` against its contract."""
    create = sqlglot.parse_one(text, read="clickhouse")
    assert isinstance(create, exp.Create)
    columns = list(create.this.find_all(exp.ColumnDef))
    described = create.find(exp.SchemaCommentProperty)
    found = Written(
        create.this.this.sql("clickhouse"),
        {column.name: _without_low_cardinality(column.args["kind"]) for column in columns},
        {
            column.name: comment.this.name
            for column in columns
            if (comment := column.find(exp.CommentColumnConstraint)) is not None
        },
        described.this.name if described else "",
    )
    return [*differences(table, found), *_ttl(table, create), *_settings(create), *_versions(table, create)]


def postgres_differences(table: Table, text: str) -> list[str]:
    """A file of `sql/postgres/tables` against its contract. TTLs are none of PostgreSQL's: a job drops partitions."""
    parsed = sqlglot.parse(text, read="postgres")
    create = next(one for one in parsed if isinstance(one, exp.Create) and one.kind == "TABLE")
    comments = [one for one in parsed if isinstance(one, exp.Comment)]
    name = create.this.this.sql("postgres")
    found = Written(
        name,
        {column.name: _postgres_type(column) for column in create.this.find_all(exp.ColumnDef)},
        {one.this.name: one.expression.name for one in comments if one.args["kind"] == "COLUMN"},
        next((one.expression.name for one in comments if one.args["kind"] == "TABLE"), ""),
    )
    return list(differences(table, found, POSTGRES_TYPES))


def plain_ttl(engine: str) -> str:
    """The TTL of an engine's definition. Servers write brackets, or toIntervalYear(2) for INTERVAL 2 YEAR."""
    found = _TTL.search(engine)
    assert found is not None, engine
    plain = _INTERVAL.sub(lambda interval: f"INTERVAL {interval[2]} {interval[1].upper()}", found[1])
    return plain.replace("(", "").replace(")", "")


def _without_low_cardinality(kind: exp.DataType) -> str:
    """The type as it is written, but for LowCardinality, which is the file's own design."""
    bare = kind.expressions[0] if kind.is_type(exp.DataType.Type.LOWCARDINALITY) else kind
    return bare.sql("clickhouse")


def _postgres_type(column: exp.ColumnDef) -> str:
    kind = column.args["kind"].sql("postgres")
    required = any(
        isinstance(constraint.kind, (exp.NotNullColumnConstraint, exp.PrimaryKeyColumnConstraint))
        for constraint in column.constraints
    )
    return kind if required else f"Nullable({kind})"


def _ttl(table: Table, create: exp.Create) -> Iterator[str]:
    found = create.find(exp.MergeTreeTTL)
    written = found.sql("clickhouse").replace("'", "") if found else "missing"
    if written != f"TTL {table.retention.ttl}":
        yield f"the TTL is {written.removeprefix('TTL ')}; the retention and a month are {table.retention.ttl}"


def _settings(create: exp.Create) -> Iterator[str]:
    """A batch's token must outlive the batch; the queue forgets an entry once the insert is acknowledged."""
    found = create.find(exp.SettingsProperty)
    written = {one.this.name: int(one.expression.name) for one in found.expressions} if found else {}
    for name, least in _AT_LEAST.items():
        if written.get(name, 0) < least:
            yield f"the setting {name} is {written.get(name, 'missing')}; it must be {least} or more"


def _versions(table: Table, create: exp.Create) -> Iterator[str]:
    if not table.final:
        return
    if create.find(exp.PartitionedByProperty) is not None:
        yield "rows are versions: in two partitions they never collapse, so there may be no PARTITION BY"
    order = create.find(exp.Order)
    if order is None or not {column.name for column in order.find_all(exp.Column)} >= set(table.key):
        yield f"rows are versions: ORDER BY must hold what identifies a row, {', '.join(table.key)}"
