"""Whether the contracts know every table and column of the live databases: a test sees the schema of a release only.

Invariants: the check reads names and types and no value; it fails where it cannot look.
"""

import dagster as dg

from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.defs.keys import HEARTBEAT
from telemetry_platform.defs.resources import PlatformResource, log_comment
from telemetry_platform.defs.safe_errors import safely
from telemetry_platform.stores import live_columns
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform.usecases.registered_data import gaps

REGISTERED = "personal_data_is_registered"
_SHOWN = 50


@dg.asset_check(
    name=REGISTERED,
    asset=HEARTBEAT,
    description=(
        "Every table of both databases, and every column that could hold something of a person, is named in a contract "
        "that says what an erasure does to it. Red, somebody added a table or a column beside the contracts: erasures "
        "and access reports do not look there. Add a Record in `contracts/records/`, or drop it."
    ),
)
@safely
def check_coverage(context: dg.AssetCheckExecutionContext, platform: PlatformResource) -> dg.AssetCheckResult:
    """Compare the catalogues with the contracts."""
    comment = log_comment(run_id=context.run.run_id, job=context.run.job_name, asset=REGISTERED)
    with open_warehouse(platform.settings.clickhouse, log_comment=comment) as warehouse:
        held = live_columns.of_warehouse(warehouse)
    with platform.ledger() as connection:
        kept = live_columns.of_postgres(connection)
    found = [*gaps(held, Store.CLICKHOUSE), *gaps(kept, Store.POSTGRES)]
    return dg.AssetCheckResult(
        passed=not found,
        description="; ".join(map(str, found[:_SHOWN])) or "every table and column is known to a contract",
        metadata={
            "tables": len({column.table for column in (*held, *kept)}),
            "columns": len(held) + len(kept),
            "gaps": len(found),
        },
    )
