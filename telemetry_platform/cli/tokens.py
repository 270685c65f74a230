"""`telemetry token`: development tokens, for local profiles only."""

import time
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from telemetry_platform.cli.options import ProfileOption, state_of
from telemetry_platform.errors import ConfigurationError
from telemetry_platform.settings import Settings, TokenSettings

_ROLES = ("patient", "staff", "service", "analyst", "support", "compliance", "admin")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="This machine")(token)


def token(  # noqa: PLR0913, PLR0917 - one parameter an option
    role: Annotated[
        list[str], typer.Option("--role", metavar="ROLE", help=f"{', '.join(_ROLES)}; give it again for more roles.")
    ],
    sub: Annotated[
        str, typer.Option("--sub", metavar="ID", help="User id of the token's holder; synthetic ids only.")
    ] = "dev-user",
    org: Annotated[str, typer.Option("--org", metavar="ID", help="Organisation of the token's holder.")] = "dev-org",
    purpose: Annotated[
        list[str] | None,
        typer.Option(
            "--purpose",
            metavar="NAME",
            help="What the holder agreed to by name, e.g. pose; give it again for more, an empty text for none. "
            "A patient's token carries pose unless you say otherwise.",
        ),
    ] = None,
    hours: Annotated[
        float, typer.Option("--hours", metavar="HOURS", min=0.01, max=720, help="How long the token is valid.")
    ] = 12.0,
    profile: ProfileOption = "up",
) -> None:
    """Print a token for the API of a local platform, signed with the profile's own secret.

    curl -H "Authorization: Bearer $(telemetry token --role patient)" http://127.0.0.1:8080/...
    """
    wrong = sorted(set(role) - set(_ROLES))
    if wrong:
        raise ConfigurationError(f"--role is one of {', '.join(_ROLES)}")
    state = state_of(profile)
    if not (state.path / "secrets.json").exists():
        raise ConfigurationError(f"the profile `{state.profile}` was never started: run `telemetry up` first")
    claims = {"sub": sub, "org_id": org, "roles": role, "purposes": purposes_of(role, purpose)}
    typer.echo(signed(claims, Settings().api.token, state.secrets()["jwt"], time.time(), hours * 3600))


def purposes_of(roles: Sequence[str], asked: Sequence[str] | None) -> list[str]:
    """The claim `purposes`: what was asked for; nothing asked: a patient's own."""
    if asked is None:
        return ["pose"] if "patient" in roles else []
    return [purpose for purpose in asked if purpose]


def signed(
    claims: Mapping[str, object], expected: TokenSettings, secret: str, now: float, lifetime_seconds: float
) -> str:
    """A token with these claims that an API with the same secret accepts for so long from `now` on."""
    import jwt

    times = {"iat": int(now), "exp": int(now + lifetime_seconds)}
    return jwt.encode({**claims, **times, "iss": expected.issuer, "aud": expected.audience}, secret, algorithm="HS256")
