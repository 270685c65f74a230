"""What Dagster's catalogue says of rollups and live views, made from their contracts.

Invariant: partitions are days in UTC, whatever zone anybody is in: a day has 24 hours, and no schedule skips or repeats
one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from telemetry_platform.contracts.erasure import SweptBy
from telemetry_platform.contracts.registry import tables
from telemetry_platform.defs.events.specs import DATABASE, column_schema
from telemetry_platform.defs.keys import table_key

if TYPE_CHECKING:
    from telemetry_platform.contracts.rollup import Rollup

GROUP = "rollups"
DAYS = dg.DailyPartitionsDefinition(start_date="2026-01-01", timezone="UTC", end_offset=1)
"""Up to today, whose figures grow; the first is the platform's first year's."""


def rollup_key(rollup: Rollup) -> dg.AssetKey:
    """Where a rollup stands in the graph: beside the tables."""
    return table_key(rollup.table)


def rollup_spec(rollup: Rollup) -> dg.AssetSpec:
    """A rollup in the catalogue."""
    table = rollup.table
    return dg.AssetSpec(
        rollup_key(rollup),
        deps=[table_key(tables()[rollup.base])],
        description=_description(rollup),
        metadata={
            "dagster/column_schema": column_schema(table),
            "dagster/table_name": f"{DATABASE}.{table.name}",
            "retention": f"{table.retention.sentence}: {table.retention.why}",
            "legal_basis": table.legal_basis.value,
            "identified_by": ", ".join(table.key),
        },
        group_name=GROUP,
        owners=[table.owner.value],
        kinds={table.store.value, "table"},
        tags={"base": rollup.base},
        partitions_def=DAYS,
    )


def _description(rollup: Rollup) -> str:
    table = rollup.table
    on_erasure = (
        f"rows of the person are deleted by `{table.erasure.column}`"
        if isinstance(table.erasure, SweptBy)
        else table.erasure.why
    )
    lines = (
        table.description,
        "",
        "| | |",
        "| --- | --- |",
        f"| counted from | `{rollup.source}`, every row of `{rollup.base}` once, none that has expired |",
        "| rebuilt | a whole UTC day at a time, swapped in at once; by `rebuild_touched_days` where data is new |",
        f"| a row is | one `{', '.join(table.key)}` |",
        "| percentiles | `histogram_quantile(0.95, sumForEach(x_histogram))`: to a bucket, over any rows |",
        f"| kept | {table.retention.sentence} |",
        f"| erasure | {on_erasure} |",
        "| proof | the check `view_matches_source` counts a day again by another statement |",
    )
    return "\n".join(lines)
