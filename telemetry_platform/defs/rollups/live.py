"""The live tables in Dagster: external assets, since ClickHouse fills them with every insert, and how near they are.

Invariant: they say of themselves that they are for the last day and may count twice; nothing that must add up reads
them.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from telemetry_platform.contracts.records.live import LIVE, Live
from telemetry_platform.contracts.registry import tables
from telemetry_platform.defs.events.specs import DATABASE
from telemetry_platform.defs.keys import table_key
from telemetry_platform.defs.resources import PlatformResource, log_comment
from telemetry_platform.defs.safe_errors import safely
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform.usecases.rollups.live import TOLERANCE, nearness

CHECK = "live_view_is_near_its_source"
_SENTENCE = (
    f"What the view counted of the last day is within {TOLERANCE:.0%} of its table. Red, the view is gone or younger "
    "than a day: run `telemetry schema apply`, and look again tomorrow; the rollups are right meanwhile."
)


def live_key(live: Live) -> dg.AssetKey:
    """Where it stands in the graph."""
    return dg.AssetKey([live.record.store.value, live.record.name])


live_specs = tuple(
    dg.AssetSpec(
        live_key(one),
        deps=[table_key(tables()[one.base])],
        description=(
            f"{one.record.description}\n\n"
            f"- **Filled by**: the materialized view `{one.view}`, with every insert into `{one.base}`\n"
            "- **For**: wall screens and alerts of the last 24 hours\n"
            "- **Not for**: reports. What is sent again after a killed insert may count twice here, and nothing is "
            "taken back; the rollups are recomputed and add up\n"
            "- **Kept**: two days, by the table's own TTL"
        ),
        group_name="live",
        owners=[one.record.owner.value],
        kinds={one.record.store.value, "view"},
        metadata={"dagster/table_name": f"{DATABASE}.{one.record.name}"},
        tags={"base": one.base},
    )
    for one in LIVE
)


@dg.multi_asset_check(
    name=CHECK,
    specs=[dg.AssetCheckSpec(CHECK, asset=live_key(one), description=_SENTENCE) for one in LIVE],
    can_subset=True,
)
@safely
def check_live(context: dg.AssetCheckExecutionContext, platform: PlatformResource) -> Iterator[dg.AssetCheckResult]:
    """Count both sides."""
    comment = log_comment(run_id=context.run.run_id, job=context.run.job_name, asset=CHECK)
    asked = {key.asset_key for key in context.selected_asset_check_keys}
    with open_warehouse(platform.settings.clickhouse, log_comment=comment) as warehouse:
        for one in LIVE:
            if live_key(one) in asked:
                found = nearness(warehouse, one, now=datetime.now(UTC))
                yield dg.AssetCheckResult(
                    asset_key=live_key(one),
                    check_name=CHECK,
                    passed=found.is_near,
                    severity=dg.AssetCheckSeverity.WARN,
                    description=f"{found.counted:,} counted, {found.there:,} rows in the last day",
                    metadata={"counted": found.counted, "rows": found.there},
                )
