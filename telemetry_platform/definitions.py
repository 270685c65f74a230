"""Dagster's front door: everything of `defs/`, and the platform as its one resource.

Invariant: loading this needs no running service and no secret, so that a store that is down never empties the UI.
"""

from dagster import Definitions, definitions, in_process_executor

from telemetry_platform.defs.events.rejects import check_rejects
from telemetry_platform.defs.landing.checks import check_queues
from telemetry_platform.defs.landing.drain import drain_landing, drain_streams
from telemetry_platform.defs.landing.queues import queue_specs
from telemetry_platform.defs.landing.sensor import landing_has_events
from telemetry_platform.defs.operations.dead_letters import handle_dead_letters
from telemetry_platform.defs.operations.geo import check_geo
from telemetry_platform.defs.operations.schedules import check_tables, hourly_checks, quiet_drains
from telemetry_platform.defs.resources import PlatformResource


@definitions
def defs() -> Definitions:
    """Queues, tables, checks, jobs, and what starts them."""
    return Definitions(
        assets=[*queue_specs(), drain_streams],
        asset_checks=[check_geo, check_queues, check_rejects],
        jobs=[drain_landing, check_tables, handle_dead_letters],
        sensors=[landing_has_events],
        schedules=[hourly_checks, quiet_drains],
        resources={"platform": PlatformResource()},
        # A step is one store's work in bulk: a process for each would only add seconds of start.
        executor=in_process_executor,
    )
