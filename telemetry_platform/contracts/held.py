"""Where something of a person rests, told by the contracts: each table with the columns that hold their pseudonyms.

Invariant: derived from the registries alone, which the live databases are compared with: whoever adds a table has it in
the next report, and what legal holds keep of it too.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from telemetry_platform.contracts.erasure import SweptBy
from telemetry_platform.contracts.held_copies import copied, copies
from telemetry_platform.contracts.pii import Domain, Hashed
from telemetry_platform.contracts.records import records
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.contracts.rollup_registry import kept_tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry_platform.contracts.event_kind import Store, Table
    from telemetry_platform.contracts.records import Record

OF_PERSONS = (Domain.ACTOR, Domain.AUDIT_ACTOR, Domain.SUBJECT)
"""Domains whose pseudonyms stand for a person."""


@dataclass(frozen=True)
class Place:
    """One table: `columns` with pseudonyms of persons and their domains, `time` the one that its retention counts by.

    `has_details`: what a row has no column for rests in a table beside it.
    """

    table: str
    store: Store
    description: str
    legal_basis: str
    kept: str
    on_erasure: str
    columns: Mapping[str, Domain] = field(hash=False)
    time: str | None
    has_details: bool = False


def places() -> tuple[Place, ...]:
    """All of them, tables of events first."""
    of_events = [_of_table(table) for table in kept_tables().values()]
    of_held = [_of_copies(table, copied()[name]) for name, table in copies().items()]
    beside = [_of_record(record) for record in records().values()]
    return tuple(place for place in (*of_events, *of_held, *beside) if place.columns)


def _of_table(table: Table) -> Place:
    columns = {
        column.name: column.treatment.domain
        for column in table.columns
        if isinstance(column.treatment, Hashed) and column.treatment.domain in OF_PERSONS
    }
    for kind in kinds().values():
        # A resource that is a person has the pseudonym that they have as an actor.
        if kind.table is table and kind.resource is not None and kind.resource.persons:
            columns[kind.resource.column] = kind.actor_domain
    return Place(
        table.name,
        table.store,
        table.description,
        table.legal_basis.value,
        f"{table.retention.sentence}: {table.retention.why}",
        _answer(table),
        columns,
        table.retention.column,
        has_details=bool(table.beside),
    )


def _of_copies(table: Table, original: Table) -> Place:
    """Copies go with the hold, not with time."""
    kept = f"until the legal hold on the person is released, beyond the {original.retention.sentence}"
    return replace(_of_table(table), kept=kept)


def _of_record(record: Record) -> Place:
    kept = record.why_kept if record.retention is None else f"{record.retention.sentence}: {record.retention.why}"
    return Place(
        record.name,
        record.store,
        record.description,
        record.legal_basis.value,
        kept,
        _answer(record),
        {name: domain for name, domain in record.persons.items() if domain in OF_PERSONS},
        None if record.retention is None else record.retention.column,
    )


def _answer(table: Table | Record) -> str:
    return "erased" if isinstance(table.erasure, SweptBy) else f"stays: {table.erasure.why}"
