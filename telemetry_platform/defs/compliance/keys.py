"""Pseudonym keys from Dagster: the daily rotation, and whether keys are there, known, and gone in time.

Invariants: nothing here destroys a key, since each destruction needs a new key-encryption key and somebody who answers
for the end of the old one; no key material and no KEK reaches a run's configuration or metadata.
"""

from datetime import UTC, datetime, timedelta
from math import inf

import dagster as dg

from telemetry_platform.defs.keys import HEARTBEAT
from telemetry_platform.defs.resources import PlatformResource, log_comment
from telemetry_platform.defs.safe_errors import only_safe_errors, safely
from telemetry_platform.processing.key_health import faults
from telemetry_platform.processing.key_rotation import EpochSpan
from telemetry_platform.stores import postgres
from telemetry_platform.stores.keys import key_states
from telemetry_platform.usecases import destroy_keys, key_uses
from telemetry_platform.usecases.rotate_keys import rotate

ROTATED = "keys_are_rotated"
DIE = "keys_die_in_time"
KNOWN = "key_epochs_are_known"
_MAX_RUNTIME_SECONDS = 1800
_PATIENCE = timedelta(days=7)
"""So long a key may be due, or its destruction half-way, before the check warns: people have to act."""


@dg.op(
    name="add_due_epochs",
    out=dg.Out(dg.Nothing),
    description="Adds the key epochs that are due soon, each at least ten minutes before it is active.",
)
@safely
def add_due_epochs(context: dg.OpExecutionContext, platform: PlatformResource) -> None:
    """Look whether all rows are under known epochs, then add what is due."""
    now, settings = datetime.now(UTC), platform.settings
    # A try adds nothing twice: what was added is there.
    with (
        only_safe_errors(lambda: inf),
        # Not the ledger's connection: epoch, end of its predecessor and audit record are one transaction.
        postgres.connect(settings.postgres, application="telemetry-dagster") as connection,
    ):
        known = {(state.domain, state.epoch) for state in key_states(connection)}
        connection.commit()
        comment = log_comment(run_id=context.run_id, job=context.job_name, asset=KNOWN)
        key_uses.refuse_unknown(settings, known, log_comment=comment)
        report = rotate(connection, settings.keys, now)
    context.add_output_metadata(
        {
            "epochs_added": len(report.added),
            "added": ", ".join(
                f"{epoch.domain.value} {epoch.epoch}, active from {epoch.active_from:%Y-%m-%dT%H:%M:%SZ}"
                for epoch in report.added
            )
            or "none was due",
        }
    )


@dg.job(
    name="rotate_keys",
    executor_def=dg.in_process_executor,
    description="Gives every rotating domain its next key epoch in time; safe to run at any time, by anybody.",
    run_tags={"dagster/max_runtime": str(_MAX_RUNTIME_SECONDS)},
)
def rotate_keys() -> None:
    """One step."""
    add_due_epochs()


daily_rotation = dg.ScheduleDefinition(
    name="daily_rotation",
    job=rotate_keys,
    cron_schedule="40 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Epochs are added three days before they begin: two days may fail and nothing is late.",
)


@dg.asset_check(
    name=ROTATED,
    asset=HEARTBEAT,
    description=(
        "Every domain of pseudonyms has exactly one active key epoch, and the next one in time. Red, the job "
        "`rotate_keys` does not run or fails: persons could be followed for longer than was promised, or no pseudonym "
        "can be made. Run it by hand and look at its error."
    ),
)
@safely
def check_rotation(platform: PlatformResource) -> dg.AssetCheckResult:
    """Compare the epochs with the clock."""
    with platform.ledger() as connection:
        states = key_states(connection)
    found = faults(
        (
            EpochSpan(state.domain, state.epoch, state.active_from, state.active_until)
            for state in states
            if state.destruction_begun_at is None
        ),
        datetime.now(UTC),
    )
    return dg.AssetCheckResult(
        passed=not found,
        severity=dg.AssetCheckSeverity.ERROR if any(fault.stops for fault in found) else dg.AssetCheckSeverity.WARN,
        description="; ".join(map(str, found)) or "every domain has its epoch, and the next one in time",
        metadata={"epochs": len(states), "faults": len(found)},
    )


@dg.asset_check(
    name=DIE,
    asset=HEARTBEAT,
    description=(
        "Keys whose data has passed are destroyed, in all three steps. Red, somebody with the next key-encryption key "
        "must run `telemetry keys destroy`, or state the end of the old one (see docs/keys.md)."
    ),
)
@safely
def check_destruction(context: dg.AssetCheckExecutionContext, platform: PlatformResource) -> dg.AssetCheckResult:
    """Look what is due, and what is half-way."""
    now, settings = datetime.now(UTC), platform.settings
    comment = log_comment(run_id=context.run.run_id, job=context.run.job_name, asset=DIE)
    with platform.ledger() as connection:
        found = destroy_keys.outlook(connection, settings, now, log_comment=comment)
    late = [
        f"{epoch.domain.value} epoch {epoch.epoch} is due since {epoch.since:%Y-%m-%d}"
        for epoch in found.due
        if epoch.may_go and epoch.since + _PATIENCE < now
    ]
    late += [
        f"{state.domain.value} epoch {state.epoch}: destruction pending since {state.destruction_begun_at:%Y-%m-%d}"
        for state in found.pending
        if state.destruction_begun_at is not None and state.destruction_begun_at + _PATIENCE < now
    ]
    return dg.AssetCheckResult(
        passed=not late,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(late) or "no key has outlived its data",
        metadata={
            "due": len(found.doomed),
            "kept_for_their_rows": len(found.due) - len(found.doomed),
            "pending": len(found.pending),
        },
    )


@dg.asset_check(
    name=KNOWN,
    asset=HEARTBEAT,
    description=(
        "Every row with a pseudonym is under a key epoch that is known. Red, the keys come from an older backup than "
        "the rows: restore privacy.key_epochs and privacy.keks from a newer one; until then no key is rotated."
    ),
)
@safely
def check_known(context: dg.AssetCheckExecutionContext, platform: PlatformResource) -> dg.AssetCheckResult:
    """Compare the epochs of all tables with the keys."""
    comment = log_comment(run_id=context.run.run_id, job=context.run.job_name, asset=KNOWN)
    uses = key_uses.in_tables(platform.settings, log_comment=comment)
    # The keys after the rows: an epoch that was added meanwhile is no stranger.
    with platform.ledger() as connection:
        known = {(state.domain, state.epoch) for state in key_states(connection)}
    strangers = key_uses.unknown(uses, known)
    return dg.AssetCheckResult(
        passed=not strangers,
        description="; ".join(map(str, strangers)) or "all rows are under known epochs",
        metadata={"epochs_at_rest": len({(use.domain, use.epoch) for use in uses}), "unknown": len(strangers)},
    )
