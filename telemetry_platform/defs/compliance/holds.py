"""Whether the warehouse is as the legal holds in force say.

Invariants: the check looks at both databases and changes nothing; it fails where it cannot look; nobody is named.
"""

import dagster as dg

from telemetry_platform.defs.keys import HEARTBEAT
from telemetry_platform.defs.resources import PlatformResource, log_comment
from telemetry_platform.defs.safe_errors import safely
from telemetry_platform.stores import holds
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform.usecases.hold.settle import unsettled

KEPT = "holds_are_kept"


@dg.asset_check(
    name=KEPT,
    asset=HEARTBEAT,
    description=(
        "While anybody is held, no merge deletes rows of tables with persons; while nobody is, every such table has "
        "its TTL; and no copy outlives its hold. Red, a command died between its commit and the warehouse: any "
        "`telemetry hold add|release` and the next retention run put it right."
    ),
)
@safely
def check_holds(context: dg.AssetCheckExecutionContext, platform: PlatformResource) -> dg.AssetCheckResult:
    """Compare TTLs and copies with the holds."""
    comment = log_comment(run_id=context.run.run_id, job=context.run.job_name, asset=KEPT)
    with open_warehouse(platform.settings.clickhouse, log_comment=comment) as warehouse, platform.ledger() as ledger:
        in_force, found = len(holds.in_force(ledger)), unsettled(warehouse, ledger)
    return dg.AssetCheckResult(
        passed=not found,
        description="; ".join(found) or f"{in_force} holds are in force, and the warehouse is as they say",
        metadata={"holds_in_force": in_force, "faults": len(found)},
    )
