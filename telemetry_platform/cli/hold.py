"""`telemetry hold add|release|refresh|list`: legal holds from the command line.

Invariant: the id comes from standard input, never as an argument: command lines are readable by everybody here. A hold
itself is named by its random reference.
"""

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from rich.table import Column, Table

from telemetry_platform.cli.account import somebody
from telemetry_platform.cli.console import out
from telemetry_platform.cli.person import user_id as user_id_of_stdin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.contracts.subject import SubjectState
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.holds import Hold
    from telemetry_platform.stores.postgres import Connection

_Org = Annotated[str, typer.Option("--org", help="The tenant of the person.")]
_Why = Annotated[str, typer.Option("--why", help="The reason, e.g. the file number of the dispute. Names nobody.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Legal holds: what there is of a person stays, until their release.", no_args_is_help=True)
    group.command()(add)
    group.command()(release)
    group.command()(refresh)
    group.command("list")(list_holds)
    app.add_typer(group, name="hold", rich_help_panel="Privacy")


@contextmanager
def _opened() -> "Iterator[tuple[Settings, Connection]]":
    from telemetry_platform.cli.store_settings import store_settings
    from telemetry_platform.stores import postgres

    found = store_settings()
    with postgres.connect(found.postgres, application="telemetry-cli", autocommit=True) as connection:
        yield found, connection


def add(*, org: _Org, why: _Why) -> None:
    """Hold a person, whose user id is read from standard input (one line): nothing of theirs is erased or expires."""
    from telemetry_platform.stores.warehouse import open_warehouse
    from telemetry_platform.usecases.ensure_keys import load_key_ring
    from telemetry_platform.usecases.hold.place import place
    from telemetry_platform.usecases.hold.preserve import preserve_expired
    from telemetry_platform.usecases.hold.settle import settle
    from telemetry_platform.usecases.own_actions import ActedBy

    user_id = user_id_of_stdin()
    with _opened() as (settings, connection):
        ring = load_key_ring(connection, settings.keys)
        with connection.transaction():
            by = ActedBy(somebody())
            placed = place(connection, ring, datetime.now(UTC), org_id=org, user_id=user_id, why=why, by=by)
        out.print(f"Hold {placed.hold.hold_id} is in force, under {placed.epochs} pseudonyms.", markup=False)
        _publish(settings, placed.hold, placed.state)
        if placed.erasures_held:
            out.print("An erasure of this person was asked for: it waits until the release.")
        if placed.is_being_erased:
            out.print("An erasure of this person had begun: what it has removed is gone, and its run may remove more.")
        with open_warehouse(settings.clickhouse, log_comment="telemetry hold add") as warehouse:
            settled = settle(warehouse, connection)
            kept = preserve_expired(warehouse, connection)
    if settled.ttl_removed:
        out.print(f"The TTL of {len(settled.ttl_removed)} tables is off while anybody is held; retention goes on.")
    for table, rows in kept.items():
        out.print(f"  {table}: {rows} rows past their retention are copied to held_{table}", markup=False)


def release(
    hold_id: Annotated[UUID, typer.Argument(metavar="ID", help="Reference of the hold, as `list` shows it.")],
    *,
    why: _Why,
) -> None:
    """Release a hold: a waiting erasure goes on, and what has passed its retention meanwhile is deleted."""
    from telemetry_platform.stores.warehouse import open_warehouse
    from telemetry_platform.usecases.ensure_keys import load_key_ring
    from telemetry_platform.usecases.hold.release import release as release_hold
    from telemetry_platform.usecases.hold.settle import settle
    from telemetry_platform.usecases.own_actions import ActedBy

    with _opened() as (settings, connection):
        ring = load_key_ring(connection, settings.keys)
        with connection.transaction():
            by = ActedBy(somebody())
            released = release_hold(connection, ring, datetime.now(UTC), hold_id=hold_id, why=why, by=by)
        out.print(f"Hold {hold_id} is released.", markup=False)
        if released.state is not None:
            _publish(settings, released.hold, released.state)
        with open_warehouse(settings.clickhouse, log_comment="telemetry hold release") as warehouse:
            settled = settle(warehouse, connection)
    if released.is_still_held:
        out.print(f"Another hold keeps this person: {settled.handed_on} copies are kept for it.", markup=False)
    else:
        out.print(f"{settled.deleted} copies past their retention are deleted.", markup=False)
    if settled.ttl_restored:
        out.print(f"Nobody is held any more: {len(settled.ttl_restored)} tables have their TTL again.")


def refresh(*, org: _Org) -> None:
    """Let the holds on a person (user id from standard input) know pseudonyms under keys that began since.

    The API does so by itself whenever it meets them; this is for somebody whom only others speak of.
    """
    from telemetry_platform.usecases.ensure_keys import load_key_ring
    from telemetry_platform.usecases.hold.place import refresh as refresh_holds
    from telemetry_platform.usecases.own_actions import ActedBy

    user_id = user_id_of_stdin()
    with _opened() as (settings, connection), connection.transaction():
        ring = load_key_ring(connection, settings.keys)
        by = ActedBy(somebody())
        added = refresh_holds(connection, ring, datetime.now(UTC), org_id=org, user_id=user_id, by=by)
    out.print(f"{added} pseudonyms were new." if added else "Nothing was new.")


def list_holds(*, limit: Annotated[int, typer.Option("--limit", min=1, help="How many.")] = 50) -> None:
    """Holds, those in force first; nobody is named."""
    from telemetry_platform.stores import holds

    with _opened() as (_, connection):
        found = holds.latest(connection, limit=limit)
    table = Table(Column("hold", no_wrap=True), "tenant", "placed", "released", "why", box=None, pad_edge=False)
    for one in found:
        released = "in force" if one.released_at is None else f"{one.released_at:%Y-%m-%d %H:%M}"
        why = one.why if one.released_why is None else f"{one.why}; released: {one.released_why}"
        table.add_row(str(one.hold_id), one.org_id, f"{one.placed_at:%Y-%m-%d %H:%M}", released, why)
    out.print(table if found else "Nobody is held, or ever was.")


def _publish(settings: "Settings", hold: "Hold", state: "SubjectState") -> None:
    """Let every API process know: after the commit."""
    from telemetry_platform.stores import redis, subject_states

    with redis.connect(settings.redis) as client:
        subject_states.publish(client, hold.org_id, hold.subject_hash, state)
