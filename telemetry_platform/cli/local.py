"""The local platform as commands see it: a profile's services, told where simulated patients are.

A real geo database in the settings is left alone; without one, a local platform gets the small one that knows the
simulator's networks, so that answers by country have something to say.
"""

from collections.abc import Mapping
from typing import Any

from telemetry_platform.embedded.platform import Platform
from telemetry_platform.embedded.state import StateFolder
from telemetry_platform.embedded.supervisor import Reporter, SilentReporter
from telemetry_platform.settings import Settings
from telemetry_platform.simulate.geo_database import write_geo_database


def local_platform(state: StateFolder, reporter: Reporter | None = None) -> Platform:
    """The platform of a profile; its state folder exists when the platform is to be started."""
    given = Settings()
    extra = simulated_places(state, given) if state.path.exists() else {}
    return Platform(state, given, reporter or SilentReporter(), extra)


def simulated_places(state: StateFolder, given: Settings) -> Mapping[str, Any]:
    """The setting that names the simulator's geo database, which is written when it is not there."""
    if given.geo.database is not None:
        return {}
    path = state.path / "geo.mmdb"
    if not path.exists():
        write_geo_database(path)
    return {"geo": {"database": str(path)}}
