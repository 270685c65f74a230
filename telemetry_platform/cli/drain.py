"""`telemetry drain`: one run of the drain from the command line, as Dagster would start it."""

import os
import signal
import socket
import threading
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from telemetry_platform.cli.console import out

if TYPE_CHECKING:
    from telemetry_platform.usecases.drain.report import DrainReport


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Data")(drain)


def drain(
    *,
    until_idle: Annotated[
        bool, typer.Option("--until-idle", help="End when the landing queue is empty, not when the budget is spent.")
    ] = False,
    budget: Annotated[
        float | None, typer.Option("--budget", metavar="SECONDS", min=1, help="How long to work at most.")
    ] = None,
) -> None:
    """Move the landing queue into ClickHouse and PostgreSQL. Waits for the lease of a drain that has died.

    On the local platform of `telemetry up`, or with TELEMETRY_CLICKHOUSE__URL, TELEMETRY_POSTGRES__URL and
    TELEMETRY_REDIS__URL with their passwords.
    """
    from telemetry_platform.cli.store_settings import store_settings
    from telemetry_platform.usecases.drain import run
    from telemetry_platform.usecases.drain.stores import open_stores

    settings = store_settings()
    if budget is not None:
        part = settings.drain.model_copy(update={"budget_seconds": budget})
        settings = settings.model_copy(update={"drain": part})
    stop = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    with open_stores(settings, log_comment="telemetry drain") as stores:
        report = run.drain(
            stores,
            settings,
            holder=f"{socket.gethostname()}:{os.getpid()}",
            until_idle=until_idle,
            wait_for_lease=settings.drain.lease_seconds + 1,
            stop=stop,
        )
    _show(report)
    if report.missing:
        raise typer.Exit(1)


def _show(report: "DrainReport") -> None:
    """The report as a table."""
    names = ("stored", "duplicate", "id_conflict", "too_late", "erased", "dead_lettered")
    table = Table("table", *names, box=None, pad_edge=False)
    for name, counts in report.tables.items():
        table.add_row(name, *(f"{getattr(counts, count):,}" for count in names))
    if report.tables:
        out.print(table)
    out.print(
        f"{report.entries:,} entries in {report.batches:,} batches, {report.seconds:.1f} s; "
        f"oldest entry in the queue: {report.oldest_undrained_seconds:.1f} s.",
        markup=False,
    )
    for (kind, level, reason), count in sorted(report.drops.items()):
        out.print(f"  dropped: {count:,} of {kind} at consent {level} ({reason})", markup=False)
    if not report.geo.ok:
        out.print(f"Places: {report.geo.message}.", markup=False)
    if report.missing:
        out.print(
            f"{report.missing:,} entries were gone from the queue: see `missing` in ingest.batches.", markup=False
        )
