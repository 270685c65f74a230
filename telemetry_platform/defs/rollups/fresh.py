"""How far each rollup is behind its table: red where a day waits longer than the rollup's contract allows.

A policy on when the asset was last materialised would be red after a quiet night and green while one day is forgotten:
what counts is the age of the oldest mark that no rebuild has answered.
Invariant: marks that cannot be read raise.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import dagster as dg

from telemetry_platform.contracts.rollup import Rollup
from telemetry_platform.contracts.rollup_registry import rollups
from telemetry_platform.defs.resources import PlatformResource
from telemetry_platform.defs.rollups.specs import rollup_key
from telemetry_platform.defs.safe_errors import safely
from telemetry_platform.usecases.rollups.touched import due_days

CHECK = "rollups_are_fresh"
_MOST_TOLD = 5
_MINUTE = 60


@dg.multi_asset_check(
    name=CHECK,
    specs=[
        dg.AssetCheckSpec(
            CHECK,
            asset=rollup_key(rollup),
            description=(
                "No day that data touched waits for its rebuild longer than "
                f"{rollup.freshness.total_seconds() / _MINUTE:.0f} minutes. Red, look at the last runs of "
                "`rebuild_touched_days`: they fail for the days that are named, or do not start."
            ),
        )
        for rollup in rollups().values()
    ],
    can_subset=True,
)
@safely
def check_freshness(
    context: dg.AssetCheckExecutionContext, platform: PlatformResource
) -> Iterator[dg.AssetCheckResult]:
    """One short question to PostgreSQL for all that were asked for."""
    asked = {key.asset_key for key in context.selected_asset_check_keys}
    with platform.ledger() as conn:
        due = due_days(conn)
    now = datetime.now(UTC)
    for rollup in rollups().values():
        if rollup_key(rollup) in asked:
            yield _result(rollup, [(day, since) for name, day, since in due if name == rollup.name], now)


def _result(rollup: Rollup, due: list[tuple[date, datetime]], now: datetime) -> dg.AssetCheckResult:
    behind = max((max(0.0, (now - since).total_seconds()) for _, since in due), default=0.0)
    days = ", ".join(day.isoformat() for day, _ in due[:_MOST_TOLD])
    return dg.AssetCheckResult(
        asset_key=rollup_key(rollup),
        check_name=CHECK,
        passed=behind <= rollup.freshness.total_seconds(),
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"{len(due)} days are due, the oldest for {behind / _MINUTE:.0f} minutes: {days}"
        if due
        else "no day is due",
        metadata={
            "minutes_behind": round(behind / _MINUTE, 1),
            "days_due": len(due),
            "minutes_allowed": rollup.freshness.total_seconds() / _MINUTE,
        },
    )
