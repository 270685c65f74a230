"""`telemetry erase` and `telemetry erasures list|show`: the right to erasure from the command line.

Invariant: the id comes from standard input, never as an argument: command lines are readable by everybody here.
"""

import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from rich.table import Column, Table

from telemetry_platform.cli.account import somebody
from telemetry_platform.cli.console import out
from telemetry_platform.cli.person import user_id as user_id_of_stdin
from telemetry_platform.errors import ConfigurationError, TransientError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.erasures import Erasure
    from telemetry_platform.stores.postgres import Connection

_PANEL = "Privacy"
_PATIENCE_SECONDS = 1800.0
_POLL_SECONDS = 2.0


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(rich_help_panel=_PANEL)(erase)
    group = typer.Typer(help="Erasures and their certificates; nobody is named.", no_args_is_help=True)
    group.command("list")(list_erasures)
    group.command()(show)
    app.add_typer(group, name="erasures", rich_help_panel=_PANEL)


@contextmanager
def _opened() -> "Iterator[tuple[Settings, Connection]]":
    from telemetry_platform.cli.store_settings import store_settings
    from telemetry_platform.stores import postgres

    found = store_settings()
    with postgres.connect(found.postgres, application="telemetry-cli", autocommit=True) as connection:
        yield found, connection


def erase(
    *,
    org: Annotated[str, typer.Option("--org", help="The tenant of the person.")],
    wait: Annotated[bool, typer.Option("--wait", help="Carry it out here, and wait for the certificate.")] = False,
) -> None:
    """Ask for the erasure of a person, whose user id is read from standard input (one line).

    From now on nothing of theirs from before comes in. Dagster carries the erasure out, or this command with --wait.
    """
    from telemetry_platform.stores import redis, subject_states
    from telemetry_platform.usecases.ensure_keys import load_key_ring
    from telemetry_platform.usecases.erase.request import Asked, request_erasure
    from telemetry_platform.usecases.own_actions import ActedBy
    from telemetry_platform.usecases.restored import copy_tombstones

    user_id = user_id_of_stdin()
    with _opened() as (settings, connection):
        ring = load_key_ring(connection, settings.keys)
        with connection.transaction():
            taken = request_erasure(
                connection,
                ring,
                datetime.now(UTC),
                org_id=org,
                user_id=user_id,
                backup_days=settings.privacy.backup_days,
                asked=Asked(ActedBy(somebody(), "system")),
            )
        if taken.state is not None:
            with redis.connect(settings.redis) as client:
                subject_states.publish(client, org, taken.subject_hash, taken.state)
        copy_tombstones(connection, settings.privacy.tombstone_copy, datetime.now(UTC))
        out.print(f"Erasure {taken.erasure.erasure_id}: {taken.erasure.status}.", markup=False)
        if taken.erasure.status == "held":
            out.print("A legal hold keeps it back; it is carried out when that is released.")
        elif wait:
            _print(_carried_out(settings, connection, taken.erasure.erasure_id))
        else:
            out.print(f"Next: telemetry erasures show {taken.erasure.erasure_id}", markup=False)


def _carried_out(settings: "Settings", connection: "Connection", erasure_id: UUID) -> "Erasure":
    """Run it until it is certified, by whoever carries it out."""
    from telemetry_platform.stores import erasures
    from telemetry_platform.usecases.drain.stores import open_stores
    from telemetry_platform.usecases.erase.run import Erasing

    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            with open_stores(settings, log_comment="telemetry erase") as stores:
                Erasing(stores, lambda: datetime.now(UTC)).run(erasure_id)
        except TransientError as error:
            out.print(str(error), markup=False)
        found = erasures.find(connection, erasure_id)
        if found is not None and found.status == erasures.CERTIFIED:
            return found
        waits_for = found.waits_for if found is not None else ""
        if time.monotonic() > deadline:
            raise TransientError(f"it still waits ({waits_for}): Dagster goes on; look again later")
        time.sleep(_POLL_SECONDS)


def list_erasures(
    *, limit: Annotated[int, typer.Option("--limit", min=1, help="How many, newest first.")] = 50
) -> None:
    """The newest erasures: where they stand, and what they wait for."""
    from telemetry_platform.stores import erasures

    with _opened() as (_, connection):
        found = erasures.latest(connection, limit=limit)
    table = Table(
        Column("erasure", no_wrap=True),
        "tenant",
        "status",
        "asked for",
        "certified",
        "waits for",
        box=None,
        pad_edge=False,
    )
    for one in found:
        table.add_row(
            str(one.erasure_id),
            one.org_id,
            one.status,
            _moment(one.requested_at),
            _moment(one.certified_at),
            one.waits_for,
        )
    out.print(table if found else "No erasure was asked for.")


def show(
    erasure_id: Annotated[UUID, typer.Argument(metavar="ID", help="Reference of the erasure, as `list` shows it.")],
    *,
    json: Annotated[bool, typer.Option("--json", help="The certificate as JSON.")] = False,
) -> None:
    """The certificate of an erasure, to read or as JSON."""
    from telemetry_platform.stores import erasures

    with _opened() as (_, connection):
        found = erasures.find(connection, erasure_id)
    if found is None:
        raise ConfigurationError("there is no erasure of that reference: look at `telemetry erasures list`")
    _print(found, json=json)


def _print(found: "Erasure", *, json: bool = False) -> None:
    import orjson

    from telemetry_platform.usecases.erase.certificate import readable

    if found.certificate is None:
        out.print(f"{found.status}{f', waits: {found.waits_for}' if found.waits_for else ''}", markup=False)
    elif json:
        print(orjson.dumps(found.certificate, option=orjson.OPT_INDENT_2).decode())  # noqa: T201 - for programs
    else:
        out.print(readable(found.certificate), markup=False, highlight=False, soft_wrap=True)


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M}"
