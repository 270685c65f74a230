"""The days that new data touched: a job that rebuilds all of them, and the schedule that starts it when there are any.

One job for all rollups and days, and a schedule that skips, because a run costs seconds and history whatever it does:
automation conditions would ask for a run an asset and partition, and a rollup is due only where the drain marked a day.
Invariants: a day that fails keeps no other from its turn, and fails the run in the end; what was rebuilt is shown also
when the run fails.
"""

from collections.abc import Generator, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from math import inf
from random import SystemRandom
from typing import Any

import dagster as dg

from telemetry_platform.contracts.rollup_registry import rollups
from telemetry_platform.defs.landing.drain import EXCLUSIVE_TAG
from telemetry_platform.defs.pace import paced
from telemetry_platform.defs.resources import PlatformResource, log_comment
from telemetry_platform.defs.rollups.comparing import compared_days
from telemetry_platform.defs.rollups.results import days_table, evaluation, materialization
from telemetry_platform.defs.safe_errors import only_safe_errors, safely
from telemetry_platform.errors import PermanentError, PlatformError
from telemetry_platform.processing.history import Pace
from telemetry_platform.settings import load
from telemetry_platform.stores import rollup_marks, rollup_tables
from telemetry_platform.usecases.drain.stores import DrainStores
from telemetry_platform.usecases.rollups.rebuild import Rebuilt, rebuild_day
from telemetry_platform.usecases.rollups.touched import due_days

JOB = "rebuild_touched_days"
_STEP = "rebuild_due_days"
_BUDGET = timedelta(minutes=10)
"""What a run does not get done is as due as before, and the next one's."""
_OVERTIME_SECONDS = 300
_HOUR = 60


@dg.op(
    name=_STEP,
    out=dg.Out(dg.Nothing),
    description="Rebuilds every day of every rollup whose base was changed since, the longest due first.",
)
@safely
def rebuild_due_days(
    context: dg.OpExecutionContext, platform: PlatformResource
) -> Iterator[dg.AssetMaterialization | dg.AssetCheckEvaluation | dg.Output[None]]:
    """Events are yielded: what the context is told in a step that fails is never shown."""
    comment = log_comment(run_id=context.run_id, job=context.job_name, asset=_STEP)
    made: list[Rebuilt] = []
    failed: dict[str, str] = {}
    until, left = datetime.now(UTC) + _BUDGET, 0
    with only_safe_errors(lambda: inf), platform.drain_stores(comment) as stores:
        rollup_tables.drop_forgotten(stores.warehouse, datetime.now(UTC))
        with stores.postgres() as conn:
            due = due_days(conn)
        for number, (name, day, since) in enumerate(due):
            if datetime.now(UTC) > until:
                left = len(due) - number
                break
            try:
                made.append(rebuild_day(stores, rollups()[name], day, run_id=context.run_id, now=datetime.now(UTC)))
            except PlatformError as error:
                failed[f"{name} {day}"] = str(error)
                continue
            yield materialization(made[-1], lag=datetime.now(UTC) - since)
        compared = yield from _sampled(stores, made)
    context.log.info(
        "%d days rebuilt, %d failed, %d left to the next run; %d compared", len(made), len(failed), left, compared
    )
    if failed:
        told = "; ".join(f"{day}: {why}" for day, why in failed.items())
        raise PermanentError(f"{len(failed)} of {len(due)} days could not be rebuilt and stay due: {told}")
    yield dg.Output(
        None,
        metadata={
            "days_rebuilt": len(made),
            "days_left": left,
            "days_compared": compared,
            "seconds": round(sum(one.seconds for one in made), 3),
            "days": days_table(made),
        },
    )


def _sampled(stores: DrainStores, made: Sequence[Rebuilt]) -> Generator[dg.AssetCheckEvaluation, None, int]:
    """Compare one day of each rollup that was rebuilt, whichever; how many were.

    A day that does not stand still, since a drain writes it, is left to a later run and to the hourly checks, which
    raise: figures that were just rebuilt are no worse for it.
    """
    days: dict[str, list[date]] = {}
    for one in made:
        days.setdefault(one.rollup, []).append(one.day)
    compared = 0
    for name, known in days.items():
        rollup = rollups()[name]
        with stores.postgres() as conn:
            # With those that differed: a green of this day alone would stand over their red.
            wrong = rollup_marks.differing(conn, name)
        found, moved = compared_days(stores, rollup, sorted({SystemRandom().choice(known), *wrong}))
        if moved or not found:
            continue
        compared += 1
        told: Any = evaluation(rollup, found)
        yield dg.AssetCheckEvaluation(**told)
    return compared


@dg.job(
    name=JOB,
    executor_def=dg.in_process_executor,
    description="Rebuilds the days of rollups that new, moved or erased data touched; nothing else.",
    run_tags={
        "dagster/max_runtime": str(int(_BUDGET.total_seconds()) + _OVERTIME_SECONDS),
        EXCLUSIVE_TAG: "rollups",
        **paced(Pace.FREQUENT),
    },
)
def rebuild_touched_days() -> None:
    """One step."""
    rebuild_due_days()


def cron(every_minutes: int) -> str:
    """As often as the setting says; from an hour on, by whole hours."""
    return f"*/{every_minutes} * * * *" if every_minutes < _HOUR else f"0 */{min(every_minutes // _HOUR, 23)} * * *"


@dg.schedule(
    name="frequent_rebuilds",
    job=rebuild_touched_days,
    cron_schedule=cron(load().rollups.every_minutes),
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every few minutes, where a day is due: figures are never further behind their tables than that.",
)
@safely
def frequent_rebuilds(
    context: dg.ScheduleEvaluationContext, platform: PlatformResource
) -> dg.RunRequest | dg.SkipReason:
    """Look at the marks; one short question to PostgreSQL."""
    with platform.ledger() as conn:
        due = due_days(conn)
    if not due:
        return dg.SkipReason("no day of a rollup is behind its table")
    unended = dg.RunsFilter(
        job_name=JOB,
        statuses=[
            dg.DagsterRunStatus.QUEUED,
            dg.DagsterRunStatus.NOT_STARTED,
            dg.DagsterRunStatus.STARTING,
            dg.DagsterRunStatus.STARTED,
        ],
    )
    if context.instance.get_runs_count(unended):
        return dg.SkipReason(f"{len(due)} days are due, and a run is at work or waits")
    return dg.RunRequest()
