"""The audit trail in Dagster: signed checkpoints every five minutes, and whether it is whole and guarded.

Invariants: what reaches Dagster is places in the trail, counts and names of tables; a check that cannot look fails.
"""

from datetime import UTC, datetime, timedelta
from math import inf

import dagster as dg
from pydantic import Field

from telemetry_platform.contracts.events import audit
from telemetry_platform.defs.keys import table_key
from telemetry_platform.defs.pace import paced
from telemetry_platform.defs.resources import PlatformResource
from telemetry_platform.defs.safe_errors import only_safe_errors, safely
from telemetry_platform.processing.history import Pace
from telemetry_platform.stores import postgres, verifications
from telemetry_platform.usecases.checkpoint_trail import checkpoint, read_url
from telemetry_platform.usecases.guard_trail import faults
from telemetry_platform.usecases.verify_audit import FULL, INCREMENTAL, Scope, verify

WHOLE = "audit_chain_is_whole"
GUARDED = "audit_guards_are_in_place"
_TRAIL = table_key(audit.LOGS)
_SHOWN = 20
_CHECKPOINT_SECONDS = 240
_FULL_EVERY = timedelta(days=7)


@dg.op(
    name="sign_head",
    out=dg.Out(dg.Nothing),
    description="Writes down where the trail ends now, signed, in a folder or bucket outside the database.",
)
@safely
def sign_head(context: dg.OpExecutionContext, platform: PlatformResource) -> None:
    """Make the next checkpoint; a try that failed has made none."""
    with only_safe_errors(lambda: inf):
        report = checkpoint(platform.settings, datetime.now(UTC))
    made = report.checkpoint
    context.add_output_metadata(
        {
            "checkpoint": made.number,
            "seq": made.seq,
            "rows_at_rest": made.count,
            "head_hash": made.head_hash,
            "signed_by": made.key_id,
            "days_put_together": report.bundled_days,
        }
    )


@dg.job(
    name="checkpoint_trail",
    executor_def=dg.in_process_executor,
    description=(
        "Signs where the audit trail ends. What is changed at the end of the trail between two checkpoints shows "
        "at the "
        "next one only: that window is five minutes."
    ),
    run_tags={
        "dagster/max_runtime": str(_CHECKPOINT_SECONDS),
        "telemetry/exclusive": "checkpoint_trail",
        **paced(Pace.MINUTELY),
    },
)
def checkpoint_trail() -> None:
    """One step."""
    sign_head()


checkpoints = dg.ScheduleDefinition(
    name="checkpoints",
    job=checkpoint_trail,
    cron_schedule="*/5 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Verification fails when the newest checkpoint is over ten minutes old: one may be missed, two not.",
)


class ChainConfig(dg.Config):
    """How much to look at."""

    full: bool = Field(
        default=False,
        description="All rows from the first one on; otherwise what came since the last verification, unless the last "
        "full one is a week ago.",
    )


@dg.asset_check(
    name=WHOLE,
    asset=_TRAIL,
    description=(
        "Every row of the audit trail is as it was written, none is missing and none was added: hashes are "
        "computed anew "
        "and compared with one another and with the signed checkpoints outside the database. Hourly from the last "
        "verification on, weekly from the first row. Red, somebody changed the trail, or checkpoints are not made: "
        "`telemetry audit verify` names the first bad row."
    ),
)
@safely
def check_trail(config: ChainConfig, platform: PlatformResource) -> dg.AssetCheckResult:
    """Verify; the result is noted in audit.verifications."""
    now = datetime.now(UTC)
    with platform.ledger() as connection:
        last = verifications.newest(connection, mode=FULL, only_ok=True)
    is_due = last is None or last.verified_at + _FULL_EVERY < now
    found = verify(platform.settings, now, Scope(FULL if config.full or is_due else INCREMENTAL))
    return dg.AssetCheckResult(
        passed=found.ok,
        description=found.reason or f"{found.rows:,} rows, {found.from_seq:,} to {found.to_seq:,}: whole",
        metadata={
            "mode": found.mode,
            "rows": found.rows,
            "from_seq": found.from_seq,
            "to_seq": found.to_seq,
            "dropped_partitions_walked_over": found.anchors,
            "checkpoints": found.checkpoints,
            **({} if found.first_bad_seq is None else {"first_bad_seq": found.first_bad_seq}),
        },
    )


verify_trail = dg.define_asset_job(
    "verify_trail",
    selection=dg.AssetSelection.checks(check_trail),
    executor_def=dg.in_process_executor,
    description="Verifies the whole audit trail, from the first row on.",
    run_tags={"dagster/max_runtime": "14400"},
)

weekly_verification = dg.ScheduleDefinition(
    name="weekly_verification",
    job=verify_trail,
    cron_schedule="20 2 * * 0",
    execution_timezone="UTC",
    run_config={"ops": {f"{'__'.join(_TRAIL.path)}_{WHOLE}": {"config": {"full": True}}}},
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="The hourly check believes what was verified before; once a week nothing is believed.",
)


@dg.asset_check(
    name=GUARDED,
    asset=_TRAIL,
    description=(
        "What keeps the trail and the security events append-only is as the release made it: triggers, owners, rights, "
        "functions, and months without a hole. Red, somebody ran DDL against them: the description says what is "
        "different; find out who it was, then run `telemetry schema apply` and verify the trail."
    ),
)
@safely
def check_guards(platform: PlatformResource) -> dg.AssetCheckResult:
    """Compare the catalogues with the release."""
    with postgres.connect(read_url(platform.settings), application="telemetry-dagster") as connection:
        found = faults(connection, datetime.now(UTC), platform.settings)
    return dg.AssetCheckResult(
        passed=not found,
        description="; ".join(found[:_SHOWN]) or "every guard is in its place",
        metadata={"faults": len(found)},
    )
