"""The list of excluded networks in Dagster: two assets, the job that syncs them, what starts it, what looks at them.

Invariants: no network and no credential reaches a run's configuration, metadata or log; a sync that failed fails its
run, after its row was written, so that people are told by the means that they have for failed runs.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import Enum
from math import inf

import dagster as dg
from pydantic import Field

from telemetry_platform.contracts.exclusions import FAIL_AFTER, WARN_AFTER, Age, SyncMode
from telemetry_platform.contracts.owners import Owner
from telemetry_platform.defs.resources import PlatformResource
from telemetry_platform.defs.safe_errors import only_safe_errors, safely
from telemetry_platform.errors import PlatformError
from telemetry_platform.usecases.exclusion_status import ExclusionStatus, exclusion_status
from telemetry_platform.usecases.sync_exclusions import SyncReport, opened_sync, sync_exclusions

LIST = dg.AssetKey(["postgres", "privacy", "privacy_exclusions"])
LOG = dg.AssetKey(["postgres", "privacy", "privacy_exclusion_sync_log"])
FRESH = "exclusions_are_fresh"
USED = "every_listed_network_is_excluded"
SYNC_STEP = "fetch_exclusions"
_MAX_RUNTIME_SECONDS = 1800
_REST = timedelta(minutes=30)
"""So long after a try the sensor asks for no other one."""
_OPEN = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


class Mode(Enum):
    """Which part of the list is fetched."""

    full = "full"
    delta = "delta"


class SyncConfig(dg.Config):
    """What to fetch, and whether a list may shrink."""

    mode: Mode = Field(
        default=Mode.full,
        description=(
            "`full` fetches all of the list and ends what is not in it any more. `delta` fetches what was published "
            "since the newest entry that is known: it adds, and never withdraws."
        ),
    )
    accept_shrink: bool = Field(
        default=False,
        description=(
            "Take over a list that is empty or has at most half of the networks in force. Set it only when you know "
            "that it is true; it is recorded."
        ),
    )


@dg.multi_asset(
    name=SYNC_STEP,
    specs=[
        dg.AssetSpec(
            LIST,
            description=(
                'Networks whose owners said "do not sell" (CCPA), as MaxMind lists them: in force, and withdrawn.\n\n'
                "- **Read by**: every API process, within seconds of a sync\n"
                "- **Retention**: while listed; 2 years after that"
            ),
            skippable=True,
            group_name="compliance",
            owners=[Owner.COMPLIANCE.value],
            kinds={"postgres", "table"},
            metadata={"dagster/table_name": "telemetry.privacy.privacy_exclusions"},
        ),
        dg.AssetSpec(
            LOG,
            description="Every try to bring the list up to date, and how it ended. Kept for 2 years.",
            skippable=True,
            group_name="compliance",
            owners=[Owner.COMPLIANCE.value],
            kinds={"postgres", "table"},
            metadata={"dagster/table_name": "telemetry.privacy.privacy_exclusion_sync_log"},
        ),
    ],
)
@safely
def fetch_exclusions(
    context: dg.AssetExecutionContext, config: SyncConfig, platform: PlatformResource
) -> Iterator[dg.MaterializeResult[None]]:
    """Sync, and tell what came of it; where the service did not answer, the sync itself tried again."""
    with only_safe_errors(lambda: inf), platform.ledger() as connection:
        work = opened_sync(connection, platform.settings)
        reports = sync_exclusions(work, SyncMode(config.mode.value), accept_shrink=config.accept_shrink)
    for report in reports:
        yield dg.MaterializeResult(asset_key=LOG, metadata=_told(report))
    last = reports[-1]
    if last.refused:
        context.log.error(
            "%d entries of the list exclude nobody: they are too wide or cannot be read. The log of the syncs says how "
            "many of which kind; ask MaxMind",
            last.refused,
        )
    if last.succeeded:
        yield dg.MaterializeResult(asset_key=LIST, metadata={"dagster/row_count": last.active, **_told(last)})
    last.raise_for_failure()


def _told(report: SyncReport) -> dict[str, int | str]:
    return {
        "sync_id": report.sync_id,
        "mode": report.mode.value,
        "status": report.status.value,
        "requests": report.requests,
        "received": report.received,
        "ignored": report.ignored,
        "refused": report.refused,
        "added": report.added,
        "withdrawn": report.withdrawn,
        "active": report.active,
        "remarks": ", ".join(f"{name} {count}" for name, count in (report.warnings or {}).items()) or "none",
    }


sync_exclusions_job = dg.define_asset_job(
    "sync_exclusions",
    selection=dg.AssetSelection.assets(LIST, LOG).without_checks(),
    executor_def=dg.in_process_executor,
    description='Brings the list of networks that said "do not sell" up to date; one sync at a time.',
    run_tags={"dagster/max_runtime": str(_MAX_RUNTIME_SECONDS)},
)


def _run(mode: SyncMode) -> dg.RunRequest:
    return dg.RunRequest(run_config={"ops": {SYNC_STEP: {"config": {"mode": mode.value}}}})


@dg.schedule(
    job=sync_exclusions_job,
    cron_schedule="19 4 * * 1",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="All of the list, every Monday: only that shows what was withdrawn.",
)
@safely
def weekly_exclusions() -> dg.RunRequest:
    """A full sync."""
    return _run(SyncMode.FULL)


@dg.schedule(
    job=sync_exclusions_job,
    cron_schedule="19 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="What was published since, every day; all of the list when the weekly sync did not succeed.",
)
@safely
def daily_exclusions(platform: PlatformResource) -> dg.RunRequest:
    """What is due."""
    with platform.ledger() as connection:
        return _run(exclusion_status(connection, datetime.now(UTC)).due)


@dg.sensor(
    job=sync_exclusions_job,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Looks whether there ever was a list: until then the API takes security and audit only. Asks for a full sync, "
        "and after one that failed again every half an hour."
    ),
)
@safely
def exclusions_were_never_loaded(
    context: dg.SensorEvaluationContext, platform: PlatformResource
) -> dg.RunRequest | dg.SkipReason:
    """One RunRequest without a run key, or a SkipReason that says what is missing."""
    now = datetime.now(UTC)
    try:
        with platform.ledger() as connection:
            found = exclusion_status(connection, now)
    except PlatformError as error:
        return dg.SkipReason(f"could not look: {error}")
    if found.last_full is not None:
        return dg.SkipReason(f"a list is in force: {found.active} networks")
    if platform.settings.maxmind.account_id is None:
        return dg.SkipReason("no account: set TELEMETRY_MAXMIND__ACCOUNT_ID and TELEMETRY_MAXMIND__LICENSE_KEY_FILE")
    open_runs = dg.RunsFilter(job_name=sync_exclusions_job.name, statuses=_OPEN)
    if context.instance.get_run_records(open_runs, limit=1):
        return dg.SkipReason("a sync is at work")
    if found.last_try is not None and now - found.last_try.began_at < _REST:
        return dg.SkipReason(f"the last try ended as {found.last_try.status.value}; the next one follows in time")
    return _run(SyncMode.FULL)


@dg.asset_check(
    name=FRESH,
    asset=LIST,
    description=(
        f"All of the list was fetched within {WARN_AFTER.days} days. The law gives 15 business days from a person's "
        f"wish: from {WARN_AFTER.days} days on this warns, from {FAIL_AFTER.days} days on it fails. Look at "
        "`telemetry exclusions status`, mend what it names, run `telemetry exclusions sync --full`."
    ),
)
@safely
def check_exclusions(platform: PlatformResource) -> dg.AssetCheckResult:
    """Ask the log of the syncs; raises where it cannot be asked."""
    found = _look(platform)
    state, seconds = found.freshness.state, found.freshness.seconds
    words = {
        Age.NEVER_LOADED: "no full sync ever succeeded: the API takes security and audit only",
        Age.FRESH: "the last full sync is young enough",
        Age.LATE: f"the last full sync is {WARN_AFTER.days} days old or older",
        Age.STALE: f"the last full sync is {FAIL_AFTER.days} days old or older, or lies in the future",
    }
    return dg.AssetCheckResult(
        passed=state is Age.FRESH,
        severity=dg.AssetCheckSeverity.WARN if state is Age.LATE else dg.AssetCheckSeverity.ERROR,
        description=words[state],
        metadata={
            "state": state.value,
            "age_days": -1.0 if seconds is None else round(seconds / 86_400, 2),
            "active": found.active,
            "last_try": "none" if found.last_try is None else found.last_try.status.value,
        },
    )


@dg.asset_check(
    name=USED,
    asset=LIST,
    description=(
        "Every network of the newest full list is excluded. Red, entries were refused: too wide (a /0 would exclude "
        "everybody), or not readable, so that somebody who said no is not excluded. Ask MaxMind."
    ),
)
@safely
def check_refused_networks(platform: PlatformResource) -> dg.AssetCheckResult:
    """Ask the log of the syncs what the newest full list was remarked on for."""
    found = _look(platform)
    return dg.AssetCheckResult(
        passed=not found.refused,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{found.refused} entries were refused" if found.refused else "no entry was refused",
        metadata={"refused": found.refused, **dict(found.warnings)},
    )


def _look(platform: PlatformResource) -> ExclusionStatus:
    with platform.ledger() as connection:
        return exclusion_status(connection, datetime.now(UTC))
