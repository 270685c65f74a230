"""`telemetry contracts`: what the contracts break of the policy, in words that say what to write instead."""

from typing import Annotated

import typer

from telemetry_platform.cli.console import out


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Development")(contracts)


def contracts(
    kind: Annotated[str, typer.Argument(help="One kind, as its file in contracts/events is called; else all.")] = "",
    *,
    rules: Annotated[bool, typer.Option("--rules", help="List the rules themselves.")] = False,
) -> None:
    """Hold contracts against the policy: what identifies a person, consent, retention, bounds, names.

    The contract tests do the same. After adding a kind:  telemetry contracts prescriptions_viewed
    """
    from telemetry_platform.contracts import policy, registry
    from telemetry_platform.errors import ConfigurationError

    if rules:
        for rule in policy.RULES:
            out.print(f"{rule.name}: {rule.sentence}", markup=False, soft_wrap=True)
        return
    known = registry.kinds()
    if kind and kind not in known:
        raise ConfigurationError(f"there is no kind of that name; there are {', '.join(known)}")
    found = policy.findings(known[kind]) if kind else policy.findings_of_all(known.values())
    for finding in found:
        out.print(str(finding), markup=False, soft_wrap=True)
    if found:
        out.print(f"Next: edit contracts/events/{found[0].kind}.py, then run this again", markup=False, soft_wrap=True)
        raise typer.Exit(1)
    whose = kind or f"all {len(known)} kinds"
    out.print(f"{whose}: all {len(policy.RULES)} rules are kept", markup=False)
