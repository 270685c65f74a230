"""What a rebuild and a comparison say to Dagster: days, counts and seconds; never a value of a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from telemetry_platform.contracts.rollup_registry import rollups
from telemetry_platform.defs.rollups.specs import rollup_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, timedelta

    from telemetry_platform.contracts.rollup import Rollup
    from telemetry_platform.usecases.rollups.rebuild import Rebuilt
    from telemetry_platform.usecases.rollups.verify import Verdict

CHECK = "view_matches_source"
SENTENCE = (
    "A day of the rollup, counted again from its deduplicated base by another statement, says the same. Red, somebody "
    "wrote past the rebuild or the rebuild is wrong: run `rebuild_day` for the days that are named, then look again."
)
_MOST_TOLD = 5
_MINUTE = 60


def materialization(made: Rebuilt, *, lag: timedelta) -> dg.AssetMaterialization:
    """One day of one rollup, as its asset shows it; Dagster plots the numbers. `lag`: how long the day was behind."""
    return dg.AssetMaterialization(
        rollup_key(rollups()[made.rollup]),
        partition=made.day.isoformat(),
        metadata={
            "dagster/partition_row_count": made.rows,
            "seconds": round(made.seconds, 3),
            "lag_minutes": round(max(0.0, lag.total_seconds()) / _MINUTE, 2),
            "mark": made.mark,
        },
    )


def days_table(made: Sequence[Rebuilt]) -> dg.MetadataValue:
    """Which days were rebuilt, in Markdown."""
    lines = [f"| {one.rollup} | {one.day} | {one.rows:,} | {one.seconds:.2f} |" for one in made]
    return dg.MetadataValue.md(
        "\n".join(["| rollup | day | rows | seconds |", "| --- | --- | --- | --- |", *lines]) if lines else "none"
    )


def evaluation(rollup: Rollup, found: Mapping[date, Verdict]) -> Mapping[str, object]:
    """The arguments of a check's result: `dg.AssetCheckResult` in a check, `dg.AssetCheckEvaluation` in an op."""
    wrong = {day: verdict for day, verdict in found.items() if not verdict.matches}
    told = "; ".join(
        f"{day}: {', '.join(verdict.differences[:_MOST_TOLD])}" for day, verdict in list(wrong.items())[:_MOST_TOLD]
    )
    rows = sum(verdict.compared_rows for verdict in found.values())
    return {
        "asset_key": rollup_key(rollup),
        "check_name": CHECK,
        "passed": not wrong,
        "description": told or f"{len(found)} days, {rows:,} rows: the same from both",
        "metadata": {
            "days_compared": len(found),
            "rows_compared": rows,
            "days_that_differ": len(wrong),
            "days": ", ".join(day.isoformat() for day in found) or "none: no day was ever touched",
        },
    }
