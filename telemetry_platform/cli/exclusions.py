"""`telemetry exclusions sync|status`: the list of networks that said "do not sell".

Invariant: no network is shown, and no credential is an argument: account and licence key come from the settings.
"""

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from telemetry_platform.cli.console import out
from telemetry_platform.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.exclusions import SyncRow
    from telemetry_platform.stores.postgres import Connection


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help='Networks that said "do not sell": fetch the list, look at its state.', no_args_is_help=True
    )
    group.command()(sync)
    group.command()(status)
    app.add_typer(group, name="exclusions", rich_help_panel="Data")


@contextmanager
def _opened() -> "Iterator[tuple[Settings, Connection]]":
    from telemetry_platform.cli.store_settings import store_settings
    from telemetry_platform.stores import postgres

    found = store_settings()
    with postgres.connect(found.postgres, application="telemetry-cli", autocommit=True) as connection:
        yield found, connection


def sync(
    *,
    full: Annotated[bool, typer.Option("--full", help="All of the list; what is not in it any more is ended.")] = False,
    delta: Annotated[bool, typer.Option("--delta", help="What was published since; ends nothing.")] = False,
    accept_shrink: Annotated[
        bool,
        typer.Option(
            "--accept-shrink",
            help="Take over a list that is empty or shrank by half: it is true. Recorded. With --full.",
        ),
    ] = False,
) -> None:
    """Fetch the list and bring it into force: all of it, unless --delta is given. Exit code 1 when it stays as it was.

    Every API process excludes by the new list within a minute.
    """
    from telemetry_platform.contracts.exclusions import SyncMode
    from telemetry_platform.usecases.sync_exclusions import opened_sync, sync_exclusions

    if full and delta:
        raise ConfigurationError("give one of --full and --delta")
    with _opened() as (found, connection):
        mode = SyncMode.DELTA if delta else SyncMode.FULL
        reports = sync_exclusions(opened_sync(connection, found), mode, accept_shrink=accept_shrink)
    for report in reports:
        out.print(f"{report.mode.value} sync {report.sync_id}: {report.status.value}", markup=False)
    last = reports[-1]
    last.raise_for_failure()
    out.print(f"{last.active:,} networks are excluded: {last.added:,} new, {last.withdrawn:,} withdrawn.")
    _say_remarks(last.warnings or {})


def status() -> None:
    """How old the list is, how much is in force, what went wrong lately. Exit code 1 when it is too old or missing."""
    from telemetry_platform.contracts.exclusions import Age
    from telemetry_platform.usecases.exclusion_status import exclusion_status

    with _opened() as (_, connection):
        found = exclusion_status(connection, datetime.now(UTC))
    age = found.freshness.seconds
    days = "" if age is None else f", {age / 86_400:.1f} days old"
    out.print(f"{found.freshness.state.value}{days}; {found.active:,} networks are excluded.", markup=False)
    for name, row in (("last full sync", found.last_full), ("last delta", found.last_delta)):
        out.print(f"  {name:<16} {_when(row)}", markup=False)
    _say_remarks(found.warnings)
    for row in found.problems:
        code = " ".join(str(part) for part in (row.http_status, row.error_code) if part is not None)
        out.print(f"  failed {_when(row)}: {row.mode.value}, {row.status.value} {code}".rstrip(), markup=False)
    if found.freshness.state in {Age.NEVER_LOADED, Age.STALE}:
        out.print("Next: `telemetry exclusions sync --full`.")
        raise typer.Exit(1)


def _say_remarks(remarks: "Mapping[str, int]") -> None:
    from telemetry_platform.contracts.exclusions import ALARMING

    for name, count in remarks.items():
        refused = " (these exclude nobody: ask MaxMind)" if name in {remark.value for remark in ALARMING} else ""
        out.print(f"  {count:,} entries: {name}{refused}", markup=False)


def _when(row: "SyncRow | None") -> str:
    if row is None:
        return "never"
    moment = row.ended_at or row.began_at
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
