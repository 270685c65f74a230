"""`telemetry schema bootstrap|apply|status`: databases, roles and tables of real servers.

A local platform needs none of this: `telemetry up` does the same by itself.
"""

import os
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.table import Table

from telemetry_platform.cli.console import out
from telemetry_platform.errors import ConfigurationError

_PASSWORD_BYTES = 32


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Set up and update databases, roles and tables of real servers.", no_args_is_help=True)
    group.command()(bootstrap)
    group.command()(apply)
    group.command()(status)
    app.add_typer(group, name="schema", rich_help_panel="Databases")


def bootstrap(
    *,
    admin_url: Annotated[
        str,
        typer.Option(
            "--admin-url",
            help="Connection of PostgreSQL's administrator. `-` reads it from standard input; a URL with a password "
            "is refused here, since every user of the machine can read command lines.",
        ),
    ],
    env_file: Annotated[
        Path, typer.Option("--env-file", help="New file (0600) that gets the connections of the roles made.")
    ] = Path("telemetry.env"),
    new_passwords: Annotated[
        bool, typer.Option("--new-passwords", help="Give new passwords to roles that exist already, too.")
    ] = False,
) -> None:
    """Make the databases `telemetry` and `dagster` and the roles, with generated passwords. Safe to repeat.

    Run once for a server, by its administrator:  echo "$ADMIN_URL" | telemetry schema bootstrap --admin-url -
    """
    from telemetry_platform.usecases import bootstrap_schema

    url = _admin_url(admin_url)
    roles = bootstrap_schema.ROLES if new_passwords else bootstrap_schema.missing_roles(url)
    passwords = {role: secrets.token_urlsafe(_PASSWORD_BYTES) for role in roles}
    if passwords:
        # Before the server has them: a password that was set and could not be written down would be lost.
        _write_new(env_file, bootstrap_schema.connection_variables(url, passwords))
    report = bootstrap_schema.bootstrap(url, passwords)
    out.print(f"PostgreSQL: {report}.", markup=False)
    if passwords:
        out.print(
            f"The connections of {len(passwords)} roles are in {env_file}: hand each service its own, and only "
            "`telemetry schema` the owner's.\nNext: telemetry schema apply",
            markup=False,
        )


def apply() -> None:
    """Bring PostgreSQL and ClickHouse to this release; does nothing where they are there already.

    Needs TELEMETRY_POSTGRES__OWNER_URL and TELEMETRY_CLICKHOUSE__URL. Run it before the new release's processes start.
    """
    from telemetry_platform import settings
    from telemetry_platform.usecases.apply_schema import apply_schema

    report = apply_schema(settings.load(), datetime.now(UTC))
    for item in report.applied:
        out.print(f"  {item}", markup=False)
    out.print(f"Schema: {report}.", markup=False)


def status() -> None:
    """What is applied, and what is not; exit code 1 when something is pending or was edited after it was applied."""
    from telemetry_platform import settings
    from telemetry_platform.usecases.apply_schema import schema_status

    states = schema_status(settings.load())
    open_items = {item: state for item, state in states.items() if state != "applied"}
    table = Table("file", "state", box=None, pad_edge=False)
    for item, state in open_items.items():
        table.add_row(item, state)
    if open_items:
        out.print(table)
    out.print(f"{len(states) - len(open_items)} of {len(states)} files applied.")
    if "pending" in open_items.values():
        out.print("Next: telemetry schema apply")
    if "edited" in open_items.values():
        out.print("Next: restore the edited files, and put what shall change into a new file of changes/.")
    if open_items:
        raise typer.Exit(1)


def _admin_url(given: str) -> str:
    """The administrator's URL, from standard input when asked for."""
    if given == "-":
        url = sys.stdin.readline().strip()
        if not url:
            raise ConfigurationError("standard input held no URL: pipe the administrator's connection into the command")
        return url
    if urlsplit(given).password:
        raise ConfigurationError(
            "a password in --admin-url can be read by every user of this machine: use `--admin-url -` and pipe the URL "
            "into the command, or leave the password to ~/.pgpass"
        )
    return given


def _write_new(path: Path, variables: dict[str, str]) -> None:
    """Write a file that did not exist and that nobody else may read."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise ConfigurationError(
            f"{path} exists already: name a new file, so that no password is overwritten"
        ) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(f"{name}={value}\n" for name, value in variables.items())
