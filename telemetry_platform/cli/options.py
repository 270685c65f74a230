"""Options that several commands share, and how their text becomes what the code works with."""

from typing import Annotated

import typer

from telemetry_platform.embedded.state import PROFILES, Profile, StateFolder, project_root
from telemetry_platform.errors import ConfigurationError

ProfileOption = Annotated[
    str,
    typer.Option(
        "--profile",
        metavar="PROFILE",
        help=f"Which local platform of this checkout: {', '.join(PROFILES)}. They run beside one another.",
        show_default=True,
    ),
]


def profile_of(text: str) -> Profile:
    """The profile, or an error that names the choices."""
    if text not in PROFILES:
        raise ConfigurationError(f"--profile is one of {', '.join(PROFILES)}")
    return text


def state_of(text: str) -> StateFolder:
    """The state folder of a profile of this checkout."""
    return StateFolder(project_root(), profile_of(text))
