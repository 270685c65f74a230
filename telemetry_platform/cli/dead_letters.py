"""`telemetry dead-letters list|show|replay|drop`: entries that the drain put aside."""

import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from telemetry_platform.cli.account import somebody
from telemetry_platform.cli.console import out
from telemetry_platform.contracts.rejects import DeadLetterReason
from telemetry_platform.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.stores.dead_letters import Selection
    from telemetry_platform.stores.postgres import Connection

LetterId = Annotated[int, typer.Argument(metavar="ID", help="Number of the letter, as `list` shows it.")]
LetterIds = Annotated[list[int] | None, typer.Argument(metavar="[ID]...", help="Numbers of letters.")]
All = Annotated[bool, typer.Option("--all", help="All letters that wait, or those that the other options leave.")]
Kind = Annotated[str | None, typer.Option("--kind", help="Only letters of this kind, such as `media`.")]
Reason = Annotated[DeadLetterReason | None, typer.Option("--reason", help="Only letters with this reason.")]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="Only what was received at or after, as 2026-02-17T10:00:00Z."),
]
Before = Annotated[str | None, typer.Option("--before", metavar="TIME", help="Only what was received before.")]


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
    from telemetry_platform.cli.store_settings import store_settings
    from telemetry_platform.stores import postgres

    with postgres.connect(store_settings().postgres, application="telemetry-cli", autocommit=True) as connection:
        yield connection


def list_letters(
    *,
    limit: Annotated[int, typer.Option("--limit", min=0, help="How many to show, oldest first; 0: counts only.")] = 50,
    kind: Kind = None,
    reason: Reason = None,
    since: Since = None,
    before: Before = None,
) -> None:
    """Letters that wait: counts by kind and reason, and the oldest of them one by one."""
    from telemetry_platform.stores import dead_letters

    chosen = _selection(None, kind, reason, since, before)
    with _connection() as connection:
        counts = dead_letters.waiting_counts(connection, chosen)
        letters = dead_letters.waiting(connection, chosen, limit=limit)
    if not counts:
        out.print("No letters wait.")
        return
    for (of_kind, why), count in counts.items():
        out.print(f"{count:>9,}  {of_kind}  {why}", markup=False)
    table = Table("id", "kind", "reason", "detail", "attempts", "received at", box=None, pad_edge=False)
    for letter in letters:
        table.add_row(
            str(letter.id),
            letter.kind,
            letter.reason,
            letter.detail,
            str(letter.attempts),
            f"{letter.received_at:%Y-%m-%dT%H:%M:%SZ}",
        )
    if letters:
        out.print()
        out.print(table)
    more = sum(counts.values()) - len(letters)
    if letters and more:
        out.print(f"... and {more:,} more: --limit shows them, --kind and --reason choose.", markup=False)


def show(letter_id: LetterId) -> None:
    """One letter with its (scrubbed) body."""
    from telemetry_platform.stores import dead_letters

    with _connection() as connection, connection.transaction():
        letter = dead_letters.find(connection, letter_id)
    if letter is None:
        raise ConfigurationError(f"there is no letter {letter_id}: `telemetry dead-letters list` shows what there is")
    names = ("kind", "stream", "entry_id", "batch_id", "event_id", "org_id", "consent_level", "key_epoch")
    for name in (*names, "received_at", "failed_at", "reason", "detail", "attempts"):
        out.print(f"{name:<13} {getattr(letter, name)}", markup=False, soft_wrap=True)
    if letter.dropped_at:
        out.print(f"{'dropped_at':<13} {letter.dropped_at} by {letter.dropped_by}: {letter.dropped_why}", markup=False)
        return
    out.print(f"{'replayed_at':<13} {letter.replayed_at or 'waits'}", markup=False)
    if not letter.is_replayable:
        out.print("It cannot be replayed: event id, tenant, consent level or key epoch could not be read.")
    out.print(letter.body, markup=False, soft_wrap=True)


