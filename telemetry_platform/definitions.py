"""Dagster's front door: everything of `defs/`, and the platform as its one resource.

Invariant: loading this needs no running service and no secret, so that a store that is down never empties the UI.
"""

from dagster import Definitions, definitions, in_process_executor

from telemetry_platform.defs.compliance.attacks import check_attacks
from telemetry_platform.defs.compliance.coverage import check_coverage
from telemetry_platform.defs.compliance.erasures import check_gone, erase_subjects, erasures_wait
from telemetry_platform.defs.compliance.exclusions import (
    check_exclusions,
    check_refused_networks,
    daily_exclusions,
    exclusions_were_never_loaded,
    fetch_exclusions,
    sync_exclusions_job,
    weekly_exclusions,
)
from telemetry_platform.defs.compliance.holds import check_holds
from telemetry_platform.defs.compliance.intake import check_intake
from telemetry_platform.defs.compliance.keys import (
    check_destruction,
    check_known,
    check_rotation,
    daily_rotation,
    rotate_keys,
)
from telemetry_platform.defs.compliance.retention import (
    check_chain,
    check_retention,
    enforce_retention,
    nightly_retention,
    proofs_spec,
)
from telemetry_platform.defs.compliance.trail import (
    check_guards,
    check_trail,
    checkpoint_trail,
    checkpoints,
    verify_trail,
    weekly_verification,
)
from telemetry_platform.defs.events.rejects import check_rejects
from telemetry_platform.defs.landing.checks import check_queues
from telemetry_platform.defs.landing.drain import drain_landing, drain_streams
from telemetry_platform.defs.landing.queues import queue_specs
from telemetry_platform.defs.landing.sensor import landing_has_events
from telemetry_platform.defs.operations.dead_letters import handle_dead_letters
from telemetry_platform.defs.operations.geo import check_geo
from telemetry_platform.defs.operations.history import check_history, nightly_purge, purge_dagster_history
from telemetry_platform.defs.operations.partitions import check_partitions, make_partitions_ahead, nightly_partitions
from telemetry_platform.defs.operations.schedules import check_tables, hourly_checks, quiet_drains
from telemetry_platform.defs.resources import PlatformResource
from telemetry_platform.defs.rollups.fresh import check_freshness
from telemetry_platform.defs.rollups.live import check_live, live_specs
from telemetry_platform.defs.rollups.rebuild import rebuild_days, rebuild_rollups
from telemetry_platform.defs.rollups.touched import frequent_rebuilds, rebuild_touched_days
from telemetry_platform.defs.rollups.verify import check_rollups, verify_rollups, weekly_reconciliation
from telemetry_platform.logs import guard


@definitions
def defs() -> Definitions:
    """Queues, tables, checks, jobs, and what starts them."""
    guard()
    return Definitions(
        assets=[*queue_specs(), drain_streams, proofs_spec, fetch_exclusions, rebuild_rollups, *live_specs],
        asset_checks=[
            check_attacks,
            check_coverage,
            check_exclusions,
            check_gone,
            check_holds,
            check_refused_networks,
            check_geo,
            check_queues,
            check_rejects,
            check_destruction,
            check_known,
            check_rotation,
            check_history,
            check_trail,
            check_guards,
            check_intake,
            check_partitions,
            check_retention,
            check_chain,
            check_rollups,
            check_live,
            check_freshness,
        ],
        jobs=[
            drain_landing,
            check_tables,
            handle_dead_letters,
            erase_subjects,
            rotate_keys,
            sync_exclusions_job,
            purge_dagster_history,
            make_partitions_ahead,
            checkpoint_trail,
            verify_trail,
            enforce_retention,
            rebuild_days,
            rebuild_touched_days,
            verify_rollups,
        ],
        sensors=[landing_has_events, exclusions_were_never_loaded, erasures_wait],
        schedules=[
            hourly_checks,
            quiet_drains,
            daily_rotation,
            weekly_exclusions,
            daily_exclusions,
            nightly_purge,
            nightly_partitions,
            checkpoints,
            weekly_verification,
            nightly_retention,
            frequent_rebuilds,
            weekly_reconciliation,
        ],
        resources={"platform": PlatformResource()},
        # A step is one store's work in bulk: a process for each would only add seconds of start.
        executor=in_process_executor,
    )
