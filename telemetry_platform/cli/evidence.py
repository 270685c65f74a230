"""`telemetry evidence --from --to` and `telemetry evidence verify`: one archive for an auditor, and whether it holds.

Invariant: verifying asks no database, no network and no setting: whoever was handed an archive needs the package alone.
"""

import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from telemetry_platform.cli.account import somebody
from telemetry_platform.cli.console import out
from telemetry_platform.errors import ConfigurationError, ContractViolationError

if TYPE_CHECKING:
    from telemetry_platform.usecases.evidence.check import Checked, Trust
    from telemetry_platform.usecases.evidence.make import Made

_DAYS = ["%Y-%m-%d"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Evidence for an auditor: one signed archive for a period.", invoke_without_command=True)
    group.callback()(make)
    group.command()(verify)
    app.add_typer(group, name="evidence", rich_help_panel="Compliance")


def make(
    context: typer.Context,
    *,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=_DAYS, metavar="DAY", help="First day of the period (UTC).")
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option("--to", formats=_DAYS, metavar="DAY", help="Last day of the period (UTC); it is in the archive."),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--out", help="Where to write it; a file that is there stays. Otherwise into this folder."),
    ] = None,
) -> None:
    """Make the archive of a period: --from and --to are whole days in UTC, both included.

    Of all tenants. It has retention proofs, certificates of erasure, key destructions, the trail with its checkpoints
    and who read it, policies, holds, and a page to print; what is not as it must be is in it, in red. Making it is
    recorded. `telemetry evidence verify FILE` checks one, anywhere.
    """
    if context.invoked_subcommand is not None:
        return
    if first is None or last is None:
        raise ConfigurationError("name the period: --from and --to, whole days in UTC, both included")
    from telemetry_platform.cli.store_settings import store_settings
    from telemetry_platform.contracts.evidence import period
    from telemetry_platform.usecases.evidence.make import make as make_archive
    from telemetry_platform.usecases.own_actions import ActedBy

    wanted = period(first.date(), last.date())
    path = file or Path(f"telemetry-evidence-{wanted.first_day}-{wanted.last_day}.zip")
    by = ActedBy(somebody(), "staff")
    out.print(
        _made(make_archive(store_settings(), wanted, path, now=datetime.now(UTC), by=by)), markup=False, soft_wrap=True
    )


def verify(
    file: Annotated[Path, typer.Argument(help="The archive.")],
    *,
    key_id: Annotated[
        str | None,
        typer.Option("--key-id", metavar="ID", help="Id of the key that must have signed it, as you were told it."),
    ] = None,
    public_key: Annotated[
        Path | None, typer.Option("--public-key", metavar="FILE", help="The key itself (PEM), in place of its id.")
    ] = None,
) -> None:
    """Verify an archive; exit code 1, and the first thing that is wrong, when it is not what it was made as.

    Signature, every file, each row of the trail against the signed checkpoints, the chain of retention runs,
    certificates. Needs no database and no setting. Without --key-id or --public-key, anybody could have signed it.
    """
    from telemetry_platform.usecases.evidence.check import check

    try:
        found = check(file, _trust(key_id, public_key))
    except ContractViolationError as error:
        out.print(f"The archive does NOT hold: {error}.", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
    out.print(_checked(found), markup=False, soft_wrap=True)


def _trust(key_id: str | None, public_key: Path | None) -> "Trust":
    from telemetry_platform.processing.signing import read_public_key
    from telemetry_platform.usecases.evidence.check import Trust

    if public_key is None:
        return Trust(None if key_id is None else key_id.strip().lower())
    if key_id is not None:
        raise ConfigurationError("give one of --key-id and --public-key")
    body = b""
    with contextlib.suppress(OSError):
        body = public_key.read_bytes()
    if not body:
        raise ConfigurationError(f"{public_key} cannot be read, or is empty")
    return Trust(key=read_public_key(body, str(public_key)))


def _made(made: "Made") -> str:
    manifest = made.manifest
    return "\n".join(
        (
            f"{made.path}: {len(manifest.files)} files, {manifest.period.first_day} to {manifest.period.last_day}.",
            f"Signed by key {manifest.key_id}: tell the auditor by another way than the file.",
            f"SHA-256 of its manifest, as in the trail: {made.manifest_sha256}",
            *_red(manifest.red),
        )
    )


def _checked(found: "Checked") -> str:
    manifest, trail, beside = found.manifest, found.trail, found.beside
    key = "the key that you named" if found.compared else "NOT compared with anything: ask for its id by another way"
    rows = f"rows {manifest.stretch.start.seq + 1:,} to {manifest.stretch.end.seq:,}" if manifest.stretch else "no row"
    made = f"{manifest.generated_at:%Y-%m-%d %H:%M:%S} UTC"
    period = f"{manifest.period.first_day} to {manifest.period.last_day}"
    return "\n".join(
        (
            f"The archive holds: {period}, made {made}, {len(manifest.files)} files.",
            f"  key       {manifest.key_id}, {key}",
            f"  trail     {rows}, {trail.signed.checkpoints:,} checkpoints, {len(trail.signed.anchors):,} anchors"
            + (f"; {manifest.stretch.unseen:,} rows seen by no checkpoint" if manifest.stretch else ""),
            f"  beside    {beside.runs:,} retention proofs, {beside.certificates:,} certificates of erasure",
            *_red(manifest.red),
        )
    )


def _red(red: tuple[str, ...]) -> tuple[str, ...]:
    if not red:
        return ("Nothing in it is red.",)
    return (f"Red in it: {len(red)}", *(f"  - {text}" for text in red))
