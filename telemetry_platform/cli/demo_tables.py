"""The demo's tables: Dagster's runs, the reconciliation, and two answers worth seeing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from telemetry_platform.cli.console import out
from telemetry_platform.usecases.reconcile import COLUMNS, Line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from telemetry_platform.cli.dagster_runs import DagsterRun
    from telemetry_platform.stores.warehouse import Warehouse
    from telemetry_platform.usecases.reconcile import Reconciliation


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
    """Every number twice; the columns of sessions as one line, unless one of them differs."""
    table = Table("Does it add up?", box=None, pad_edge=False)
    for title in ("expected", "found", ""):
        table.add_column(title, justify="right")
    part = ""
    for line in _shown(result):
        if line.part != part:
            part = line.part
            table.add_row(part)
        counts = (f"{line.expected:,}", f"{line.found:,}", "ok" if line.adds_up else "NO")
        table.add_row(f"  {line.name}", *counts)
    out.print()
    out.print(table)


def _shown(result: Reconciliation) -> list[Line]:
    columns = [line for line in result.lines if line.part == COLUMNS]
    others = [line for line in result.lines if line.part != COLUMNS]
    whole = Line(
        COLUMNS,
        f"values of {len(columns)} columns",
        sum(line.expected for line in columns),
        sum(line.found for line in columns),
    )
    return [*others, whole, *(line for line in columns if not line.adds_up)]


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
