"""Two clocks for quiet times: one drains although nothing waits, one looks at tables that nobody touched."""

import dagster as dg

from telemetry_platform.defs.landing.drain import DRAIN_STEP, drain_landing
from telemetry_platform.defs.landing.lookout import holding
from telemetry_platform.defs.pace import paced
from telemetry_platform.defs.resources import PlatformResource
from telemetry_platform.defs.safe_errors import safely
from telemetry_platform.processing.history import Pace
from telemetry_platform.stores import lease

check_tables = dg.define_asset_job(
    "check_tables",
    selection=dg.AssetSelection.all_asset_checks(),
    executor_def=dg.in_process_executor,
    description="Looks at every table and every queue: all checks, without draining anything.",
    run_tags={"dagster/max_runtime": "1800", **paced(Pace.FREQUENT)},
)

hourly_checks = dg.ScheduleDefinition(
    name="hourly_checks",
    job=check_tables,
    # Off the hour, when every other schedule of a company starts.
    cron_schedule="7 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="A table that got no rows is looked at by no drain: the checks of all of them run every hour.",
)


@dg.schedule(
    job=drain_landing,
    cron_schedule="*/30 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description=(
        "A drain on a quiet platform: it ends views that fell silent, which only shows when nothing comes, and "
        "keeps the heartbeat, so that silence and standstill can be told apart."
    ),
)
@safely
def quiet_drains(platform: PlatformResource) -> dg.RunRequest | dg.SkipReason:
    """A short drain, unless one is at work: then the platform is not quiet."""
    with platform.ledger() as connection:
        held = holding(lease.latest(connection, lease.DRAIN), platform.settings.drain.lease_seconds)
    if held is not None and held.is_held:
        return dg.SkipReason("a drain is at work")
    return dg.RunRequest(run_config={"ops": {DRAIN_STEP: {"config": {"until_idle": True}}}})
