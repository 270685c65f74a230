"""`telemetry canary`: send marks of personal data through a running platform and look for them in all that rests."""

import secrets
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from telemetry_platform.cli.console import out
from telemetry_platform.cli.options import state_of
from telemetry_platform.errors import ConfigurationError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from telemetry_platform.contracts.event_kind import Role
    from telemetry_platform.settings import Settings
    from telemetry_platform.usecases.canary.run import CanaryReport
    from telemetry_platform.usecases.canary.searching import Reach
    from telemetry_platform.usecases.canary.sending import Speaker

_POLL_SECONDS = 0.5
_TOKEN_SECONDS = 900.0
_SHORTEST_ID = 12
"""A shorter user id would be found by chance."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Data")(canary)


def canary(
    profile: Annotated[
        str, typer.Option("--profile", metavar="PROFILE", help="The local platform; not for real servers.")
    ] = "",
    patience: Annotated[
        float, typer.Option("--patience", metavar="SECONDS", min=1, help="How long to wait until all is drained.")
    ] = 120.0,
) -> None:
    """Send events of every kind with unique marks and search everything at rest for them; exit code 1 for any find.

    The local platform is searched decoded and raw, with a mark planted in every store to show that it would be found.
    Of real servers (TELEMETRY_...__URL, and TELEMETRY_CANARY__URL and TELEMETRY_CANARY__TOKEN_FILE for the API) the
    databases are searched as far as the settings' roles may read; what could not be searched is named.
    """
    from telemetry_platform.usecases.canary.marks import Marks
    from telemetry_platform.usecases.canary.run import run_canary
    from telemetry_platform.usecases.canary.sending import Sender

    settings, base_url, reach, speaker_of = _local(profile) if profile or _is_local() else _remote()
    org_id = f"canary-{secrets.token_hex(4)}"
    moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    marks = Marks(secrets.token_bytes)
    with out.status("sending, waiting for the drain, searching"):
        report = run_canary(
            marks,
            lambda into: Sender(base_url, into, moment, org_id, lambda *asked: speaker_of(org_id, *asked)).send(),
            lambda: _wait_until_drained(settings, patience),
            reach,
        )
    _record(settings, report)
    _show(report)
    if not report.is_clean:
        raise typer.Exit(1)


def _is_local() -> bool:
    from telemetry_platform import settings

    return not settings.is_configured()


def _local(
    profile: str,
) -> "tuple[Settings, str, Reach, Callable[[str, frozenset[Role], str], Speaker | None]]":
    """The platform of a profile, with tokens signed by its own secret: each for a new person of a new tenant."""
    from telemetry_platform.cli.canary_reach import local_reach
    from telemetry_platform.cli.local import local_platform
    from telemetry_platform.cli.tokens import signed
    from telemetry_platform.usecases.canary.sending import Speaker

    state = state_of(profile or "up")
    if not (state.path / "secrets.json").exists():
        raise ConfigurationError(f"the profile `{state.profile}` was never started: run `telemetry up` first")
    platform = local_platform(state)
    settings = platform.environment().settings()

    def speaker(org_id: str, roles: "frozenset[Role]", user_id: str) -> Speaker:
        claims = {"sub": user_id, "org_id": org_id, "roles": sorted(roles), "purposes": ["pose"]}
        token = signed(claims, settings.api.token, state.secrets()["jwt"], time.time(), _TOKEN_SECONDS)
        return Speaker(token, user_id)

    return settings, platform.addresses()["API"], local_reach(platform.environment()), speaker


def _remote() -> "tuple[Settings, str, Reach, Callable[[str, frozenset[Role], str], Speaker | None]]":
    """Real servers, with the tokens of a file, one a line: whoever made them chose their persons and their tenant."""
    import jwt

    from telemetry_platform.cli.canary_reach import settings_reach
    from telemetry_platform.settings import load
    from telemetry_platform.usecases.canary.sending import Speaker

    settings = load()
    file, url = settings.canary.token_file, settings.canary.url
    if file is None or url is None:
        raise ConfigurationError(
            "set TELEMETRY_CANARY__URL to the API's address and TELEMETRY_CANARY__TOKEN_FILE to a file with tokens of "
            "a tenant of its own, one a line: one of a patient, one of a service"
        )
    tokens = file.read_text(encoding="ascii").split()
    claims = [jwt.decode(token, options={"verify_signature": False}) for token in tokens]
    if any(len(str(each.get("sub", ""))) < _SHORTEST_ID for each in claims):
        raise ConfigurationError(f"the tokens' `sub` must be random, of at least {_SHORTEST_ID} characters")

    def speaker(_org_id: str, roles: "frozenset[Role]", _user_id: str) -> Speaker | None:
        return next(
            (
                Speaker(token, str(each["sub"]))
                for token, each in zip(tokens, claims, strict=True)
                if not roles.isdisjoint(each.get("roles", ()))
            ),
            None,
        )

    return settings, url, settings_reach(settings), speaker


def _wait_until_drained(settings: "Settings", patience: float) -> None:
    from telemetry_platform.stores import postgres, redis
    from telemetry_platform.usecases.queue_left import queue_left

    address = settings.postgres.read_url or settings.postgres.url
    deadline = time.monotonic() + patience
    with (
        redis.connect(settings.redis) as client,
        postgres.connect(address.get_secret_value(), autocommit=True) as connection,
    ):
        while left := queue_left(client, connection, settings):
            if time.monotonic() > deadline:
                raise TransientError(
                    f"{left.entries:,} entries wait in the queue: is the drain running (Dagster's daemon, or "
                    "`telemetry drain`)? Marks in the queue are not at rest yet"
                )
            time.sleep(_POLL_SECONDS)


def _record(settings: "Settings", report: "CanaryReport") -> None:
    from telemetry_platform.stores import postgres
    from telemetry_platform.usecases.canary.run import record_run
    from telemetry_platform.usecases.ensure_keys import load_key_ring

    with postgres.connect(settings.postgres, application="telemetry-canary") as connection:
        record_run(connection, load_key_ring(connection, settings.keys), report, datetime.now(UTC))


def _show(report: "CanaryReport") -> None:
    """What was searched, store by store; then what is wrong, without a mark itself."""
    table = Table("store", "how", "tables or files", "MB", "marks found", box=None, pad_edge=False)
    for looked in report.looked:
        found = sum(one.store == looked.store and one.how == looked.how for one in report.sightings)
        said = "not searched" if looked.failure else str(found)
        table.add_row(looked.store, looked.how, f"{looked.parts:,}", f"{looked.size / 1e6:,.1f}", said)
    out.print(table)
    for one in report.sightings:
        out.print(f"  found {one.count:,}x: {one.hit.mark.where} ({one.hit.form}) in {one.hit.place}", markup=False)
    for failure in report.failures:
        out.print(f"  {failure}", markup=False)
    for place in report.out_of_reach:
        out.print(f"  out of reach from here: {place}", markup=False)
    seen = len(report.plants) - len(report.unseen)
    out.print(
        f"{len(report.sent.kinds)} kinds and {report.sent.refused} refused requests carried {report.marks:,} marks; "
        f"{len(report.sightings)} rest where they must not; {seen} of {len(report.plants)} planted ones were found.",
        markup=False,
        soft_wrap=True,
    )
