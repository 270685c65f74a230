"""`telemetry doctor`: each part with its state, version and address, and the next thing to do when it is broken."""

import typer

from telemetry_platform.cli.console import out
from telemetry_platform.cli.options import ProfileOption, state_of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="This machine")(doctor)


def doctor(profile: ProfileOption = "up") -> None:
    """Examine every part of the platform; exit code 1 when one of them is broken.

    Says of each store whether it is the embedded one or a real server. Shows no secrets.
    """
    from telemetry_platform.cli.local import local_platform
    from telemetry_platform.embedded.doctor import examine

    findings = examine(local_platform(state_of(profile)))
    lines = [("part", "state", "version", "which", "address")]
    lines += [(one.part, one.state, one.version, one.which, one.address) for one in findings]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        # Wide terminals or not: an address that is cut short cannot be copied.
        row = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        out.print(row.rstrip(), markup=False, soft_wrap=True)
    steps: dict[str, list[str]] = {}
    for one in findings:
        if one.next_step:
            steps.setdefault(one.next_step, []).append(one.part)
    for step, parts in steps.items():
        out.print(f"\n{', '.join(parts)}: {step}", markup=False, soft_wrap=True)
    if any(one.is_broken for one in findings):
        raise typer.Exit(1)
