"""Dagster's own history: pruned every night, and a check that it stays within a stated bound.

Dagster purges ticks of what still ticks, and nothing else. Invariants: what was done is proved by the platform's own
tables, so that history may go; a run that is at work, and the last one of everything, never does.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import inf

import dagster as dg
from pydantic import Field

from telemetry_platform.defs.keys import HEARTBEAT
from telemetry_platform.defs.operations.history_sizes import EVENTS, RUNS, TICKS, free_space, sizes
from telemetry_platform.defs.operations.history_storage import History
from telemetry_platform.defs.resources import PlatformResource
from telemetry_platform.defs.safe_errors import only_safe_errors, safely
from telemetry_platform.processing.history import (
    Bound,
    Keeping,
    Pace,
    PastRun,
    TableSize,
    excesses,
    expendable,
    overdue,
)
from telemetry_platform.settings import HistorySettings

BOUNDED = "dagster_history_is_bounded"
_MAX_RUNTIME_SECONDS = 3600
_WORKING_SECONDS = 3000.0
"""What a night does not get done is left to the next one."""
_LATE = timedelta(days=3)
"""So long runs may be due before the check says that nothing prunes them."""
_DAY_OF_RUNS = 1000


class PurgeConfig(dg.Config):
    """How much is forgotten at once."""

    dry_run: bool = Field(
        default=True, description="Count what would go, and change nothing. Set it to false to do it."
    )
    limit: int = Field(default=20_000, ge=1, description="At most so many runs in one go, the oldest first.")
    batch: int = Field(default=200, ge=1, le=1000, description="Runs between two looks at the clock.")


@dg.op(
    name="forget_old_runs",
    out=dg.Out(dg.Nothing),
    description=(
        "Counts the runs whose days are over, by job; unless it is a dry run, deletes them with their events, "
        "evaluations and files, and what earlier deletions left behind."
    ),
)
@safely
def forget_old_runs(context: dg.OpExecutionContext, config: PurgeConfig, platform: PlatformResource) -> None:
    """Look, and act when told so."""
    now, began = datetime.now(UTC), time.monotonic()
    history = History(context.instance)
    with only_safe_errors(lambda: inf):
        before = sizes(history)
        keeping = _keeping(platform.settings.history)
        due = expendable(history.runs(), history.needed(), keeping, now)[: config.limit]
        gone: list[PastRun] = []
        done: Mapping[str, int] = {}
        if not config.dry_run:
            for first in range(0, len(due), config.batch):
                if time.monotonic() - began > _WORKING_SECONDS:
                    break
                for run in due[first : first + config.batch]:
                    history.forget_run(run.run_id)
                    gone.append(run)
                context.log.info("%d of %d runs are deleted", len(gone), len(due))
            done = _forget_the_rest(history, keeping, now)
            free_space(history)
    context.add_output_metadata(
        {
            "dry_run": config.dry_run,
            "runs_due": len(due),
            "runs_deleted": len(gone),
            "by_job": dg.MetadataValue.md(_by_job(due if config.dry_run else gone)),
            "tables": dg.MetadataValue.md(_tables(before, sizes(history))),
            **done,
        }
    )


def _forget_the_rest(history: History, keeping: Keeping, now: datetime) -> dict[str, int]:
    """What belongs to no run that there is; counts under the names that the run page shows."""
    orphans = history.left_behind()
    for run_id in orphans:
        history.forget_run(run_id)
    return {
        "runs_left_behind": len(orphans),
        "events_of_no_run": history.forget_runless(now - timedelta(days=keeping.days[Pace.RARE])),
        "ticks": history.forget_ticks(now),
        "snapshots_of_no_run": history.forget_snapshots(),
    }


def _keeping(settings: HistorySettings) -> Keeping:
    days = {Pace.MINUTELY: settings.minutely_days, Pace.FREQUENT: settings.frequent_days, Pace.RARE: settings.days}
    return Keeping(days, settings.max_runs)


def _by_job(runs: Sequence[PastRun]) -> str:
    if not runs:
        return "none"
    jobs = Counter(run.job for run in runs)
    lines = [f"| {job} | {count} |" for job, count in sorted(jobs.items())]
    return "\n".join(["| job | runs |", "| --- | --- |", *lines])


def _tables(before: Sequence[TableSize], after: Sequence[TableSize]) -> str:
    now = {table.name: table for table in after}
    lines = [
        f"| {table.name} | {table.rows:,} | {now[table.name].rows:,} | {table.size_bytes:,} | "
        f"{now[table.name].size_bytes:,} |"
        for table in before
        if table.rows and table.name in now
    ]
    return "\n".join(
        ["| table | rows before | rows after | bytes before | bytes after |", "| --- | --- | --- | --- | --- |", *lines]
    )


@dg.job(
    name="purge_dagster_history",
    executor_def=dg.in_process_executor,
    description=(
        "Deletes Dagster's runs whose days are over, with all that belongs to them, and what belongs to no run. A dry "
        "run unless `dry_run` is set to false; never a run that is at work, nor the last one of a job or an asset."
    ),
    run_tags={"dagster/max_runtime": str(_MAX_RUNTIME_SECONDS)},
)
def purge_dagster_history() -> None:
    """One step."""
    forget_old_runs()


nightly_purge = dg.ScheduleDefinition(
    name="nightly_purge",
    job=purge_dagster_history,
    cron_schedule="50 2 * * *",
    execution_timezone="UTC",
    run_config={"ops": {"forget_old_runs": {"config": {"dry_run": False}}}},
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Dagster prunes no run by itself: every night those go whose days are over.",
)


@dg.asset_check(
    name=BOUNDED,
    asset=HEARTBEAT,
    description=(
        "Dagster's database holds no more than was stated (docs/history.md), and no run whose days are over. Red, "
        "`purge_dagster_history` does not run or fails, or a job runs far more often than it should: the table and the "
        "job are named. Deleted rows' space is used again; `VACUUM FULL` gives it back to the machine."
    ),
)
@safely
def check_history(context: dg.AssetCheckExecutionContext, platform: PlatformResource) -> dg.AssetCheckResult:
    """Count what there is."""
    settings, now = platform.settings.history, datetime.now(UTC)
    history = History(context.instance)
    tables, runs = sizes(history), history.runs()
    bound = Bound(
        # A few more than the purge leaves: a day's runs come after it.
        {RUNS: settings.max_runs + _DAY_OF_RUNS, EVENTS: settings.max_event_rows, TICKS: settings.max_tick_rows},
        settings.max_bytes,
    )
    found = excesses(tables, bound)
    late = Counter(run.job for run in overdue(runs, history.needed(), _keeping(settings), now - _LATE))
    found += [f"{count} runs of {job} should have been deleted days ago" for job, count in sorted(late.items())]
    return dg.AssetCheckResult(
        passed=not found,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(found) or "within the bound",
        metadata={
            **{f"{table.name}_rows": table.rows for table in tables if table.name in bound.rows},
            "bytes": sum(table.size_bytes for table in tables),
            "bytes_allowed": bound.total_bytes,
            "runs_unfinished": sum(run.ended_at is None for run in runs),
        },
    )
