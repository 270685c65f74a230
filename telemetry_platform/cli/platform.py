"""`telemetry up`, `down`, `clean` and `env`: the local platform of this checkout."""

import shlex
from typing import Annotated

import typer

from telemetry_platform.cli.console import ServiceLines, out
from telemetry_platform.cli.options import ProfileOption, state_of
from telemetry_platform.embedded.state import PROFILES, StateFolder
from telemetry_platform.settings import Settings

_LOCAL = "This machine"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(rich_help_panel=_LOCAL)(up)
    app.command(rich_help_panel=_LOCAL)(down)
    app.command(rich_help_panel=_LOCAL)(clean)
    app.command(name="env", rich_help_panel=_LOCAL)(environment)


def up(profile: ProfileOption = "up") -> None:
    """Start what is missing of the platform and leave it running.

    PostgreSQL, Redis and ClickHouse are started here unless the settings name real servers (TELEMETRY_POSTGRES__URL,
    TELEMETRY_REDIS__URL, TELEMETRY_CLICKHOUSE__URL). Run it again after a crash or a reboot: it starts just what is
    missing.
    """
    from telemetry_platform.cli.local import local_platform

    state = state_of(profile)
    with state.locked(), ServiceLines() as lines:
        platform = local_platform(state, lines)
        state.runner_file.unlink(missing_ok=True)  # from now on the services stay up by themselves
        started = platform.start()
    out.print("The platform is up." if started else "The platform is up already; nothing was started.")
    for name, address in platform.addresses().items():
        out.print(f"  {name:<12} {address}", soft_wrap=True)
    out.print(
        "Next: `telemetry token --role patient` makes a token for `POST /v1/media/events`; `telemetry simulate` sends "
        "a day of patients; `telemetry down` stops everything.",
        soft_wrap=True,
    )


def down(profile: ProfileOption = "up") -> None:
    """Stop every service of the platform, PostgreSQL last; data, ports and secrets stay."""
    from telemetry_platform.embedded.platform import Platform

    state = state_of(profile)
    if not state.path.exists():
        out.print("Nothing runs.")
        return
    with state.locked(), ServiceLines() as lines:
        stopped = Platform(state, Settings(), lines).stop()
    out.print("Stopped." if stopped else "Nothing ran.")


def clean(
    profile: Annotated[
        str, typer.Option("--profile", help=f"One of {', '.join(PROFILES)}; all of them when not given.")
    ] = "",
) -> None:
    """Stop the platform and remove its data, secrets and logs, also those outside the checkout."""
    for state in _states(profile):
        if not state.path.exists():
            continue
        _remove(state)
        out.print(f"Removed {state.path}.", soft_wrap=True)


def _states(profile: str) -> list[StateFolder]:
    return [state_of(name) for name in ([profile] if profile else PROFILES)]


def _remove(state: StateFolder) -> None:
    from telemetry_platform.embedded.platform import Platform

    with state.locked(), ServiceLines() as lines:
        Platform(state, Settings(), lines).remove()


def environment(profile: ProfileOption = "up") -> None:
    """Print `export` lines for a shell that shall talk to the running platform: eval "$(telemetry env)".

    The lines hold passwords: keep them out of files, logs and screen sharing.
    """
    from telemetry_platform.cli.local import local_platform

    state = state_of(profile)
    platform = local_platform(state)
    if platform.ports().get("api") is None:
        out.print(f"# The profile `{state.profile}` was never started: run `telemetry up` first.")
        raise typer.Exit(1)
    typer.echo("warning: these lines hold passwords; keep them out of files and logs", err=True)
    for name, value in sorted(platform.environment().variables(with_owner=True).items()):
        typer.echo(f"export {name}={shlex.quote(value)}")
