"""`telemetry dead-letters list|show|replay|drop`: entries that the drain put aside."""

import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from telemetry_platform.cli.console import out
from telemetry_platform.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.stores.postgres import Connection

LetterId = Annotated[int, typer.Argument(metavar="ID", help="Number of the letter, as `list` shows it.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Entries that could not be stored: look at them, queue them again.", no_args_is_help=True)
    group.command("list")(list_letters)
    group.command()(show)
    group.command()(replay)
    group.command()(drop)
    app.add_typer(group, name="dead-letters", rich_help_panel="Data")


@contextmanager
def _connection() -> "Iterator[Connection]":
    from telemetry_platform import settings
    from telemetry_platform.stores import postgres

    with postgres.connect(settings.load().postgres, application="telemetry-cli", autocommit=True) as connection:
        yield connection


def list_letters(
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many to show, oldest first.")] = 50,
    kind: Annotated[str | None, typer.Option("--kind", help="Only letters of this kind.")] = None,
) -> None:
    """Letters that have not been replayed."""
    from telemetry_platform.stores import dead_letters

    with _connection() as connection:
        letters = dead_letters.waiting(connection, limit=limit, kind=kind)
    table = Table("id", "kind", "reason", "detail", "attempts", "received at", box=None, pad_edge=False)
    for letter in letters:
        table.add_row(
            str(letter.id),
            letter.kind,
            letter.reason,
            letter.detail,
            str(letter.attempts),
            f"{letter.received_at:%Y-%m-%d %H:%M:%SZ}",
        )
    out.print(table if letters else "No letters wait.")


def show(letter_id: LetterId) -> None:
    """One letter with its (scrubbed) body."""
    from telemetry_platform.stores import dead_letters

    with _connection() as connection, connection.transaction():
        letter = dead_letters.find(connection, letter_id)
    if letter is None:
        raise ConfigurationError(f"there is no letter {letter_id}: `telemetry dead-letters list` shows what there is")
    for name in ("kind", "stream", "entry_id", "batch_id", "event_id", "received_at", "reason", "detail", "attempts"):
        out.print(f"{name:<12} {getattr(letter, name)}", markup=False)
    out.print(f"{'replayed_at':<12} {letter.replayed_at or 'not replayed'}", markup=False)
    out.print(letter.body, markup=False, soft_wrap=True)


def replay(
    letter_id: Annotated[int | None, typer.Argument(metavar="[ID]", help="Number of the letter.")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All letters that have not been replayed.")] = False,
    kind: Annotated[str | None, typer.Option("--kind", help="With --all: only letters of this kind.")] = None,
    body: Annotated[
        str | None, typer.Option("--body", metavar="-", help="`-` reads a mended body from standard input.")
    ] = None,
) -> None:
    """Queue letters again, after what made them fail was mended. What fails again becomes a new letter."""
    from telemetry_platform import settings
    from telemetry_platform.stores import dead_letters, redis
    from telemetry_platform.stores.landing_queue import LandingQueue
    from telemetry_platform.usecases import replay_dead_letters

    if every == (letter_id is not None) or (every and body is not None):
        raise ConfigurationError("name one letter, or all of them with --all (then without --body)")
    if body not in (None, "-"):
        raise ConfigurationError("--body takes `-` only: bodies do not belong on command lines")
    mended = sys.stdin.read() if body == "-" else None
    queue = LandingQueue(redis.connect(settings.load().redis))
    try:
        with _connection() as connection:
            chosen = dead_letters.waiting_ids(connection, kind=kind) if letter_id is None else [letter_id]
            report = replay_dead_letters.replay(connection, queue, chosen, now=datetime.now(UTC), body=mended)
    finally:
        queue.close()
    out.print(f"{report.queued} queued again, {report.skipped} not there or replayed before.", markup=False)
    if report.refused:
        out.print(
            f"{report.refused} cannot be replayed: event id, tenant, consent level or key epoch could not be read. "
            "Look with `telemetry dead-letters show`, forget with `drop`.",
            markup=False,
        )
    if report.skipped or report.refused:
        raise typer.Exit(1)


def drop(letter_id: LetterId) -> None:
    """Forget a letter for good."""
    from telemetry_platform.stores import dead_letters

    with _connection() as connection, connection.transaction():
        found = dead_letters.drop(connection, letter_id)
    if not found:
        raise ConfigurationError(f"there is no letter {letter_id}: `telemetry dead-letters list` shows what there is")
    out.print(f"Letter {letter_id} is gone.", markup=False)
