"""The rollups as assets, one partition a UTC day: whoever materialises days in the UI rebuilds them.

Invariant: a run over a range of days is one run and one step, each day swapped in by itself: a run that is
ended in the middle leaves whole days only.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from math import inf

import dagster as dg

from telemetry_platform.contracts.rollup_registry import rollups
from telemetry_platform.defs.resources import PlatformResource, log_comment
from telemetry_platform.defs.rollups.results import days_table
from telemetry_platform.defs.rollups.specs import rollup_key, rollup_spec
from telemetry_platform.defs.safe_errors import only_safe_errors, safely
from telemetry_platform.usecases.rollups.rebuild import rebuild_day

_MAX_RUNTIME_SECONDS = 6 * 3600


@dg.multi_asset(
    name="rebuild_rollups",
    specs=[rollup_spec(rollup) for rollup in rollups().values()],
    can_subset=True,
    # A range is one run: a run for each of 700 days would be more history than data.
    backfill_policy=dg.BackfillPolicy.single_run(),
    description="Counts whole UTC days again from the deduplicated tables and swaps each in at once.",
)
@safely
def rebuild_rollups(
    context: dg.AssetExecutionContext, platform: PlatformResource
) -> Iterator[dg.MaterializeResult[None]]:
    """The selected rollups, each over all days that were asked for."""
    selected = context.op_execution_context.selected_asset_keys
    days = [date.fromisoformat(key) for key in context.partition_keys]
    for rollup in rollups().values():
        if rollup_key(rollup) not in selected:
            continue
        comment = log_comment(run_id=context.run.run_id, job=context.job_name, asset=rollup.name)
        with only_safe_errors(lambda: inf), platform.drain_stores(comment) as stores:
            made = [rebuild_day(stores, rollup, day, run_id=context.run.run_id, now=datetime.now(UTC)) for day in days]
        yield dg.MaterializeResult(
            asset_key=rollup_key(rollup),
            metadata={
                "dagster/partition_row_count" if len(days) == 1 else "rows": sum(one.rows for one in made),
                "seconds": round(sum(one.seconds for one in made), 3),
                "days": days_table(made),
            },
        )


rebuild_days = dg.define_asset_job(
    "rebuild_day",
    selection=dg.AssetSelection.assets(rebuild_rollups).without_checks(),
    executor_def=dg.in_process_executor,
    description="Rebuilds one UTC day, or a range of them, of all rollups or those that are selected, due or not.",
    run_tags={"dagster/max_runtime": str(_MAX_RUNTIME_SECONDS)},
)
