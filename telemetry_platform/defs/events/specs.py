"""An asset for every table, made from its contract: what it holds, whose it is, how long it stays, column by column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from telemetry_platform.contracts.consent import ConsentLevel
from telemetry_platform.contracts.erasure import SweptBy
from telemetry_platform.contracts.pii import Hashed, Kept
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.defs.keys import queue_key, table_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.contracts.columns import Column
    from telemetry_platform.contracts.event_kind import EventKind, Table

DATABASE = "telemetry"


def table_specs() -> tuple[dg.AssetSpec, ...]:
    """Every table that entries land in or that is folded from one; skippable, since a drain reports what got rows."""
    return tuple(_spec(kind, table) for kind, table in kinds_and_tables())


def kinds_and_tables() -> Iterator[tuple[EventKind, Table]]:
    """Each table with the kind whose drain fills it."""
    for kind in kinds().values():
        for table in (kind.table, *kind.derived):
            yield kind, table


def _spec(kind: EventKind, table: Table) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=table_key(table),
        deps=[_upstream(kind, table)],
        description=_description(kind, table),
        metadata={
            "dagster/column_schema": column_schema(table),
            "dagster/table_name": f"{DATABASE}.{table.name}",
            "retention": f"{table.retention.sentence}: {table.retention.why}",
            "erasure": _erasure(table),
            "legal_basis": table.legal_basis.value,
            "identified_by": ", ".join(table.key),
        },
        skippable=True,
        group_name="events" if table.derived_from is None else "folds",
        code_version=str(kind.version),
        owners=[table.owner.value],
        tags={"consent_level": _consent_tag(kind), "kind": kind.name},
        kinds={table.store.value, "table"},
    )


def _upstream(kind: EventKind, table: Table) -> dg.AssetKey:
    """The queue, or the table that this one is folded from."""
    if table.derived_from is None:
        return queue_key(kind)
    return next(table_key(base) for base in (kind.table, *kind.derived) if base.name == table.derived_from)


def _description(kind: EventKind, table: Table) -> str:
    """What a reader of the catalogue needs, in Markdown."""
    reading = (
        f"Rows are versions: read the newest of each `{', '.join(table.key)}`, never count rows."
        if table.final
        else f"One row for each `{', '.join(table.key)}`; rows are never changed."
    )
    origin = f"folded from `{table.derived_from}`" if table.derived_from else f"landed from the `{kind.name}` streams"
    return (
        f"{table.description}\n\n"
        f"- **Origin**: {origin}, exactly once in effect\n"
        f"- **Consent**: {_consent(kind)} ({table.legal_basis.value})\n"
        f"- **Retention**: {table.retention.sentence}; {table.retention.why}\n"
        f"- **Erasure**: {_erasure(table)}\n"
        f"- **Reading**: {reading}\n"
    )


def _consent(kind: EventKind) -> str:
    return "not applicable" if kind.consent is None else f"level {kind.consent.value} or higher"


def _consent_tag(kind: EventKind) -> str:
    """Tags hold no spaces."""
    return "not_applicable" if kind.consent is None else ConsentLevel(kind.consent).name.lower()


def _erasure(table: Table) -> str:
    if isinstance(table.erasure, SweptBy):
        return f"rows of the person are deleted by `{table.erasure.column}`"
    return f"expires only: {table.erasure.why}"


def column_schema(table: Table) -> dg.TableSchema:
    """The columns as the catalogue shows them, with units, treatments and whether they may be NULL."""
    return dg.TableSchema(columns=[_column(column) for column in table.columns])


def _column(column: Column) -> dg.TableColumn:
    unit = f" [{column.unit}]" if column.unit else ""
    treatment = column.treatment
    tags = {} if isinstance(treatment, Kept) else {"treatment": type(treatment).__name__.lower()}
    if isinstance(treatment, Hashed):
        tags["key_domain"] = treatment.domain.value
    return dg.TableColumn(
        name=column.name,
        type=column.clickhouse,
        description=f"{column.description}{unit}",
        constraints=dg.TableColumnConstraints(nullable=column.nullable),
        tags=tags,
    )
