"""`telemetry intake gaps|explain`: numbered audit and security entries that never arrived, and why they will not."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from telemetry_platform.cli.console import out


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Whether all audit and security entries arrived; docs/intake.md.", no_args_is_help=True)
    group.command()(gaps)
    group.command()(explain)
    app.add_typer(group, name="intake", rich_help_panel="Compliance")


def gaps() -> None:
    """List the gaps that are open and unexplained; exit code 1 when there are any."""
    from telemetry_platform.cli.store_settings import store_settings
    from telemetry_platform.stores import intake, postgres

    with postgres.connect(store_settings().postgres, application="telemetry-cli", autocommit=True) as connection:
        found = intake.open_gaps(connection, datetime.now(UTC), older_than_seconds=0)
    if not found:
        out.print("No number is missing.")
        return
    table = Table("gap", "numbered by", "producer", "of", "first", "last", "missing", "noticed")
    for gap in found:
        numbers = (f"{gap.first:,}", f"{gap.last:,}", f"{gap.numbers:,}")
        noticed = f"{gap.noticed_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(str(gap.gap_id), gap.origin, gap.producer, gap.place, *numbers, noticed)
    out.print(table)
    raise typer.Exit(1)


def explain(
    gap: Annotated[int, typer.Argument(help="The gap's number, as `telemetry intake gaps` shows it.")],
    why: Annotated[str, typer.Option("--why", help="Why its entries will not come; it may name no person.")],
) -> None:
    """Say once why the entries of a gap will not come; recorded in the trail."""
    from telemetry_platform.cli.account import somebody
    from telemetry_platform.cli.store_settings import store_settings
    from telemetry_platform.usecases import intake

    place = intake.explain(store_settings(), gap, why, by=somebody(), now=datetime.now(UTC))
    out.print(f"Gap {gap:,} is explained; row {place:,} of the trail says so.", markup=False)
