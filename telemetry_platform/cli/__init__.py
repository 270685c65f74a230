"""`telemetry ...`: the platform from the command line.

Each group of commands is a module with a `register(app)`; adding one is a line in `_GROUPS`. Invariant: modules here
import what is heavy inside their commands, so that `telemetry --help` answers at once, and no command takes a secret as
an argument (command lines are readable by every user of the machine).
"""

import sys

import typer

from telemetry_platform.cli import (
    access_report,
    audit,
    canary,
    contracts,
    dead_letters,
    demo,
    docs,
    doctor,
    drain,
    erase,
    evidence,
    exclusions,
    hold,
    intake,
    keys,
    metrics,
    platform,
    restore_check,
    retention,
    rollups,
    schema,
    simulate,
    tokens,
    travel,
    verdict,
)
from telemetry_platform.errors import PlatformError

_GROUPS = (
    platform.register,
    doctor.register,
    tokens.register,
    demo.register,
    simulate.register,
    travel.register,
    verdict.register,
    drain.register,
    rollups.register,
    metrics.register,
    erase.register,
    dead_letters.register,
    exclusions.register,
    keys.register,
    canary.register,
    audit.register,
    evidence.register,
    access_report.register,
    hold.register,
    intake.register,
    restore_check.register,
    retention.register,
    schema.register,
    contracts.register,
    docs.register,
)

app = typer.Typer(
    name="telemetry",
    help="Telemetry and compliance platform: run it on this machine, fill it, look at it, set its databases up.",
    epilog="New here? `make demo` runs a simulated day; `telemetry up` starts everything and prints the addresses.",
    no_args_is_help=True,
    add_completion=False,
    # Tracebacks with local variables would print secrets.
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
for _register in _GROUPS:
    _register(app)


def main() -> None:
    """Run a command; an error of ours is a message that says what to do, not a traceback."""
    from telemetry_platform.logs import guard

    guard()
    try:
        app()
    except PlatformError as error:
        print(f"telemetry: {error}", file=sys.stderr)  # noqa: T201  # the command line speaks through its streams
        sys.exit(1)
