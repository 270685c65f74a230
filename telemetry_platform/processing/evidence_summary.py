"""The page of an evidence archive that a person reads first, and prints: what is proven, what is not, what is red.

Invariants: one page; no script and nothing from outside, since it is opened from a file, years later; every text that
comes from data is escaped; each figure stands beside the file that it is counted from.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from telemetry_platform.contracts import evidence_files as files
from telemetry_platform.contracts.evidence import MANIFEST, README

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Sequence

    from telemetry_platform.contracts.evidence import DataFile
    from telemetry_platform.processing.evidence_figures import Figures
    from telemetry_platform.processing.evidence_findings import Circumstances

_STYLE = """
@page{size:A4;margin:12mm}*{box-sizing:border-box}
body{font:10pt/1.35 system-ui,sans-serif;color:#111;max-width:186mm;margin:6mm auto}
h1{font-size:15pt;margin:0}h2{font-size:11pt;margin:3.5mm 0 1mm}p{margin:1mm 0}ul{margin:1mm 0;padding-left:5mm}
table{border-collapse:collapse;width:100%}td,th{border-bottom:.3pt solid #bbb;padding:.6mm 1.5mm;text-align:left;
vertical-align:top}th{white-space:nowrap}td:last-child{white-space:nowrap;font-size:8pt}a{color:#063}
.red{border:1pt solid #b00020;border-left-width:4pt;padding:1.5mm 3mm}.red h2{color:#b00020;margin-top:0}
.fine{border:1pt solid #17633a;border-left-width:4pt;padding:1.5mm 3mm}small{color:#444}
@media print{body{margin:0;font-size:8.6pt}a{color:inherit;text-decoration:none}tr,li{break-inside:avoid}}
"""
_NOT_PROVEN = (
    "What somebody did to the end of the trail before a checkpoint saw it: one is signed every five minutes.",
    "That an entry was true when it was written, or that all that happened was sent: gaps in numbers are listed.",
    "What retention and erasures counted: the platform did so itself, and its runs are chained, not signed outside.",
    "That a key-encryption key is gone everywhere: somebody stated it. Backups and detached parts are not looked at.",
    "Details that other systems sent with their entries: they are not here; their hash is.",
)


@dataclass(frozen=True)
class Told:
    """Who made the archive and with what."""

    archive_id: str
    platform_version: str
    key_id: str


def summary(figures: Figures, beside: Circumstances, red: Sequence[str], told: Told) -> str:
    """The file `summary.html`."""
    period = beside.period
    title = f"Evidence, {period.first_day} to {period.last_day}"
    return "".join(
        (
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>{title}</title><style>{_STYLE}</style></head><body>\n<h1>{title}</h1>\n",
            f"<p><small>Whole days in UTC, both included; all tenants. Made {beside.now:%Y-%m-%d %H:%M} UTC by ",
            f"version {escape(told.platform_version)}, archive {escape(told.archive_id)}, signed by key ",
            f"{escape(told.key_id)}.{_is_young(beside)} Persons are pseudonymised. Files: ",
            f'<a href="{README}">{README}</a>, <a href="{MANIFEST}">{MANIFEST}</a>.</small></p>\n',
            _verdict(red),
            "<h2>What there is</h2>\n<table>\n",
            *(_row(*row) for row in _rows(figures, beside)),
            "</table>\n<h2>What is proven</h2>\n<ul>\n",
            *(f"<li>{text}</li>\n" for text in _proven(figures, beside)),
            "</ul>\n<h2>What is not proven</h2>\n<ul>\n",
            *(f"<li>{escape(text)}</li>\n" for text in _NOT_PROVEN),
            "</ul>\n</body></html>\n",
        )
    )


def _is_young(beside: Circumstances) -> str:
    return " The period had not ended: what came later is not here." if beside.period.ends > beside.now else ""


def _verdict(red: Sequence[str]) -> str:
    if not red:
        return '<div class="fine">Nothing is red: whatever had to be so was found so.</div>\n'
    items = "".join(f"<li>{escape(text)}</li>\n" for text in red)
    return f'<div class="red"><h2>Red: {len(red)}</h2>\n<ul>\n{items}</ul></div>\n'


def _proven(figures: Figures, beside: Circumstances) -> Iterator[str]:
    """Sentences that hold only as far as the verification of this archive says so."""
    stretch = beside.stretch
    if stretch is None:
        yield "No row of the trail was recorded in the period that is still kept."
    elif not figures.verification["ok"]:
        yield "Of the trail, only what <code>telemetry evidence verify</code> finds whole: see above."
    else:
        seen = stretch.end.seq - stretch.unseen
        yield (
            f"Rows {stretch.start.seq + 1:,} to {seen:,} of the trail are those that were there when they were first "
            "signed for, and none of the period is left out. Anybody can compute it from the files."
        )
    if figures.runs.state is not None and beside.runs_fault is None:
        yield (
            f"Of the retention runs {figures.runs.state.first_number:,} to {figures.runs.state.last_number:,} none was "
            "changed, removed or put in since this archive was signed; each says what it removed, and by which policy."
        )
    if figures.erasures["certified"] and not figures.bad_certificates:
        yield "Every certificate of erasure here counts no survivor, and the trail has a row that says so."
    yield "This archive is as it was made, if its signature is that of the key that you were told."


def _rows(figures: Figures, beside: Circumstances) -> Iterator[tuple[DataFile, str]]:
    fresh, runs, rows = figures.verification, figures.runs, figures.rows
    stretch = beside.stretch
    yield files.TRAIL, "no row" if stretch is None else f"rows {stretch.start.seq + 1:,} to {stretch.end.seq:,}"
    yield (
        files.FRESH,
        f"{'whole' if fresh['ok'] else 'NOT whole'}; {fresh['rows']:,} rows, {fresh['anchors']:,} anchors",
    )
    yield files.VERIFICATIONS, f"{figures.failed_verifications:,} of {rows[files.VERIFICATIONS.name]:,} not good"
    yield files.CHECKPOINTS, f"{rows[files.CHECKPOINTS.name]:,}"
    yield files.RESUMPTIONS, f"{rows[files.RESUMPTIONS.name]:,} stated at any time, {figures.restores:,} of the period"
    yield files.ANCHORS, f"{rows[files.ANCHORS.name]:,} months of the trail signed for"
    yield files.READERS, _counts(figures.access) or "nobody was shown anything"
    yield (
        files.RUNS,
        f"{runs.real:,} proofs, {runs.dry:,} of dry runs; {runs.rows:,} rows, {runs.partitions:,} partitions removed",
    )
    yield files.POLICY, f"{figures.policy_changes:,} changes in the period"
    yield files.ERASURES, _counts(figures.erasures) or "none"
    yield files.SYNCS, _counts(figures.syncs) or "none"
    yield files.KEY_EPOCHS, _counts(figures.keys) or "none"
    yield files.KEKS, f"{rows[files.KEKS.name]:,} names"
    yield files.HOLDS, _counts(figures.holds) or "none"
    yield files.DROPS, _counts(figures.drops) or "none"
    yield files.ATTACKS, _counts(figures.attacks) or "none"
    yield files.GAPS, _counts(figures.gaps) or "none"


def _row(file: DataFile, figure: str) -> str:
    name = escape(file.name)
    return f'<tr><th>{escape(file.title)}</th><td>{escape(figure)}</td><td><a href="{name}">{name}</a></td></tr>\n'


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(counter.items()) if count)
