"""`telemetry keys list|create|rotate|rotate-kek|destroy`: the keys of the pseudonyms, and what they are wrapped under.

Invariant: no key is shown, and none is an argument; key-encryption keys come from files or the environment.
"""

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from telemetry_platform.cli.account import somebody
from telemetry_platform.cli.console import out
from telemetry_platform.errors import ConfigurationError, PermanentError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.contracts.pii import Domain
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.keys import Epoch
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.usecases.destroy_keys import Outlook

_COMMENT = "telemetry keys"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Keys of the pseudonyms: look, rotate, destroy. Shows no key.", no_args_is_help=True)
    group.command("list")(list_keys)
    group.command()(create)
    group.command()(rotate)
    group.command("rotate-kek")(rotate_kek)
    group.command()(destroy)
    app.add_typer(group, name="keys", rich_help_panel="Data")


@contextmanager
def _opened() -> "Iterator[tuple[Settings, Connection]]":
    """Settings, and a connection whose work is committed by the use-cases."""
    from telemetry_platform.cli.store_settings import store_settings
    from telemetry_platform.stores import postgres

    found = store_settings()
    with postgres.connect(found.postgres, application="telemetry-cli") as connection:
        yield found, connection


def list_keys() -> None:
    """All epochs with their state: planned, active, closed, destruction_pending, destroyed; and the KEKs' names."""
    from telemetry_platform.stores.keys import kek_states, key_states

    now = datetime.now(UTC)
    with _opened() as (_, connection):
        states, keks = key_states(connection), kek_states(connection)
    table = Table(
        "domain", "epoch", "state", "active from", "active until", "kek", "bytes gone", box=None, pad_edge=False
    )
    for state in states:
        table.add_row(
            state.domain.value,
            str(state.epoch),
            state.word(now),
            _day(state.active_from),
            _day(state.active_until),
            state.kek_id,
            _day(state.bytes_removed_at),
        )
    out.print(table)
    out.print()
    names = Table("kek", "first used", "retired", "destroyed", "stated by", box=None, pad_edge=False)
    for kek in keks:
        names.add_row(
            kek.kek_id, _day(kek.first_used_at), _day(kek.retired_at), _day(kek.destroyed_at), kek.destroyed_by or ""
        )
    out.print(names)
    for state in states:
        if state.is_pending and state.bytes_removed_at is not None:
            out.print(
                f"{state.domain.value} epoch {state.epoch}: destroyed once the end of {', '.join(state.living_keks)} "
                "is stated: `telemetry keys destroy --confirm-kek-destroyed ID`",
                markup=False,
                soft_wrap=True,
            )


def create() -> None:
    """Make the first keys of an installation, after `telemetry schema apply`. Safe to repeat."""
    from telemetry_platform.cli.store_settings import store_settings
    from telemetry_platform.usecases.first_keys import first_keys

    report = first_keys(store_settings(), datetime.now(UTC), log_comment=_COMMENT)
    out.print(f"{report.created} of {report.domains} domains got their first key.", markup=False)


def rotate(
    *,
    early: Annotated[
        list[str] | None,
        typer.Option("--early", metavar="DOMAIN", help="Give this domain its next epoch now, though none is due."),
    ] = None,
) -> None:
    """Add the key epochs that are due soon; the daily job does the same. Safe to repeat."""
    from telemetry_platform.stores.keys import key_states
    from telemetry_platform.usecases import key_uses, rotate_keys

    domains = _rotating(early or [])
    with _opened() as (found, connection):
        known = {(state.domain, state.epoch) for state in key_states(connection)}
        connection.commit()
        key_uses.refuse_unknown(found, known, log_comment=_COMMENT)
        report = rotate_keys.rotate(connection, found.keys, datetime.now(UTC), early=domains)
    for epoch in report.added:
        out.print(f"{epoch.domain.value}: epoch {epoch.epoch} is active from {_moment(epoch.active_from)}.")
    if not report.added:
        out.print("No epoch is due.")


def rotate_kek() -> None:
    """Wrap all keys under the key-encryption key of TELEMETRY_KEYS__NEXT_KEK(_FILE) and its name."""
    from telemetry_platform.usecases import rotate_keys

    with _opened() as (found, connection):
        report = rotate_keys.rotate_kek(connection, found.keys, datetime.now(UTC))
    out.print(f"{report.keys} keys are wrapped under {report.kek_id}.", markup=False)
    _say_what_follows(report.previous)


