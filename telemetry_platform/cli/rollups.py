"""`telemetry rollups list|rebuild|verify`: which days are behind, rebuild them, compare them with their base.

Invariant: a day that differs from its base is reported and stays as it is; rebuilding is said by name.
"""

from datetime import UTC, datetime, timedelta
from random import SystemRandom
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from telemetry_platform.cli.console import out

if TYPE_CHECKING:
    from datetime import date

    from telemetry_platform.contracts.rollup import Rollup

_COMMENT = "telemetry rollups"
_SAMPLE = 5
_BUDGET = timedelta(hours=6)
_RollupName = Annotated[str | None, typer.Option("--rollup", metavar="NAME", help="Only this one.")]
_Day = Annotated[str | None, typer.Option("--day", metavar="YYYY-MM-DD", help="Only this UTC day.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Figures by hour and day: what is behind, rebuild, compare.", no_args_is_help=True)
    group.command("list")(list_rollups)
    group.command()(rebuild)
    group.command()(verify)
    app.add_typer(group, name="rollups", rich_help_panel="Data")


def list_rollups() -> None:
    """Of every rollup: its base, its days, how many are due, and since when."""
    from telemetry_platform.cli.store_settings import store_settings
    from telemetry_platform.contracts.rollup_registry import rollups
    from telemetry_platform.stores import postgres, rollup_marks
    from telemetry_platform.usecases.rollups.touched import due_days

    table = Table("rollup", "base", box=None, pad_edge=False)
    for title in ("days", "rows", "due"):
        table.add_column(title, justify="right")
    table.add_column("due since (UTC)")
    with postgres.connect(store_settings().postgres, application="telemetry-cli", autocommit=True) as conn:
        for rollup in rollups().values():
            built, due = rollup_marks.built(conn, rollup.name), due_days(conn, rollup)
            since = f"{min(moment for _, _, moment in due).astimezone(UTC):%Y-%m-%d %H:%M}" if due else "-"
            rows = sum(day.rows for day in built.values())
            table.add_row(rollup.name, rollup.base, str(len(built)), str(rows), str(len(due)), since)
    out.print(table)


def rebuild(
    *,
    rollup: _RollupName = None,
    day: _Day = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every day that was ever built or touched, due or not.")
    ] = False,
) -> None:
    """Rebuild the days that are due, or those that are named. A day of which rows have expired is left as it is."""
    from telemetry_platform.cli.store_settings import store_settings
    from telemetry_platform.usecases.drain.stores import open_stores
    from telemetry_platform.usecases.rollups.rebuild import rebuild_day
    from telemetry_platform.usecases.rollups.touched import rebuild_due
    from telemetry_platform.usecases.rollups.verify import days_of

    asked, its_day, now = _asked(rollup), _day(day), datetime.now(UTC)
    with open_stores(store_settings(), log_comment=_COMMENT) as stores:
        if its_day is None and not everything:
            made = rebuild_due(stores, now=now, budget=_BUDGET, only=[one.name for one in asked], run_id=_COMMENT)
        else:
            made = [
                rebuild_day(stores, one, each, run_id=_COMMENT, now=now)
                for one in asked
                for each in (days_of(stores, one) if its_day is None else [its_day])
            ]
    for one in made:
        out.print(f"{one.rollup} {one.day.isoformat()}: {one.rows} rows in {one.seconds:.2f} s")
    out.print(f"{len(made)} days rebuilt")


def verify(
    *,
    rollup: _RollupName = None,
    day: _Day = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every day; without it the newest and some others.")
    ] = False,
) -> None:
    """Compute days anew by other statements and compare. Exit code 1 when one differs."""
    from telemetry_platform.cli.store_settings import store_settings
    from telemetry_platform.usecases.drain.stores import open_stores
    from telemetry_platform.usecases.rollups.verify import days_of, verify_day

    asked, its_day, wrong, compared = _asked(rollup), _day(day), 0, 0
    with open_stores(store_settings(), log_comment=_COMMENT) as stores:
        for one in asked:
            sample = None if everything else _SAMPLE
            days = days_of(stores, one, sample=sample, chance=SystemRandom()) if its_day is None else [its_day]
            for each in days:
                verdict = verify_day(stores, one, each)
                compared += 1
                if not verdict.matches:
                    wrong += 1
                    out.print(f"{one.name} {each.isoformat()} differs from its base: {'; '.join(verdict.differences)}")
    out.print(f"{compared} days compared, {wrong} differ")
    if wrong:
        raise typer.Exit(1)


def _asked(name: str | None) -> "list[Rollup]":
    from telemetry_platform.contracts.rollup_registry import rollups

    if name is None:
        return list(rollups().values())
    if name not in rollups():
        raise typer.BadParameter(f"there is no such rollup; there are {', '.join(rollups())}", param_hint="--rollup")
    return [rollups()[name]]


def _day(text: str | None) -> "date | None":
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise typer.BadParameter("must be a day like 2026-02-17", param_hint="--day") from None
