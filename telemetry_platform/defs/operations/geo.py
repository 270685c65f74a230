"""Whether the geo database answers: where it does not, countries and regions are NULL and nothing else shows it.

Invariant: events never depend on it, so that the check warns and blocks nothing.
"""

import dagster as dg

from telemetry_platform.defs.keys import HEARTBEAT
from telemetry_platform.defs.resources import PlatformResource
from telemetry_platform.defs.safe_errors import safely
from telemetry_platform.stores.geo import Geo, GeoState

GEO = "geo_database_answers"


@dg.asset_check(
    name=GEO,
    asset=HEARTBEAT,
    description=(
        "The geo database answers for IPv4 and IPv6 addresses, or none is set: drains know the country of an address "
        "where it can be known. Red, events are stored all the same, with NULL for country and region."
    ),
)
@safely
def check_geo(platform: PlatformResource) -> dg.AssetCheckResult:
    """Open the file as a drain does."""
    health = Geo(platform.settings.geo.database).health
    return dg.AssetCheckResult(
        passed=health.state in {GeoState.ANSWERS, GeoState.OFF},
        severity=dg.AssetCheckSeverity.WARN,
        description=health.message,
        metadata={"state": health.state.value},
    )
