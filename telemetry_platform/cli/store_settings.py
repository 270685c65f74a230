"""The settings of commands that work on the stores: the environment's, or the running local platform's.

Invariant: whoever set any variable of ours gets exactly what he set; only a terminal without one means `make up`.
"""

from telemetry_platform import settings
from telemetry_platform.cli.options import state_of


def store_settings(profile: str = "up") -> settings.Settings:
    """The environment's settings; without any, those of a local profile, if it was ever started."""
    if not settings.is_configured():
        state = state_of(profile)
        if (state.path / "secrets.json").exists():
            from telemetry_platform.cli.local import local_platform

            return local_platform(state).environment().settings()
    return settings.load()
