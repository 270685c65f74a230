"""A drain's report as Dagster's events: counts, names and seconds; nothing of what the events said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from telemetry_platform.contracts.registry import tables
from telemetry_platform.defs.keys import HEARTBEAT, queue_key, table_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from telemetry_platform.contracts.event_kind import EventKind
    from telemetry_platform.stores.landing_queue import Backlog
    from telemetry_platform.usecases.drain.report import DrainReport, TableReport


def table_results(report: DrainReport, row_counts: Mapping[str, int]) -> Iterator[dg.MaterializeResult[None]]:
    """One result for each table that got rows; the others are skipped, and keep the date of their last rows.

    In the order of the contracts, where a table stands before those that are folded from it: Dagster fails a step that
    yields an asset before one that it depends on.
    """
    for name, table in tables().items():
        counts = report.tables.get(name)
        if counts and counts.stored:
            yield dg.MaterializeResult(
                asset_key=table_key(table),
                metadata={
                    **({"dagster/row_count": row_counts[name]} if name in row_counts else {}),
                    **_counts(counts, folded=table.derived_from is not None),
                    "lag_seconds": report.oldest_undrained_seconds,
                },
            )


def _counts(counts: TableReport, *, folded: bool) -> dict[str, int]:
    if folded:
        return {"rows_folded": counts.stored}
    return {
        "rows_stored": counts.stored,
        "duplicates": counts.duplicate,
        "id_conflicts": counts.id_conflict,
        "too_late": counts.too_late,
        "dead_lettered": counts.dead_lettered,
    }


def heartbeat_result(report: DrainReport) -> dg.MaterializeResult[None]:
    """What the whole drain did."""
    return dg.MaterializeResult(
        asset_key=HEARTBEAT,
        metadata={
            "batches": report.batches,
            "entries": report.entries,
            "missing_entries": report.missing,
            "dead_lettered": sum(counts.dead_lettered for counts in report.tables.values()),
            "dropped": sum(report.drops.values()),
            "drops_by_reason": dg.MetadataValue.md(_drops(report)),
            "lag_seconds": report.oldest_undrained_seconds,
            "seconds": report.seconds,
            "entries_per_second": report.entries / report.seconds if report.seconds else 0.0,
            "fencing": report.fencing,
        },
    )


def _drops(report: DrainReport) -> str:
    if not report.drops:
        return "none"
    lines = [f"| {kind} | {level} | {why} | {count} |" for (kind, level, why), count in sorted(report.drops.items())]
    return "\n".join(["| kind | consent level | reason | events |", "| --- | --- | --- | --- |", *lines])


def queue_observations(kinds: Mapping[str, EventKind], backlog: Mapping[str, Backlog]) -> Iterator[dg.AssetObservation]:
    """How much waits in each queue now, all shards together."""
    for kind in {kind.name: kind for kind in kinds.values()}.values():
        waiting = [backlog[stream] for stream, of in kinds.items() if of.name == kind.name]
        yield dg.AssetObservation(
            asset_key=queue_key(kind),
            metadata={
                "entries": sum(one.entries for one in waiting),
                "lag_seconds": max(one.oldest_age_seconds for one in waiting),
            },
        )
