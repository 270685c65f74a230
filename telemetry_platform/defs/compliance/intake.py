"""Whether every numbered entry of the trail and of the security events arrived.

Invariant: what is told is a producer's name and numbers, nothing of an entry; a gap that somebody explained, in the
trail, is not told again.
"""

from datetime import UTC, datetime

import dagster as dg

from telemetry_platform.contracts.events import audit
from telemetry_platform.defs.keys import table_key
from telemetry_platform.defs.resources import PlatformResource
from telemetry_platform.defs.safe_errors import safely
from telemetry_platform.stores import intake
from telemetry_platform.stores.intake import Gap
from telemetry_platform.usecases.intake import LATE_SECONDS

WHOLE = "audit_intake_is_whole"
_MOST_TOLD = 20


@dg.asset_check(
    name=WHOLE,
    asset=table_key(audit.LOGS),
    description=(
        "Every audit and security entry that a service or an API process numbered has arrived: no number that nobody "
        "has explained is missing for longer than a minute. Red, entries were lost or never sent: ask the producer "
        "that is named for them (a re-send closes the gap), or say why they will not come: `telemetry intake explain`."
    ),
)
@safely
def check_intake(platform: PlatformResource) -> dg.AssetCheckResult:
    """Look at the open gaps."""
    with platform.ledger() as connection:
        found = intake.open_gaps(connection, datetime.now(UTC), older_than_seconds=LATE_SECONDS)
    return dg.AssetCheckResult(
        passed=not found,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(map(_told, found[:_MOST_TOLD])) or "no number is missing",
        metadata={"gaps": len(found), "missing_entries": sum(gap.numbers for gap in found)},
    )


def _told(gap: Gap) -> str:
    """A gap in words."""
    numbers = f"number {gap.first}" if gap.first == gap.last else f"numbers {gap.first} to {gap.last}"
    few = "" if gap.numbers == gap.last - gap.first + 1 else f" ({gap.numbers} of them)"
    return f"gap {gap.gap_id}: {numbers}{few} of {gap.origin} {gap.producer} in {gap.place} never came"