def destroy(
    *,
    do_it: Annotated[
        bool, typer.Option("--do-it", help="Destroy what is due; without it, only say what would be.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    confirm_kek_destroyed: Annotated[
        str | None,
        typer.Option(
            "--confirm-kek-destroyed",
            metavar="ID",
            help="Step 3: state that this retired key-encryption key is destroyed wherever it was kept.",
        ),
    ] = None,
) -> None:
    """Destroy keys whose data has passed. A dry run unless told otherwise; needs the next key-encryption key.

    Steps 1 and 2 wrap all other keys under TELEMETRY_KEYS__NEXT_KEK(_FILE) and remove the bytes of the doomed ones;
    step 3 is a statement of yours: --confirm-kek-destroyed.
    """
    from telemetry_platform.usecases import destroy_keys

    now = datetime.now(UTC)
    with _opened() as (found, connection):
        if confirm_kek_destroyed is not None:
            if not yes:
                typer.confirm(f"Is {confirm_kek_destroyed} destroyed wherever it was kept, in backups too", abort=True)
            gone = destroy_keys.confirm(connection, found.keys, confirm_kek_destroyed, by=somebody(), now=now)
            out.print(f"Noted. Beyond reach: {_names(gone) or 'no epoch (yet)'}.", markup=False)
            return
        seen = destroy_keys.outlook(connection, found, now, log_comment=_COMMENT)
        connection.commit()
        _say(seen)
        if not do_it:
            out.print("Nothing was changed: --do-it destroys what is due.")
            return
        _destroy(found, connection, seen, now, yes=yes)


def _destroy(found: "Settings", connection: "Connection", seen: "Outlook", now: datetime, *, yes: bool) -> None:
    """Steps 1 and 2; first what an earlier call left half-way."""
    from telemetry_platform.usecases import destroy_keys

    # What an earlier call left half-way, before anything new is begun: that may need a KEK which nobody has made yet.
    removed = destroy_keys.remove_bytes(connection, found.keys, now)
    if seen.doomed:
        if not yes:
            typer.confirm(f"Destroy {_names(seen.doomed)}? No pseudonym under them can be made again", abort=True)
            # The answer may have taken hours.
            again = destroy_keys.outlook(connection, found, now, log_comment=_COMMENT)
            connection.commit()
            if again.doomed != seen.doomed:
                raise PermanentError("what may be destroyed has changed meanwhile: run the command again")
        report = destroy_keys.begin(connection, found.keys, seen.doomed, now)
        out.print(f"Step 1: {report.keys} surviving keys are wrapped under {report.kek_id}.", markup=False)
        _say_what_follows(report.previous)
    removed += destroy_keys.remove_bytes(connection, found.keys, now)
    if removed:
        out.print(f"Step 2: the bytes of {_names(removed)} are removed.", markup=False)
    if not seen.doomed and not removed:
        out.print("There was nothing to destroy.")


def _say(seen: "Outlook") -> None:
    """What is due, what keeps it, and what is half-way."""
    for epoch in seen.due:
        kept = "may be destroyed" if epoch.may_go else f"kept: {epoch.rows:,} rows are under it"
        out.print(
            f"{epoch.domain.value} epoch {epoch.epoch}: time over since {_day(epoch.since)}, {kept}.", markup=False
        )
    for state in seen.pending:
        step = (
            "bytes to be removed"
            if state.bytes_removed_at is None
            else f"end of {', '.join(state.living_keks)} to state"
        )
        out.print(f"{state.domain.value} epoch {state.epoch}: destruction pending, {step}.", markup=False)
    if not seen.due and not seen.pending:
        out.print("No key has outlived its data.")


def _say_what_follows(previous: str) -> None:
    out.print(
        f"Next: give the new key to every process as TELEMETRY_KEYS__KEK, restart them, destroy {previous} wherever it "
        f"is kept (files, secret manager, backups), then: telemetry keys destroy --confirm-kek-destroyed {previous}",
        markup=False,
        soft_wrap=True,
    )


def _rotating(names: list[str]) -> "frozenset[Domain]":
    from telemetry_platform.contracts.key_lives import LIVES
    from telemetry_platform.contracts.pii import Domain

    rotating = sorted(domain.value for domain in LIVES)
    for name in names:
        if name not in rotating:
            raise ConfigurationError(f"--early takes one of {', '.join(rotating)}: the other domains have one key")
    return frozenset(Domain(name) for name in names)


def _names(epochs: "tuple[Epoch, ...]") -> str:
    return ", ".join(f"{domain.value} {epoch}" for domain, epoch in epochs)


def _day(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d}"


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
