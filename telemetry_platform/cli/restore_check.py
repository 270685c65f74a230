"""`telemetry restore-check`: what to run after a database was restored from a backup, before anything works on it."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from telemetry_platform.cli.console import out

if TYPE_CHECKING:
    from telemetry_platform.usecases.restore_check import RestoreReport


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("restore-check", rich_help_panel="Privacy")(restore_check)


def restore_check(
    *,
    accept_lost: Annotated[
        bool,
        typer.Option(
            "--accept-lost-erasures",
            help="Go on although PostgreSQL was restored and there are no copies of what was erased since; recorded.",
        ),
    ] = False,
) -> None:
    """Remove again what was erased or expired since the backup was made; until then API and drain do not start.

    Reads who was erased from PostgreSQL and from the folder TELEMETRY_PRIVACY__TOMBSTONE_COPY. Safe to run at any time,
    and again: it waits for a drain that works.
    """
    from telemetry_platform.cli.store_settings import store_settings
    from telemetry_platform.stores import postgres
    from telemetry_platform.usecases import restore_check as check
    from telemetry_platform.usecases.drain.stores import open_stores
    from telemetry_platform.usecases.ensure_keys import load_key_ring

    settings = store_settings()
    with (
        open_stores(settings, log_comment="telemetry restore-check") as stores,
        postgres.connect(settings.postgres, application="telemetry-cli") as connection,
    ):
        ring = load_key_ring(connection, settings.keys)
        connection.rollback()
        report = check.restore_check(
            stores,
            settings,
            ring,
            now=datetime.now(UTC),
            wait_for_lease=settings.drain.lease_seconds + 1,
            accept_lost=accept_lost,
        )
    _show(report, copies=settings.privacy.tombstone_copy is not None)


def _show(report: "RestoreReport", *, copies: bool) -> None:
    out.print(f"{report.persons:,} erased persons, {report.tombstones:,} tombstones in force.", markup=False)
    if report.brought_back:
        out.print(f"{report.brought_back:,} erasures were lost with the database and came back from their copies.")
    out.print(f"{report.erased:,} rows erased again.", markup=False)
    out.print(f"{report.expired:,} rows that had expired removed again.", markup=False)
    if not copies:
        out.print(
            "No folder of copies is set (TELEMETRY_PRIVACY__TOMBSTONE_COPY): an erasure that the restored PostgreSQL "
            "does not know is not found.",
            markup=False,
        )
    out.print("The API and the drain may start.")
