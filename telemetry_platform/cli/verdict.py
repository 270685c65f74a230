"""`telemetry verdict`: the decision table, a week of sessions with known causes, and how many verdicts are right."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from telemetry_platform.cli.console import out
from telemetry_platform.cli.options import ProfileOption, state_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from telemetry_platform.simulate.causes.score import Score
    from telemetry_platform.simulate.causes.truth import TrueCause
    from telemetry_platform.stores.warehouse import Warehouse

_RIGHT_AT_LEAST = 0.9
_WEEK = timedelta(days=6)
"""Older events would be refused as too late."""
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="The same seed tells the same week.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True)
    group.command("table")(table)
    group.command("simulate")(simulate)
    group.command("score")(score)
    app.add_typer(group, name="verdict", help="Why sessions went wrong.", rich_help_panel="Data")


def table() -> None:
    """Print the decision table as Markdown: the first rule that holds gives the verdict."""
    from telemetry_platform.processing.verdict_table import markdown

    out.print(markdown(), markup=False, soft_wrap=True, highlight=False)


def simulate(
    *,
    sessions: Annotated[int, typer.Option("--sessions", min=1, help="How many sessions, of all causes.")] = 400,
    seed: SeedOption = 1,
    profile: ProfileOption = "up",
) -> None:
    """Send a week of sessions whose causes are known into the running platform, and write the causes down.

    Lines, CDNs, devices and our API are drawn with noise by models that share no limit with the verdict; the truth is
    in .telemetry/PROFILE/truth/causes-SEED.jsonl.
    """
    from telemetry_platform.cli.simulate import local_api
    from telemetry_platform.simulate.causes import truth
    from telemetry_platform.simulate.causes.score import send_week

    url, token = local_api(profile)
    begin = datetime.now(UTC).replace(microsecond=0) - _WEEK
    week = send_week(seed, sessions=sessions, begin=begin, base_url=url, token=token)
    written = truth.write(state_of(profile).path / "truth", seed, week)
    out.print(f"{len(week):,} sessions were sent; their causes are in {written}.", markup=False, soft_wrap=True)
    out.print(f"Next: wait a minute for the drain, then `telemetry verdict score --seed {seed}`.")


def score(*, seed: SeedOption = 1, profile: ProfileOption = "up") -> None:
    """Compare the verdicts on a week with its true causes: the confusion table; exit code 1 below nine in ten right.

    A session that has not arrived names no cause; one that is still open is judged as it stands.
    """
    from telemetry_platform.cli.store_settings import store_settings
    from telemetry_platform.simulate.causes import truth
    from telemetry_platform.stores.warehouse import open_warehouse

    week = truth.read(state_of(profile).path / "truth", seed)
    with open_warehouse(store_settings(profile).clickhouse, log_comment="telemetry verdict") as warehouse:
        found, missing = judged(warehouse, week)
    _show(found)
    out.print(
        f"{found.sessions:,} sessions: {found.right:.1%} right, {found.wrong:.1%} wrong, "
        f"{found.named_none:.1%} not enough data" + (f" ({missing:,} have not arrived)." if missing else "."),
        markup=False,
        soft_wrap=True,
    )
    if found.right < _RIGHT_AT_LEAST:
        raise typer.Exit(1)


def judged(warehouse: "Warehouse", week: "Iterable[TrueCause]") -> "tuple[Score, int]":
    """The score of a week, and how many of its sessions have not arrived: they count as naming no cause."""
    from telemetry_platform.simulate.causes.score import NAMES_NONE
    from telemetry_platform.simulate.causes.score import score as scored
    from telemetry_platform.usecases.support.evidence import verdicts_of

    by_tenant: dict[str, list[TrueCause]] = {}
    for one in week:
        by_tenant.setdefault(one.org_id, []).append(one)
    pairs, missing = [], 0
    for org_id, mine in sorted(by_tenant.items()):
        said = verdicts_of(warehouse, org_id, [one.session_id for one in mine])
        missing += sum(one.session_id not in said for one in mine)
        pairs += [
            (one.cause, said[one.session_id].cause.value if one.session_id in said else NAMES_NONE) for one in mine
        ]
    return scored(pairs), missing


def _show(found: "Score") -> None:
    """The true causes down, what was said across: 80 characters hold it."""
    from telemetry_platform.contracts.verdict import Cause

    shown = Table(box=None, padding=(0, 1, 0, 0))
    shown.add_column("true cause", no_wrap=True)
    for cause in Cause:
        words = cause.value.split("_")
        shown.add_column(" ".join(words), justify="right", width=max(*map(len, words), 5))
    shown.add_column("right", justify="right", no_wrap=True)
    for cause in Cause:
        counts = [found.confusion[cause.value, said.value] for said in Cause]
        if sum(counts):
            cells = (f"{count:,}" if count else "" for count in counts)
            shown.add_row(cause.value, *cells, f"{found.recall(cause.value):.1%}")
    out.print(shown)
