"""`telemetry retention run|status|verify`: remove what has expired, look at what has, prove that the proofs are whole.

Invariant: by hand nothing is removed unless it is said; what is removed is never chosen here, only whether and where.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from telemetry_platform.cli.account import somebody
from telemetry_platform.cli.console import out

if TYPE_CHECKING:
    from telemetry_platform.usecases.expire.run import RetentionReport

_COMMENT = "telemetry retention"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="What has expired: look, remove, prove.", no_args_is_help=True)
    group.command()(run)
    group.command()(status)
    group.command()(verify)
    app.add_typer(group, name="retention", rich_help_panel="Privacy")


def run(
    *,
    do_it: Annotated[
        bool, typer.Option("--do-it", help="Remove what has expired. Without it nothing changes: a dry run.")
    ] = False,
    table: Annotated[
        str | None, typer.Option("--table", metavar="NAME", help="Only this table, e.g. privacy.dead_letters.")
    ] = None,
) -> None:
    """Look into every table for what has expired, and remove it when told so. Exit code 1 when some is left after that.

    Each table gets a proof in privacy.retention_runs, a dry run too.
    """
    from telemetry_platform.cli.store_settings import store_settings
    from telemetry_platform.stores import postgres
    from telemetry_platform.usecases.drain.stores import open_stores
    from telemetry_platform.usecases.ensure_keys import load_key_ring
    from telemetry_platform.usecases.expire.run import run_retention
    from telemetry_platform.usecases.own_actions import ActedBy

    settings = store_settings()
    with open_stores(settings, log_comment=_COMMENT) as stores:
        with postgres.connect(settings.postgres, application="telemetry-cli") as connection:
            ring = load_key_ring(connection, settings.keys)
        now = datetime.now(UTC)
        report = run_retention(stores, ring, now=now, dry_run=not do_it, only=table, by=ActedBy(somebody()))
    _show(report)
    report.raise_for_failures()
    if do_it and report.left:
        raise typer.Exit(1)


def status() -> None:
    """Of every table: how long rows are kept, what has expired, the oldest row, and the newest run."""
    from telemetry_platform.cli.store_settings import store_settings
    from telemetry_platform.stores import expiry_proof
    from telemetry_platform.stores.clock import platform_now
    from telemetry_platform.stores.warehouse import open_warehouse
    from telemetry_platform.usecases.expire.looking import look
    from telemetry_platform.usecases.expire.run import retention_connection
    from telemetry_platform.usecases.expire.targets import kept, targets
    from telemetry_platform.usecases.retention_policy import in_force

    settings = store_settings()
    table = Table("table", "kept for", "cut-off (UTC)", box=None, pad_edge=False)
    for title in ("rows", "expired", "held"):
        table.add_column(title, justify="right")
    for title in ("oldest row", "newest run"):
        table.add_column(title)
    with open_warehouse(settings.clickhouse, log_comment=_COMMENT) as warehouse, retention_connection(settings) as conn:
        now, runs = platform_now(conn), expiry_proof.latest(conn)
        for target in targets(in_force(settings)).values():
            seen = look(warehouse, conn, target, now)
            last = runs.get(target.name)
            counts = (f"{seen.rows:,}", f"{seen.expired:,}", f"{seen.held:,}")
            newest = f"{_day(last.ended_at)} {last.status}" if last else "never"
            table.add_row(
                target.name, target.policy.sentence, _day(seen.cut_off), *counts, _day(seen.oldest) or "empty", newest
            )
    out.print(table)
    out.print()
    reasons = Table("kept without a limit of its own", "because", box=None, pad_edge=False)
    for name, why in sorted(kept().items()):
        reasons.add_row(name, why)
    out.print(reasons)


def verify() -> None:
    """Walk the proofs of retention from first to newest. Exit code 1 when one was changed, removed or put in."""
    from telemetry_platform.cli.store_settings import store_settings
    from telemetry_platform.stores import expiry_proof
    from telemetry_platform.usecases.expire.run import retention_connection
    from telemetry_platform.usecases.expire.verify import verify_runs

    with retention_connection(store_settings()) as conn:
        fault, state = verify_runs(conn), expiry_proof.chain_state(conn)
    if fault is not None:
        out.print(f"The chain of retention runs is broken: {fault}.", markup=False)
        raise typer.Exit(1)
    count = state.last_number - state.first_number + 1
    out.print(f"{count:,} proofs are one chain, {state.first_number:,} to {state.last_number:,}.", markup=False)


def _show(report: "RetentionReport") -> None:
    from telemetry_platform.usecases.expire.summary import headline, outcome

    table = Table("table", box=None, pad_edge=False)
    for title in ("rows", "expired", "removed", "partitions", "held", "left"):
        table.add_column(title, justify="right")
    table.add_column("result")
    for one in (*report.recovered, *report.proofs):
        counts = (one.rows_before, one.expired_before, one.rows_dropped, one.partitions_dropped, one.rows_held)
        table.add_row(one.table_name, *(f"{count:,}" for count in (*counts, one.expired_after)), outcome(one))
    out.print(table)
    out.print()
    out.print(headline(report), markup=False)
    if report.dry_run and report.left:
        out.print("Add --do-it to remove them.")


def _day(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d}"