def replay(  # noqa: PLR0913 - one option for each thing to choose by
    letter_ids: LetterIds = None,
    *,
    every: All = False,
    kind: Kind = None,
    reason: Reason = None,
    since: Since = None,
    before: Before = None,
    body: Annotated[
        str | None,
        typer.Option("--body", metavar="-", help="`-` reads a mended body of one letter from standard input."),
    ] = None,
) -> None:
    """Queue letters again, after what made them fail was mended. What fails again waits again, with more attempts."""
    from telemetry_platform.cli.store_settings import store_settings
    from telemetry_platform.stores import dead_letters, redis
    from telemetry_platform.stores.landing_queue import LandingQueue
    from telemetry_platform.usecases import replay_dead_letters

    chosen = _selection(_named(letter_ids, every=every), kind, reason, since, before)
    if body is not None and len(letter_ids or ()) != 1:
        raise ConfigurationError("--body mends one letter: name its number")
    if body not in (None, "-"):
        raise ConfigurationError("--body takes `-` only: bodies do not belong on command lines")
    mended = sys.stdin.read() if body == "-" else None
    found = store_settings()
    queue = LandingQueue(redis.connect(found.redis))
    try:
        with _connection() as connection:
            waiting = dead_letters.waiting_ids(connection, chosen)
            report = replay_dead_letters.replay(
                connection, queue, waiting, shards=found.redis.shards, now=datetime.now(UTC), body=mended
            )
    finally:
        queue.close()
    out.print(f"{report.queued:,} queued again.", markup=False)
    skipped = report.skipped + _not_there(letter_ids, waiting)
    if skipped:
        out.print(f"{skipped:,} do not wait: not there, replayed or dropped before, held, or left out by the options.")
    if report.refused:
        out.print(
            f"{report.refused:,} cannot be replayed: event id, tenant, consent level or key epoch could not be read. "
            "Look with `telemetry dead-letters show`, give up with `drop`.",
            markup=False,
        )
    if report.erased:
        out.print(f"{report.erased:,} were of persons who have been erased: emptied instead.", markup=False)
    if skipped or report.refused:
        raise typer.Exit(1)


def drop(  # noqa: PLR0913 - one option for each thing to choose by
    letter_ids: LetterIds = None,
    *,
    why: Annotated[str, typer.Option("--why", help="The reason, which is kept with the letters; name nobody.")],
    every: All = False,
    kind: Kind = None,
    reason: Reason = None,
    since: Since = None,
    before: Before = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Give letters up for good: their bodies go, and what they were, when, who dropped them and why stays 30 days."""
    from telemetry_platform.stores import dead_letters
    from telemetry_platform.usecases import replay_dead_letters

    chosen = _selection(_named(letter_ids, every=every), kind, reason, since, before)
    with _connection() as connection:
        waiting = dead_letters.waiting_ids(connection, chosen)
        if waiting and not yes:
            typer.confirm(f"Give up letters: {len(waiting):,}. Their bodies cannot be brought back", abort=True)
        report = replay_dead_letters.drop(connection, waiting, by=somebody(), why=why, now=datetime.now(UTC))
    out.print(f"{report.dropped:,} given up.", markup=False)
    skipped = report.skipped + _not_there(letter_ids, waiting)
    if skipped:
        out.print(f"{skipped:,} do not wait: not there, replayed or dropped before, held, or left out by the options.")
        raise typer.Exit(1)


def _named(letter_ids: list[int] | None, *, every: bool) -> tuple[int, ...] | None:
    """The numbers that were named, or None for all; nothing is chosen by leaving everything out."""
    if every == bool(letter_ids):
        raise ConfigurationError(
            "name the letters' numbers, or choose with --all and --kind, --reason, --since, --before"
        )
    return tuple(letter_ids) if letter_ids else None


def _not_there(letter_ids: list[int] | None, waiting: list[int]) -> int:
    """How many of the named letters do not wait."""
    return len(set(letter_ids or ()) - set(waiting))


def _selection(
    ids: tuple[int, ...] | None,
    kind: str | None,
    reason: DeadLetterReason | None,
    since: str | None,
    before: str | None,
) -> "Selection":
    from telemetry_platform.contracts.registry import kinds
    from telemetry_platform.stores.dead_letters import Selection

    if kind is not None and kind not in kinds():
        raise ConfigurationError(f"there is no kind {kind!r}: one of {', '.join(sorted(kinds()))}")
    return Selection(ids, kind, reason and reason.value, _moment(since), _moment(before))


def _moment(text: str | None) -> datetime | None:
    """A time with its zone."""
    if text is None:
        return None
    from telemetry_platform.contracts.types import parse_timestamp

    try:
        return parse_timestamp(text)
    except ValueError as error:
        raise ConfigurationError(f"a time {error}") from None
