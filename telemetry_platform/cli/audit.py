"""`telemetry audit verify|checkpoint|redact|new-key|key-id`: whether the audit trail is whole, and what proves it.

Invariant: a private key is written to a file of its own and nowhere else; no command shows one.
"""

import base64
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from telemetry_platform.cli.console import out

if TYPE_CHECKING:
    from telemetry_platform.stores.verifications import Verification


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="The audit trail: verify it, sign where it ends, redact.", no_args_is_help=True)
    group.command()(verify)
    group.command()(checkpoint)
    group.command()(resume)
    group.command()(redact)
    group.command("new-key")(new_key)
    group.command("key-id")(key_id)
    app.add_typer(group, name="audit", rich_help_panel="Compliance")


def verify(
    *,
    since: Annotated[
        datetime | None,
        typer.Option(
            "--since",
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"],
            help="Begin at the newest checkpoint before this moment (UTC); without it, at the first row.",
        ),
    ] = None,
    checkpoints: Annotated[
        str | None,
        typer.Option(
            "--checkpoints",
            metavar="URL",
            help="Folder or bucket of the checkpoints; otherwise that of TELEMETRY_AUDIT__CHECKPOINTS.",
        ),
    ] = None,
) -> None:
    """Verify the audit trail; exit code 1, and the first bad seq, when it is not whole.

    Every row's hash is computed anew and compared with the row after it and with the signed checkpoints outside the
    database; of what happened to the trail's end since the newest checkpoint nothing can be said.
    """
    from telemetry_platform.cli.store_settings import store_settings
    from telemetry_platform.usecases.verify_audit import FULL, SINCE, Scope
    from telemetry_platform.usecases.verify_audit import verify as verify_trail

    scope = Scope(FULL) if since is None else Scope(SINCE, since.replace(tzinfo=UTC))
    found = verify_trail(store_settings(), datetime.now(UTC), scope, checkpoints=checkpoints)
    out.print(told(found), markup=False, soft_wrap=True)
    if not found.ok:
        raise typer.Exit(1)


def told(found: "Verification") -> str:
    """A verification in a line or two."""
    looked_at = (
        f"{found.rows:,} rows ({found.from_seq:,} to {found.to_seq:,}), dropped partitions: {found.anchors:,}, "
        f"checkpoints: {found.checkpoints:,}"
    )
    if found.ok:
        lost = f" Restores that were stated, with rows lost: {found.resumptions}." if found.resumptions else ""
        return f"The audit trail is whole: {looked_at}.{lost}"
    where = "" if found.first_bad_seq is None else f" First bad seq: {found.first_bad_seq}."
    return f"The audit trail is NOT whole: {found.reason}.{where}\nLooked at until then: {looked_at}."


def checkpoint() -> None:
    """Sign where the trail ends now, outside the database; Dagster does it every five minutes."""
    from telemetry_platform.cli.store_settings import store_settings
    from telemetry_platform.usecases.checkpoint_trail import checkpoint as make_checkpoint

    made = make_checkpoint(store_settings(), datetime.now(UTC)).checkpoint
    out.print(f"Checkpoint {made.number}: the trail ends at {made.seq:,}. Signed by {made.key_id}.", markup=False)


def resume(
    *,
    why: Annotated[
        str, typer.Option("--why", help="What was restored and why; it stays in the trail, and names nobody.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """After PostgreSQL was restored from a backup: state that rows which checkpoints had seen are lost.

    Until then nothing is signed and every verification fails; afterwards each one tells of it.
    """
    from telemetry_platform.cli.account import somebody
    from telemetry_platform.cli.store_settings import store_settings
    from telemetry_platform.usecases.own_actions import ActedBy
    from telemetry_platform.usecases.resume_trail import resume_trail

    if not yes:
        typer.confirm("Was this database restored from a backup, and are the rows since then lost for good", abort=True)
    made = resume_trail(store_settings(), why, by=ActedBy(somebody(), "staff"), now=datetime.now(UTC)).checkpoint
    out.print(
        f"Checkpoint {made.number}: the trail goes on from {made.resumes_at:,}; what had been seen behind that is "
        "lost.",
        markup=False,
        soft_wrap=True,
    )


def redact(
    *,
    seq: Annotated[int, typer.Option("--seq", min=1, help="The row's place in the trail.")],
    why: Annotated[str, typer.Option("--why", help="The reason, which stays in the trail; it may name no person.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Blank the details of one row, for what should never have been written there. Cannot be undone; recorded."""
    from telemetry_platform.cli.account import somebody
    from telemetry_platform.cli.store_settings import store_settings
    from telemetry_platform.usecases.own_actions import ActedBy
    from telemetry_platform.usecases.redact_details import redact as blank

    if not yes:
        typer.confirm(f"Blank the details of row {seq} for good", abort=True)
    place = blank(store_settings(), seq, why, by=ActedBy(somebody(), "staff"), now=datetime.now(UTC))
    out.print(f"The details of row {seq:,} are blank; row {place:,} says so.", markup=False)


def new_key(
    file: Annotated[Path, typer.Argument(help="Where to write it; a file that is there stays as it is.")],
) -> None:
    """Make a private key for checkpoints in a new file (mode 0600), and say the id of its public key."""
    from telemetry_platform.errors import ConfigurationError
    from telemetry_platform.processing.signing import read_signer

    text = base64.b64encode(secrets.token_bytes(32)).decode("ascii")
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be made ({error.strerror}): name a new file") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as handle:
        handle.write(text)
    out.print(f"TELEMETRY_AUDIT__SIGNING_KEY_FILE={file.resolve()}", markup=False, soft_wrap=True)
    out.print(f"Its id, for whoever only verifies (TELEMETRY_AUDIT__TRUSTED_KEYS): {read_signer(text, 'it').key_id}")


def key_id() -> None:
    """The id of the public key that belongs to the signing key in use."""
    from telemetry_platform.cli.store_settings import store_settings
    from telemetry_platform.usecases.trail_keys import load_signer

    out.print(load_signer(store_settings().audit).key_id)
