"""`telemetry simulate`: patients who watch videos, and the Core API that serves them, send to a running API."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from telemetry_platform.cli.console import out
from telemetry_platform.cli.options import ProfileOption, state_of
from telemetry_platform.errors import ConfigurationError
from telemetry_platform.settings import Settings, TokenSettings

_PLAIN_STEPS = 4


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Data")(simulate)


def simulate(  # noqa: PLR0913 - options of a command line
    *,
    patients: Annotated[int, typer.Option("--patients", min=1, help="How many patients.")] = 50,
    days: Annotated[int, typer.Option("--days", min=1, max=6, help="How many days, ending now.")] = 1,
    speed: Annotated[
        float,
        typer.Option(
            "--speed",
            min=0,
            help="Simulated seconds a second: 0 as fast as possible, 1 live from now on, 60 an hour a minute.",
        ),
    ] = 0.0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed tells the same story.")] = 7,
    kinds: Annotated[
        str,
        typer.Option("--kinds", metavar="KIND,KIND", help="Which kinds of events to send; all that are simulated."),
    ] = "",
    base_url: Annotated[
        str,
        typer.Option(
            "--base-url",
            metavar="URL",
            help="Another API than the profile's; its development secret comes from TELEMETRY_API__TOKEN__SECRET.",
        ),
    ] = "",
    profile: ProfileOption = "up",
) -> None:
    """Let patients watch videos and the Core API tell of it: every kind, its faults and re-sends, all from a seed.

    Speaks HTTP as they do and writes the truth to .telemetry/PROFILE/truth/SEED.jsonl: for every event what was sent,
    what was answered, and what must be in which table.
    """
    from telemetry_platform.simulate.run import Scale
    from telemetry_platform.simulate.run import simulate as run

    state = state_of(profile)
    url, token = (base_url, Settings().api.token) if base_url else local_api(profile)
    scale = Scale(patients, days, speed, seed)
    only = [name for name in kinds.split(",") if name]
    with event_progress(f"{patients} patients") as progress:
        done = run(scale, base_url=url, token=token, truth_folder=state.path / "truth", only=only, progress=progress)
    out.print(
        f"{done.events:,} events of {done.sessions:,} views in {done.sending.requests:,} requests; "
        f"the truth is in {done.truth}.",
        markup=False,
        soft_wrap=True,
    )


def local_api(profile: str) -> tuple[str, TokenSettings]:
    """Address and token settings of a local platform."""
    from telemetry_platform.cli.local import local_platform

    state = state_of(profile)
    if not (state.path / "secrets.json").exists():
        raise ConfigurationError(f"the profile `{state.profile}` was never started: run `telemetry up` first")
    platform = local_platform(state)
    return platform.addresses()["API"], platform.environment().settings().api.token


@contextmanager
def event_progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar of events where there is a terminal, else a line a quarter."""
    if out.is_terminal:
        columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=out) as bar:
            task = bar.add_task(title, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
        return
    shown = -1

    def line(done: int, total: int) -> None:
        nonlocal shown
        step = done * _PLAIN_STEPS // max(total, 1)
        if step > shown:
            shown = step
            out.print(f"  {title}: {done:,} of {total:,} events", markup=False)

    yield line
