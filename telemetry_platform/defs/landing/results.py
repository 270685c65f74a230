"""A drain's report as Dagster's events: counts, names and seconds; nothing of what the events said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from telemetry_platform.contracts.events import drops
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
                    **({"drops_by_reason": dg.MetadataValue.md(_drops(report))} if table is drops.EVENTS else {}),
                    "queue_lag_seconds": round(report.oldest_undrained_seconds, 3),
                },
            )


def _counts(counts: TableReport, *, folded: bool) -> dict[str, int]:
    if folded:
        return {"rows_folded": counts.stored}
    return {
        "entries_drained": _entries(counts),
        "rows_stored": counts.stored,
        "duplicates_left_out": counts.duplicate,
        "id_conflicts_left_out": counts.id_conflict,
        "too_late_left_out": counts.too_late,
        "erased_left_out": counts.erased,
        "dead_lettered": counts.dead_lettered,
    }


def _entries(counts: TableReport) -> int:
    """What became of each entry is counted once."""
    left_out = counts.duplicate + counts.id_conflict + counts.too_late + counts.erased
    return counts.stored + left_out + counts.dead_lettered


def heartbeat_result(report: DrainReport) -> dg.MaterializeResult[None]:
    """What the whole drain did, also for tables that got no rows out of their entries."""
    return dg.MaterializeResult(
        asset_key=HEARTBEAT,
        metadata={
            "batches": report.batches,
            "entries_drained": report.entries,
            "entries_by_table": dg.MetadataValue.md(_by_table(report)),
            "entries_missing": report.missing,
            "erased_left_out": sum(counts.erased for counts in report.tables.values()),
            "dead_lettered": sum(counts.dead_lettered for counts in report.tables.values()),
            "events_dropped_by_api": sum(report.drops.values()),
            "drops_by_reason": dg.MetadataValue.md(_drops(report)),
            "attacks_detected": report.detected,
            "queue_lag_seconds": round(report.oldest_undrained_seconds, 3),
            "drained_for_seconds": round(report.seconds, 3),
            "entries_per_second": round(report.entries / report.seconds, 1) if report.seconds else 0.0,
            "lease_fencing_number": report.fencing,
            "geo_database": report.geo.message,
        },
    )


def _by_table(report: DrainReport) -> str:
    lines = [
        f"| {name} | {one.stored} | {one.duplicate} | {one.id_conflict} | {one.too_late} | {one.erased} "
        f"| {one.dead_lettered} |"
        for name, table in tables().items()
        if (one := report.tables.get(name)) and table.derived_from is None
    ]
    heading = "| table | stored | duplicates | id conflicts | too late | erased | dead-lettered |"
    return "\n".join([heading, "| --- | --- | --- | --- | --- | --- | --- |", *lines]) if lines else "none"


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
                "entries_waiting": sum(one.entries for one in waiting),
                "queue_lag_seconds": round(max(one.oldest_age_seconds for one in waiting), 3),
            },
        )
