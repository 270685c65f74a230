"""Whether rollups say what their bases say: sampled days with every run of the checks, all days once a week.

Invariant: a check that could not look raises. A day that is due is rebuilt before it is compared: behind is not wrong.
"""

from collections.abc import Iterator
from random import SystemRandom
from typing import Any

import dagster as dg

from telemetry_platform.contracts.rollup_registry import rollups
from telemetry_platform.defs.resources import PlatformResource, log_comment
from telemetry_platform.defs.rollups.comparing import compared_days
from telemetry_platform.defs.rollups.results import CHECK, SENTENCE, evaluation
from telemetry_platform.defs.rollups.specs import rollup_key
from telemetry_platform.defs.safe_errors import safely
from telemetry_platform.errors import TransientError
from telemetry_platform.usecases.rollups.verify import days_of

_SAMPLE = 2
_STEP = "compare_all_days"
_MAX_RUNTIME_SECONDS = 6 * 3600


@dg.multi_asset_check(
    name=CHECK,
    specs=[dg.AssetCheckSpec(CHECK, asset=rollup_key(rollup), description=SENTENCE) for rollup in rollups().values()],
    can_subset=True,
)
@safely
def check_rollups(context: dg.AssetCheckExecutionContext, platform: PlatformResource) -> Iterator[dg.AssetCheckResult]:
    """Compare a sampled day or two of the rollups that were asked for."""
    comment = log_comment(run_id=context.run.run_id, job=context.run.job_name, asset=CHECK)
    asked = {key.asset_key for key in context.selected_asset_check_keys}
    unseen: list[str] = []
    with platform.drain_stores(comment) as stores:
        for rollup in rollups().values():
            if rollup_key(rollup) not in asked:
                continue
            days = days_of(stores, rollup, sample=_SAMPLE, chance=SystemRandom())
            found, moved = compared_days(stores, rollup, days)
            if moved and not found:
                unseen.append(rollup.name)
                continue
            told: Any = evaluation(rollup, found)
            yield dg.AssetCheckResult(**told)
    _refuse_unseen(unseen)


def _refuse_unseen(unseen: list[str]) -> None:
    """One rollup that could not be looked at keeps no other from being looked at, and none is said to be right."""
    if unseen:
        raise TransientError(f"{', '.join(unseen)}: the days changed each time they were looked at; look again")


@dg.op(
    name=_STEP,
    out=dg.Out(dg.Nothing),
    description="Counts every day of every rollup again from its base by another statement, and compares.",
)
@safely
def compare_all_days(
    context: dg.OpExecutionContext, platform: PlatformResource
) -> Iterator[dg.AssetCheckEvaluation | dg.Output[None]]:
    """All of them; a difference is told and left for whoever looks."""
    comment = log_comment(run_id=context.run_id, job=context.job_name, asset=_STEP)
    days = wrong = 0
    unseen: list[str] = []
    with platform.drain_stores(comment) as stores:
        for rollup in rollups().values():
            found, moved = compared_days(stores, rollup, days_of(stores, rollup))
            if moved:
                unseen.append(rollup.name)
            days += len(found)
            wrong += sum(not verdict.matches for verdict in found.values())
            if found or not moved:
                told: Any = evaluation(rollup, found)
                yield dg.AssetCheckEvaluation(**told)
    _refuse_unseen(unseen)
    yield dg.Output(None, metadata={"days_compared": days, "days_that_differ": wrong})


@dg.job(
    name="verify_rollups",
    executor_def=dg.in_process_executor,
    description="Compares all days of all rollups with their bases: the week's reconciliation.",
    run_tags={"dagster/max_runtime": str(_MAX_RUNTIME_SECONDS)},
)
def verify_rollups() -> None:
    """One step."""
    compare_all_days()


weekly_reconciliation = dg.ScheduleDefinition(
    name="weekly_reconciliation",
    job=verify_rollups,
    cron_schedule="41 3 * * 6",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every Saturday night all days, where the checks of the week looked at some.",
)
