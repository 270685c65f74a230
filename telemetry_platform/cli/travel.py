"""`telemetry travel`: move the clock of a demo ahead, and back."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from telemetry_platform.cli.account import somebody
from telemetry_platform.cli.console import out
from telemetry_platform.errors import ConfigurationError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="This machine")(travel)


def travel(
    *,
    to: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="A day or moment ahead (UTC), e.g. 2027-06-30.")
    ] = None,
    back: Annotated[bool, typer.Option("--back", help="Tell the real time again.")] = False,
) -> None:
    """Move a demo's clock ahead, to show six months of retention in a minute.

    Works on a database that was made as a demo (`telemetry demo`), and on no other: real databases refuse it, whoever
    asks. What expired by the new date is hidden at once, and deleted by the next retention run.
    """
    from telemetry_platform.cli.store_settings import store_settings
    from telemetry_platform.stores import postgres
    from telemetry_platform.stores.warehouse import open_warehouse
    from telemetry_platform.usecases import travel as travelling
    from telemetry_platform.usecases.ensure_keys import load_key_ring
    from telemetry_platform.usecases.own_actions import ActedBy

    moment = _moment(to, back=back)
    settings = store_settings("demo")
    with (
        postgres.connect(settings.postgres, application="telemetry-cli", autocommit=True) as connection,
        open_warehouse(settings.clickhouse, log_comment="telemetry travel") as warehouse,
    ):
        ring = load_key_ring(connection, settings.keys)
        by, now = ActedBy(somebody()), datetime.now(UTC)
        gone = travelling.travel(connection, warehouse, ring, moment, now, by=by)
    if not gone.ahead:
        out.print(f"The clock tells the real time again: {gone.now:%Y-%m-%d %H:%M} UTC.", markup=False)
        return
    out.print(f"The clock tells {gone.now:%Y-%m-%d %H:%M} UTC, {gone.ahead.days} days ahead.", markup=False)
    for what in travelling.MOVES:
        out.print(f"  moved:  {what}", markup=False)
    for what in travelling.STAYS:
        out.print(f"  stays:  {what}", markup=False)
    out.print("Back to the real time: telemetry travel --back")


def _moment(to: str | None, *, back: bool) -> datetime | None:
    """Where to; None for back. Raises ConfigurationError for both, neither, and what is no date."""
    if (to is None) is not back:
        raise ConfigurationError("say where to: `--to DATE`, or `--back`")
    if to is None:
        return None
    try:
        found = datetime.fromisoformat(to)
    except ValueError:
        raise ConfigurationError("--to takes a day or a moment as ISO 8601 writes it, e.g. 2027-06-30") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
