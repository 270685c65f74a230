"""docs/data-dictionary.md: every table that holds events, column by column, from the contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform.contracts import registry
from telemetry_platform.contracts.erasure import SweptBy
from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.contracts.pii import Hashed, Kept, NotStored, PathReduced, Scrubbed, Treatment
from telemetry_platform.docs_generation import markdown

if TYPE_CHECKING:
    from telemetry_platform.contracts.event_kind import EventKind, Table

_INTRODUCTION = """\
What rests where, for how long, and why. Nothing in these tables is raw: identifiers are pseudonymised (HMAC-SHA-256
under a key of the named domain), addresses are truncated, and free text is scrubbed before it leaves the API process.
Retention is calendar arithmetic in UTC."""
_STORES = {Store.CLICKHOUSE: "ClickHouse", Store.POSTGRES: "PostgreSQL"}


def render() -> str:
    """The page."""
    sections = [_overview()]
    for kind in registry.kinds().values():
        sections += [f"## Kind `{kind.name}`", _kind(kind)]
        for table in (kind.table, *kind.derived):
            sections += [f"### {table.name}", table.description, _facts(table), _columns(table)]
    return markdown.page("Data dictionary", _INTRODUCTION, sections)


def _overview() -> str:
    rows = [
        (f"[{table.name}](#{_anchor(table.name)})", _STORES[table.store], table.retention.sentence, table.description)
        for table in registry.tables().values()
    ]
    return markdown.table(("table", "store", "retention", "what"), rows)


def _anchor(title: str) -> str:
    """GitHub's anchor of a heading."""
    return title.replace(".", "").lower()


def _kind(kind: EventKind) -> str:
    consent = "not applicable" if kind.consent is None else f"{kind.consent.value} ({kind.consent.name.lower()})"
    posted = f"posted to `{kind.endpoint.path}`" if kind.endpoint else "made by the API itself"
    return f"{kind.description} Version {kind.version}, {posted}; consent level needed: {consent}."


def _facts(table: Table) -> str:
    erasure = (
        f"swept by `{table.erasure.column}`"
        if isinstance(table.erasure, SweptBy)
        else f"expires only: {table.erasure.why}"
    )
    rows = [
        ("owner", table.owner.value),
        ("kept", f"{table.retention.sentence}: {table.retention.why}"),
        ("erasure", erasure),
        ("legal basis", table.legal_basis.value),
        ("a row is identified by", ", ".join(f"`{name}`" for name in table.key)),
    ]
    if table.derived_from:
        rows.append(("derived from", f"`{table.derived_from}`, in the drain"))
    if table.final:
        rows.append(("reading", "rows are versions: the newest of each key counts"))
    return "\n".join(f"- {name}: {text}" for name, text in rows)


def _columns(table: Table) -> str:
    rows = [
        (
            f"`{column.name}`",
            f"{column.clickhouse}{', nullable' if column.nullable else ''}",
            column.unit or "",
            _treatment(column.treatment),
            column.description,
        )
        for column in table.columns
    ]
    return markdown.table(("column", "type", "unit", "treatment", "meaning"), rows)


def _treatment(treatment: Treatment) -> str:
    match treatment:
        case Hashed(domain=domain):
            return f"pseudonymised ({domain.value})"
        case Scrubbed():
            return "scrubbed"
        case PathReduced():
            return "reduced path"
        case Kept() | NotStored():
            return ""
