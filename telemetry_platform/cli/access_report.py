"""`telemetry access-report`: what is held about a person, by table. The user id comes from standard input."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from telemetry_platform.cli.account import somebody
from telemetry_platform.cli.console import out
from telemetry_platform.cli.person import user_id as user_id_of_stdin

if TYPE_CHECKING:
    from telemetry_platform.stores.held_rows import Held
    from telemetry_platform.usecases.report_access import AccessReport


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("access-report", rich_help_panel="Privacy")(access_report)


def access_report(
    *,
    org_id: Annotated[str, typer.Option("--org", metavar="ORG", help="The person's tenant; no other is looked at.")],
    rows: Annotated[bool, typer.Option("--rows", help="Also show the rows as held.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON document.")] = False,
) -> None:
    """What is held about a person (right of access): reads the user id, one line, from standard input.

    The id is matched byte for byte and never belongs on a command line. That the report was made is in the audit trail
    before anything of it is shown.
    """
    from telemetry_platform.cli.store_settings import store_settings
    from telemetry_platform.stores import postgres
    from telemetry_platform.usecases import report_access
    from telemetry_platform.usecases.ensure_keys import load_key_ring
    from telemetry_platform.usecases.own_actions import ActedBy

    settings, user_id, now = store_settings(), user_id_of_stdin(), datetime.now(UTC)
    with postgres.connect(settings.postgres, application="telemetry-cli", autocommit=True) as connection:
        ring = load_key_ring(connection, settings.keys)
        report = report_access.read_access(
            settings,
            ring,
            org_id=org_id,
            user_id=user_id,
            now=now,
            rows=report_access.MOST_ROWS if rows else 0,
            log_comment="telemetry access-report",
        )
        with connection.transaction():
            by = ActedBy(somebody())
            report_access.record_access(connection, ring, report, user_id=user_id, by=by, now=now)
    if as_json:
        sys.stdout.write(orjson.dumps(report.document(), option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        _show(report)


def _show(report: "AccessReport") -> None:
    """For people."""
    out.print(f"Report {report.report_id} of {report.made_at:%Y-%m-%dT%H:%M:%SZ}, tenant {report.org_id}", markup=False)
    with_something = [one for one in report.held if one.count]
    for one in with_something:
        _show_place(one)
    empty = [one.place.table for one in report.held if not one.count]
    if not with_something:
        out.print("\nNothing is held under any key that exists.")
    out.print(f"\nNothing in: {', '.join(dict.fromkeys(empty))}", markup=False)
    for dead in report.out_of_reach:
        until = "now" if dead.active_until is None else f"{dead.active_until:%Y-%m-%d}"
        out.print(
            f"Cannot be attributed: {dead.domain} epoch {dead.epoch}, {dead.active_from:%Y-%m-%d} to {until}: its key "
            "was destroyed.",
            markup=False,
        )
    from telemetry_platform.usecases.report_access import NOTES

    out.print("\n" + "\n".join(NOTES), markup=False)


def _show_place(one: "Held") -> None:
    place = one.place
    out.print(f"\n{place.table} ({one.column}): {one.count:,}", markup=False, soft_wrap=True)
    out.print(f"  {place.description}", markup=False, soft_wrap=True)
    if place.time:
        out.print(f"  {place.time}: {one.first} to {one.last}", markup=False, soft_wrap=True)
    out.print(f"  basis: {place.legal_basis}; kept {place.kept}", markup=False, soft_wrap=True)
    out.print(f"  an erasure: {place.on_erasure}", markup=False, soft_wrap=True)
    for row in one.rows or ():
        told = {name: value for name, value in row.items() if value is not None}
        out.print(f"  {orjson.dumps(told).decode()}", markup=False, soft_wrap=True)
    if one.left_out:
        out.print(f"  ... and {one.left_out:,} more", markup=False)
