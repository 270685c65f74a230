"""A run of retention as a person reads it: what went, of which table, and why; in Markdown, as Dagster shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from telemetry_platform.contracts.retention_runs import RetentionRun
    from telemetry_platform.usecases.expire.run import RetentionReport

_WORDS = {
    "done": "nothing that has expired is left",
    "partial": "the rest is for the next run",
    "postponed": "the table's turn did not come",
    "stalled": "ClickHouse did not remove it: are merges stopped?",
    "held": "a legal hold keeps it",
    "failed": "it could not be worked on",
    "interrupted": "the run was killed; counted by the next one",
}


def headline(report: RetentionReport) -> str:
    """One sentence; a second one when a table could not be worked on, of which the first knows nothing."""
    if report.dry_run:
        told = f"A dry run: {report.left:,} rows have expired in {len(_touched(report))} tables; nothing was changed."
    else:
        held = sum(one.rows_held for one in report.proofs)
        told = f"{report.rows:,} rows removed, {report.left:,} expired rows left"
        told += f", {held:,} kept by legal holds." if held else "."
    return f"{told} Could not be worked on: {', '.join(report.failures)}." if report.failures else told


def markdown(report: RetentionReport) -> str:
    """A line for each table that had something to remove, and the names of the others."""
    lines = [headline(report), ""]
    touched = _touched(report)
    if touched:
        lines += [
            "| table | removed | of rows | partitions | held | left | cut-off (UTC) | oldest now | policy | result |",
            "| --- | ---: | ---: | ---: | ---: | ---: | --- | --- | --- | --- |",
            *map(_line, touched),
            "",
        ]
    quiet = [one.table_name for one in report.proofs if one not in touched]
    if quiet:
        lines.append(f"Nothing has expired in {', '.join(quiet)}.")
    if report.failures:
        lines += ["", *(f"- **{table}** could not be worked on: {why}" for table, why in report.failures.items())]
    return "\n".join(lines)


def outcome(proof: RetentionRun) -> str:
    """How it ended, in words."""
    if proof.dry_run:
        return "dry run"
    return f"{proof.status}: {_WORDS[proof.status]}"


def _touched(report: RetentionReport) -> list[RetentionRun]:
    return [
        one
        for one in (*report.recovered, *report.proofs)
        if one.expired_before or one.rows_held or one.partitions_dropped or one.status != "done"
    ]


def _line(proof: RetentionRun) -> str:
    oldest = f"{proof.oldest_remaining:%Y-%m-%d}" if proof.oldest_remaining else "empty"
    return (
        f"| {proof.table_name} | {proof.rows_dropped:,} | {proof.rows_before:,} | {proof.partitions_dropped:,} | "
        f"{proof.rows_held:,} | {proof.expired_after:,} | {proof.cut_off:%Y-%m-%d %H:%M} | {oldest} | "
        f"{proof.policy} | {outcome(proof)} |"
    )
