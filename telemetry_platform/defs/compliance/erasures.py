"""Erasures in Dagster: the sensor that sees them wait, the job that carries them out, the proof that they hold.

Invariants: a run is told an erasure's random reference and nothing else; what reaches Dagster is counts.
"""

from datetime import UTC, datetime, timedelta
from math import inf
from uuid import UUID

import dagster as dg
from pydantic import Field

from telemetry_platform.defs.keys import HEARTBEAT
from telemetry_platform.defs.resources import PlatformResource, log_comment
from telemetry_platform.defs.safe_errors import only_safe_errors, safely
from telemetry_platform.errors import ContractViolationError, TransientError
from telemetry_platform.stores import erasures
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform.usecases.erase.proof import rows_of_erased
from telemetry_platform.usecases.erase.run import Erasing

GONE = "erased_subjects_are_gone"
_STEP = "erase_waiting"
_MAX_RUNTIME_SECONDS = 3600
_OPEN = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]
_REST = timedelta(seconds=5)
_LONGEST_REST = timedelta(minutes=10)


class ErasureConfig(dg.Config):
    """Which erasure."""

    erasure_id: str = Field(
        default="", description="Only this one, by its reference; empty: all that wait. Never an id of a person."
    )

    def reference(self) -> UUID | None:
        """The reference. Raises ContractViolationError for what is none."""
        if not self.erasure_id:
            return None
        try:
            return UUID(self.erasure_id)
        except ValueError:
            raise ContractViolationError("`erasure_id` must be the reference of an erasure, a UUID") from None


@dg.op(
    name=_STEP,
    out=dg.Out(dg.Nothing),
    description="Sweeps every registered table for those whose erasure was asked for, and certifies what is gone.",
)
@safely
def erase_waiting(context: dg.OpExecutionContext, config: ErasureConfig, platform: PlatformResource) -> None:
    """Carry out what waits."""
    comment = log_comment(run_id=context.run_id, job=context.job_name, asset=_STEP)
    # A try sweeps nothing twice: what it has counted is kept.
    with only_safe_errors(lambda: inf), platform.drain_stores(comment) as stores:
        report = Erasing(stores, lambda: datetime.now(UTC)).run(config.reference())
    context.add_output_metadata(
        {
            "certified": report.certified,
            "rows_erased_or_unlinked": report.rows,
            "waiting": sum(report.waiting.values()),
            "waiting_for": ", ".join(f"{why}: {count}" for why, count in sorted(report.waiting.items())) or "nothing",
        }
    )


@dg.job(
    name="erase_subjects",
    executor_def=dg.in_process_executor,
    description=(
        "Carries erasures out: waits for the queue, sweeps every registered table and the dead letters, counts what is "
        "left, and writes the certificate when nothing is."
    ),
    run_tags={"dagster/max_runtime": str(_MAX_RUNTIME_SECONDS)},
)
def erase_subjects() -> None:
    """One step."""
    erase_waiting()


@dg.sensor(
    name="erasures_wait",
    job=erase_subjects,
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Looks whether an erasure waits: asked for, half done, or released from a legal hold. One that waits for old "
        "parts of a table or for the queue is tried again ever more rarely, every ten minutes at last."
    ),
)
@safely
def erasures_wait(context: dg.SensorEvaluationContext, platform: PlatformResource) -> dg.SkipReason | dg.RunRequest:
    """One run at a time, without a run key (a key is remembered for ever)."""
    if context.instance.get_run_records(dg.RunsFilter(job_name=erase_subjects.name, statuses=_OPEN), limit=1):
        return dg.SkipReason("a run is at work")
    try:
        with platform.ledger() as connection:
            waiting, held = erasures.unended(connection), erasures.count_held(connection)
    except TransientError as error:
        return dg.SkipReason(f"could not look: {error}")
    now = datetime.now(UTC)
    due = [one for one in waiting if one.tried_at is None or now >= one.tried_at + _rest(one.attempts)]
    if due:
        return dg.RunRequest()
    return dg.SkipReason(f"{len(waiting)} erasures wait for their next try, {held} are held")


def _rest(attempts: int) -> timedelta:
    """How long after so many tries the next one is made."""
    doublings: int = min(max(attempts - 4, 0), 10)
    return min(_REST * (1 << doublings), _LONGEST_REST)


@dg.asset_check(
    name=GONE,
    asset=HEARTBEAT,
    description=(
        "No table holds a row of an erased person from before their erasure, for as long as their tombstone stands. "
        "Red, something came back past API, drain and replay, or a backup was restored: run `telemetry restore-check`."
    ),
)
@safely
def check_gone(context: dg.AssetCheckExecutionContext, platform: PlatformResource) -> dg.AssetCheckResult:
    """Count them in every swept table; fails where it cannot look."""
    comment = log_comment(run_id=context.run.run_id, job=context.run.job_name, asset=GONE)
    with open_warehouse(platform.settings.clickhouse, log_comment=comment) as warehouse, platform.ledger() as ledger:
        found = rows_of_erased(ledger, warehouse, datetime.now(UTC))
    left = {table: count for table, count in found.rows.items() if count}
    return dg.AssetCheckResult(
        passed=not left,
        description="; ".join(f"{table}: {count} rows" for table, count in left.items())
        or f"nothing of {found.erasures} erasures is left in {len(found.rows)} tables",
        metadata={"erasures": found.erasures, "tables": len(found.rows), "rows_left": sum(left.values())},
    )
