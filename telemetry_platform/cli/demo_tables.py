"""The demo's tables: Dagster's runs, the reconciliation, and two answers worth seeing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Column, Table

from telemetry_platform.cli.console import out
from telemetry_platform.usecases.reconcile.expected import Line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from telemetry_platform.cli.dagster_runs import DagsterRun
    from telemetry_platform.stores.warehouse import Warehouse
    from telemetry_platform.usecases.reconcile.expected import Reconciliation


def show_runs(runs: Sequence[DagsterRun]) -> None:
    """The runs that drained the queue."""
    table = Table("Dagster drained the queue", "job", "launched by", "status", box=None, pad_edge=False)
    table.add_column("seconds", justify="right")
    for run in runs:
        seconds = "" if run.seconds is None else f"{run.seconds:.1f}"
        table.add_row(run.run_id[:8], run.job, run.launched_by or "hand", run.status, seconds)
    out.print()
    out.print(table)


def show_reconciliation(result: Reconciliation) -> None:
    """Every number twice, a table a kind; values and pseudonyms as one line each, unless one of them differs."""
    out.print()
    out.print("Does it add up?")
    show_lines(result.lines)
    for kind in result.not_simulated:
        out.print(f"\n{kind}: not simulated, so that nothing is known of it", markup=False)


def show_lines(lines: Sequence[Line]) -> None:
    """Expected and found, a table a part."""
    width = max(len(line.name) for line in _shown(lines))
    for part in dict.fromkeys(line.part for line in lines):
        table = Table(Column(part, min_width=width + 2), box=None, pad_edge=False)
        for title in ("expected", "found"):
            table.add_column(title, justify="right", min_width=9)
        table.add_column("", min_width=2)
        for line in _shown([line for line in lines if line.part == part]):
            counts = (f"{line.expected:,}", f"{line.found:,}", "ok" if line.adds_up else "NO")
            table.add_row(f"  {line.name}", *counts)
        out.print()
        out.print(table)


def _shown(lines: Sequence[Line]) -> list[Line]:
    """Lines of one group as their sum, with those of them that do not add up."""
    found = [line for line in lines if not line.group]
    groups = dict.fromkeys((line.part, line.group) for line in lines if line.group)
    for part, group in groups:
        members = [line for line in lines if (line.part, line.group) == (part, group)]
        expected, right = sum(line.expected for line in members), sum(line.found for line in members)
        columns = "1 column" if len(members) == 1 else f"{len(members)} columns"
        found.append(Line(part, f"{group} ({columns})", expected, right))
        found += [line for line in members if not line.adds_up]
    return found


def show_answers(warehouse: Warehouse) -> None:
    """Who waits, and where: by country and by device."""
    for query, title in (
        ("select_startup_by_country", "Video by country"),
        ("select_startup_by_device", "and by device"),
    ):
        found = warehouse.query(query)
        table = Table(title, box=None, pad_edge=False)
        for name in ("sessions", "TTFB ms", "p95", "stalls", "stalled", "completed", "failed"):
            table.add_column(name, justify="right")
        for row in found.to_pylist():
            group, sessions, ttfb, p95, stalls, stalled, completed, failed = row.values()
            table.add_row(
                group or "unknown",
                f"{sessions:,}",
                _number(ttfb),
                _number(p95),
                f"{stalls:.2f}",
                *(f"{100 * (share or 0):.1f} %" for share in (stalled, completed, failed)),
            )
        out.print()
        out.print(table)
    out.print()


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"
