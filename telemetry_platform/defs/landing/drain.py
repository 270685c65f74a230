"""The drain of all landing streams as one step, and the two jobs that are made of it.

Invariants: one run at a time (a lease in PostgreSQL decides, Dagster's tag limit only saves waiting); a run is one step
that lives for its budget, never one run per event; what reaches Dagster is counts, never anything of an event.
"""

import time
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import TypeAlias

import dagster as dg
from pydantic import Field

from telemetry_platform.contracts.event_kind import EventKind, Store
from telemetry_platform.contracts.registry import tables
from telemetry_platform.defs.events.checks import AFTER_A_DRAIN, check_result, table_check_specs, table_rules
from telemetry_platform.defs.events.specs import table_specs
from telemetry_platform.defs.keys import HEARTBEAT
from telemetry_platform.defs.landing.budget import Budget
from telemetry_platform.defs.landing.queues import streams
from telemetry_platform.defs.landing.results import heartbeat_result, queue_observations, table_results
from telemetry_platform.defs.operations.heartbeat import heartbeat_spec
from telemetry_platform.defs.pace import paced
from telemetry_platform.defs.resources import PlatformResource, log_comment
from telemetry_platform.defs.safe_errors import only_safe_errors, safely
from telemetry_platform.errors import PlatformError
from telemetry_platform.processing.history import Pace
from telemetry_platform.settings import load
from telemetry_platform.stores import landing_queue
from telemetry_platform.stores.landing_queue import Backlog
from telemetry_platform.usecases.check_tables import LATE_WINDOW
from telemetry_platform.usecases.drain.report import DrainReport
from telemetry_platform.usecases.drain.run import drain

Result: TypeAlias = dg.MaterializeResult[None] | dg.AssetCheckResult | dg.AssetObservation

DRAIN_STEP = "drain_streams"
EXCLUSIVE_TAG = "telemetry/exclusive"
"""`dagster.yaml` lets one run at a time carry each value of it."""
DRAINED_TAG = "telemetry/drained"
"""On a run that is done with draining: it holds no lease, and is alive all the same while it looks at the tables."""
_OVERTIME_SECONDS = 60
"""Dagster ends a run that outlives its budget by this: the last batch may still be on its way, a hung run may not."""
_QUEUE_TIMEOUT_SECONDS = 5.0


class DrainConfig(dg.Config):
    """How one drain runs; addresses, limits and secrets are settings."""

    until_idle: bool = Field(
        default=False,
        description=(
            "End as soon as the queue is empty, instead of waiting for new entries until the budget is spent. "
            "For quiet times and for runs by hand."
        ),
    )


@dg.multi_asset(
    name=DRAIN_STEP,
    specs=[*table_specs(), heartbeat_spec()],
    check_specs=list(table_check_specs()),
    can_subset=True,
    description=(
        "Moves what waits in the landing streams into the tables, exactly once in effect, folds the sessions that were "
        "touched, and looks at the tables that got rows. Selecting some tables only chooses what is reported: the "
        "queue is always drained as a whole. Selecting only checks looks without draining."
    ),
)
@safely
def drain_streams(
    context: dg.AssetExecutionContext, config: DrainConfig, platform: PlatformResource
) -> Iterator[Result]:
    """Drain when tables are selected; then check the tables that got rows, or, without a drain, all selected ones."""
    selected = context.op_execution_context.selected_asset_keys
    wanted = context.op_execution_context.selected_asset_check_keys
    since = datetime.now(UTC) - LATE_WINDOW
    if not selected:
        _tag_as_drained(context)
    else:
        since = datetime.now(UTC) - AFTER_A_DRAIN
        report = _drained(context, config, platform)
        fed = {result.asset_key: result for result in table_results(report, _row_counts(context, platform, report))}
        yield from (result for key, result in fed.items() if key in selected)
        wanted = {key for key in wanted if key.asset_key in fed}
        yield from queue_observations(*_backlog(platform))
        if HEARTBEAT in selected:
            yield heartbeat_result(report)
    yield from _looked(context, platform, wanted, since)


def _drained(context: dg.AssetExecutionContext, config: DrainConfig, platform: PlatformResource) -> DrainReport:
    run_id = context.run.run_id
    comment = log_comment(run_id=run_id, job=context.job_name, asset="/".join(HEARTBEAT.path))
    budget = Budget(_begun(context), platform.settings.drain.budget_seconds)
    try:
        with only_safe_errors(lambda: budget.left(time.time())), platform.drain_stores(comment) as stores:
            return drain(
                stores,
                budget.limit(platform.settings, time.time()),
                holder=f"dagster run {run_id}",
                run_id=run_id,
                until_idle=config.until_idle,
            )
    finally:
        # Also before the step is tried again: until then it waits without a lease.
        _tag_as_drained(context)


def _begun(context: dg.AssetExecutionContext) -> float:
    """When the run began, whichever try of its step this is."""
    record = context.instance.get_run_record_by_id(context.run.run_id)
    return record.start_time if record and record.start_time else time.time()


def _tag_as_drained(context: dg.AssetExecutionContext) -> None:
    """Tell the sensor not to look for this run's lease any more."""
    context.instance.add_run_tags(context.run.run_id, {DRAINED_TAG: "true"})


def _row_counts(context: dg.AssetExecutionContext, platform: PlatformResource, report: DrainReport) -> dict[str, int]:
    """How many rows the tables that got some now have. What cannot be counted is left out: the rows are stored."""
    found: dict[str, int] = {}
    for store in Store:
        fed = [table for name, table in tables().items() if table.store is store and name in report.tables]
        try:
            with platform.tables(store, _comment(context, "row_count")) as at_rest:
                found |= {table.name: at_rest.count_rows(table) for table in fed}
        except PlatformError as error:
            context.log.warning("rows in %s were not counted: %s", store.value, error)
    return found


def _looked(
    context: dg.AssetExecutionContext,
    platform: PlatformResource,
    wanted: AbstractSet[dg.AssetCheckKey],
    since: datetime,
) -> Iterator[dg.AssetCheckResult]:
    """The results of the wanted checks, one connection for each store."""
    rules = table_rules()
    keys = {store: [key for key in wanted if rules[key][0].store is store] for store in Store}
    for store, some in keys.items():
        if some:
            with platform.tables(store, _comment(context, "checks")) as at_rest:
                for key in sorted(some):
                    yield check_result(key, at_rest, since=since)


def _backlog(platform: PlatformResource) -> tuple[dict[str, EventKind], Mapping[str, Backlog]]:
    known = streams(platform.settings.redis.shards)
    with platform.queue_client(timeout_seconds=_QUEUE_TIMEOUT_SECONDS) as client:
        return known, landing_queue.backlog(client, list(known))


def _comment(context: dg.AssetExecutionContext, asset: str) -> str:
    return log_comment(run_id=context.run.run_id, job=context.job_name, asset=asset)


drain_landing = dg.define_asset_job(
    "drain_landing",
    # Without the checks that are steps of their own: a drain is one step.
    selection=dg.AssetSelection.assets(*(spec.key for spec in table_specs()), HEARTBEAT).without_checks()
    | dg.AssetSelection.checks(*table_rules()),
    executor_def=dg.in_process_executor,
    description="Drains all landing streams for ten minutes, or until they are empty; then looks at what it stored.",
    run_tags={
        "dagster/max_runtime": str(int(load().drain.budget_seconds) + _OVERTIME_SECONDS),
        EXCLUSIVE_TAG: "drain",
        **paced(Pace.FREQUENT),
    },
)
