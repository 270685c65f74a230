"""The data dictionary's part on the analysts' views, from their contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform.contracts.view_registry import views
from telemetry_platform.docs_generation import markdown

if TYPE_CHECKING:
    from telemetry_platform.contracts.columns import Column
    from telemetry_platform.contracts.view import View

_INTRODUCTION = """\
What analysts read ([analysis.md](analysis.md)): whole UTC days that have ended, each thing once, nothing expired, no
pseudonym of a person or a session. A view with parameters judges and counts its whole period as one group; no column
is NULL but those that say so, and these when fewer than five values are behind them."""


def sections() -> list[str]:
    """The sections, in the order of the registry's files."""
    found = ["## Analysts' views", _INTRODUCTION]
    for view in views().values():
        rows = [_column(column) for column in view.columns]
        table = markdown.table(("column", "type", "NULL", "unit", "meaning"), rows)
        found += [f"### {view.name}", view.description, _facts(view), table]
    return found


def _facts(view: View) -> str:
    asked = f"`{view.name}({', '.join(f'{given.name} = ...' for given in view.parameters)})`"
    groups = "withheld" if view.withholds else "not withheld: they concern no person"
    lines = [
        ("asked as", asked if view.parameters else f"`{view.name}`"),
        ("counted from", f"`{view.source}`"),
        ("a row is identified by", ", ".join(f"`{name}`" for name in ("org_id", *view.keys))),
        ("small groups", groups),
    ]
    return "\n".join(f"- {name}: {text}" for name, text in lines)


def _column(column: Column) -> tuple[str, ...]:
    nullable = "yes" if column.nullable else ""
    return f"`{column.name}`", column.clickhouse, nullable, column.unit or "", column.description
