"""The sensor of the landing queue: it counts, it never consumes.

Invariant: one look costs one round trip to Redis and two short questions to PostgreSQL (three before a start), however
much waits, and gives up after seconds: Dagster's deadline for a sensor is 60 s, after which it would be asked again
from the start.
"""

from datetime import UTC, datetime
from math import inf

import dagster as dg

from telemetry_platform.defs.landing.drain import DRAINED_TAG, drain_landing
from telemetry_platform.defs.landing.lookout import (
    RUNS_LOOKED_AT,
    EndedRun,
    Holding,
    Judgement,
    OpenRun,
    Stage,
    holding,
    judge,
    restrained,
)
from telemetry_platform.defs.landing.queues import streams
from telemetry_platform.defs.resources import PlatformResource
from telemetry_platform.defs.safe_errors import safely
from telemetry_platform.errors import TransientError
from telemetry_platform.stores import landing_queue, lease

REDIS_TIMEOUT_SECONDS = 2.0
_STAGES = {
    dg.DagsterRunStatus.NOT_STARTED: Stage.MADE,
    dg.DagsterRunStatus.QUEUED: Stage.WAITING,
    dg.DagsterRunStatus.STARTING: Stage.WAITING,
    dg.DagsterRunStatus.STARTED: Stage.RUNNING,
    dg.DagsterRunStatus.CANCELING: Stage.STOPPING,
}
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]
_MAX_RUNTIME_TAG = "dagster/max_runtime"


@dg.sensor(
    job=drain_landing,
    # A click on the first event and its row should lie within 15 s: 4 s here, 1 s in the queue, 4 to 8 s to start.
    minimum_interval_seconds=4,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Looks whether entries wait in the landing streams while no drain holds the lease, and then asks for one run. "
        "Also reports runs that were killed: Dagster would show them as running for ever. While drains fail one after "
        "the other it asks ever more rarely, every ten minutes at last."
    ),
)
@safely
def landing_has_events(
    context: dg.SensorEvaluationContext, platform: PlatformResource
) -> dg.SkipReason | dg.RunRequest:
    """One RunRequest without a run key (a key is remembered for ever), or a SkipReason with the numbers."""
    settings = platform.settings
    try:
        with platform.queue_client(timeout_seconds=REDIS_TIMEOUT_SECONDS) as client:
            backlog = landing_queue.backlog(client, list(streams(settings.redis.shards)))
        with platform.ledger() as connection:
            held = holding(lease.latest(connection, lease.DRAIN), settings.drain.lease_seconds)
    except TransientError as error:
        return dg.SkipReason(f"could not look: {error}")
    records = _open_runs(context.instance, held)
    now = datetime.now(UTC)
    judgement = judge(backlog, held, [_open_run(record, now) for record in records])
    if judgement.start:
        # Before the dead are reported: a drain that was killed once is replaced at once.
        judgement = restrained(judgement, _ended_runs(context.instance, now))
    _report_dead(context, records, judgement)
    return dg.RunRequest() if judgement.start else dg.SkipReason(judgement.reason)


def _report_dead(context: dg.SensorEvaluationContext, records: list[dg.RunRecord], judgement: Judgement) -> None:
    for record in records:
        if record.dagster_run.run_id in judgement.dead:
            context.instance.report_run_failed(
                record.dagster_run,
                "This drain holds no lease any more: its process was killed or cut off. Nothing is lost: the next "
                "drain goes on from its open batch.",
            )
            context.log.warning("run %s was reported as failed: it holds no lease", record.dagster_run.run_id)


def _open_runs(instance: dg.DagsterInstance, held: Holding | None) -> list[dg.RunRecord]:
    """Unfinished runs of the job, and the last holder of the lease: it may have been started from the asset graph."""
    found = list(instance.get_run_records(dg.RunsFilter(job_name=drain_landing.name, statuses=list(_STAGES)), limit=20))
    if held is not None and held.run_id and held.run_id not in {record.dagster_run.run_id for record in found}:
        found += instance.get_run_records(dg.RunsFilter(run_ids=[held.run_id], statuses=list(_STAGES)))
    return found


def _open_run(record: dg.RunRecord, now: datetime) -> OpenRun:
    run = record.dagster_run
    begun = record.start_time
    age = now.timestamp() - begun if begun else (now - record.create_timestamp).total_seconds()
    stage = _STAGES[run.status]
    if stage is Stage.RUNNING and DRAINED_TAG in run.tags:
        stage = Stage.FINISHING
    limit = run.tags.get(_MAX_RUNTIME_TAG, "")
    return OpenRun(run.run_id, stage, age, limit_seconds=float(limit) if limit.isdecimal() else inf)


def _ended_runs(instance: dg.DagsterInstance, now: datetime) -> list[EndedRun]:
    """The last runs of the job that succeeded or failed, the newest first."""
    records = instance.get_run_records(
        dg.RunsFilter(job_name=drain_landing.name, statuses=_ENDED), limit=RUNS_LOOKED_AT
    )
    return [
        EndedRun(
            record.dagster_run.run_id,
            failed=record.dagster_run.status is dg.DagsterRunStatus.FAILURE,
            ended_seconds_ago=now.timestamp() - (record.end_time or record.update_timestamp.timestamp()),
        )
        for record in records
    ]
