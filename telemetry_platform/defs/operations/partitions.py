"""The partitions of the months to come, made every night, and whether the next one is there.

Invariant: the job's role may make partitions and drop expired ones, and can write nothing into either table.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from math import inf

import dagster as dg

from telemetry_platform.defs.keys import HEARTBEAT
from telemetry_platform.defs.resources import PlatformResource
from telemetry_platform.defs.safe_errors import only_safe_errors, safely
from telemetry_platform.errors import PermanentError
from telemetry_platform.stores import partitions_ahead, postgres

AHEAD = "partitions_are_ahead"
_MONTHS = 3
"""Made so many months before they are needed: the job may fail for a quarter before an entry is refused."""
_NEEDED = 1
_MAX_RUNTIME_SECONDS = 600


@dg.op(
    name="make_partitions",
    out=dg.Out(dg.Nothing),
    description="Makes the partitions of this month and the next three, of the trail and of the security events.",
)
@safely
def make_partitions(context: dg.OpExecutionContext, platform: PlatformResource) -> None:
    """Make what is missing."""
    with only_safe_errors(lambda: inf), _retention(platform) as connection:
        made = partitions_ahead.make_ahead(connection, _MONTHS)
        connection.commit()
    context.add_output_metadata({f"{table}_made": count for table, count in made.items()})


@contextmanager
def _retention(platform: PlatformResource) -> Iterator[postgres.Connection]:
    """A connection of the role that may do this and nothing else to the trail."""
    url = platform.settings.postgres.retention_url
    if url is None:
        raise PermanentError(
            "set TELEMETRY_POSTGRES__RETENTION_URL: partitions are made by the role telemetry_retention"
        )
    with postgres.connect(url.get_secret_value(), application="telemetry-partitions") as connection:
        yield connection


@dg.job(
    name="make_partitions_ahead",
    executor_def=dg.in_process_executor,
    description="Makes the monthly partitions of the months to come; safe to run at any time, by anybody.",
    run_tags={"dagster/max_runtime": str(_MAX_RUNTIME_SECONDS)},
)
def make_partitions_ahead() -> None:
    """One step."""
    make_partitions()


nightly_partitions = dg.ScheduleDefinition(
    name="nightly_partitions",
    job=make_partitions_ahead,
    cron_schedule="10 2 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Partitions of the trail and the security events are made three months before they are needed.",
)


@dg.asset_check(
    name=AHEAD,
    asset=HEARTBEAT,
    description=(
        "The trail and the security events have their partitions of this month and the next. Red, "
        "`make_partitions_ahead` does not run or fails; from the first of the month on no entry could be stored, and "
        "all would wait in the queue. Run it by hand and look at its error."
    ),
)
@safely
def check_partitions(platform: PlatformResource) -> dg.AssetCheckResult:
    """Ask the database for the months."""
    now = platform.now()
    with platform.ledger() as connection:
        found = partitions_ahead.missing(connection, now, _NEEDED)
        later = partitions_ahead.missing(connection, now, _MONTHS)
    return dg.AssetCheckResult(
        passed=not found,
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"missing: {', '.join(found)}" if found else "this month and the next have their partitions",
        metadata={"missing": len(found), "missing_later": len(later)},
    )
