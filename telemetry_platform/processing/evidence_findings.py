"""What is wrong, by the figures of an evidence archive: the sentences that its manifest and its summary say in red.

Invariant: what could not be looked at, or did not happen, is red as well: an archive without a run of retention, or
without a checkpoint, may not read like a good one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from telemetry_platform.contracts.exclusions import FAIL_AFTER

if TYPE_CHECKING:
    from datetime import datetime

    from telemetry_platform.contracts.evidence import Period, Stretch
    from telemetry_platform.processing.evidence_figures import Figures

ERASED_WITHIN = timedelta(days=30)
"""GDPR Art. 12(3) gives one month."""


@dataclass(frozen=True)
class Circumstances:
    """What there is beside the figures: when, which rows of the trail, and what could not be done.

    `no_checkpoint` and `runs_fault` say what is wrong, None: nothing; `last_sync` is the newest one that succeeded by
    the end of the period.
    """

    period: Period
    now: datetime
    stretch: Stretch | None
    no_checkpoint: str | None
    runs_fault: str | None
    last_sync: datetime | None

    @property
    def until(self) -> datetime:
        """The end of the period, as far as it has come."""
        return min(self.period.ends, self.now)


def findings(figures: Figures, beside: Circumstances) -> tuple[str, ...]:
    """All of them, what weighs most first; nothing for an archive in which all is as it must be."""
    return (
        *_of_the_trail(figures, beside),
        *_of_retention(figures, beside),
        *_of_persons(figures, beside),
    )


def _of_the_trail(figures: Figures, beside: Circumstances) -> list[str]:
    found, fresh = [], figures.verification
    if not fresh["ok"]:
        where = "" if fresh["first_bad_seq"] is None else f", first at row {fresh['first_bad_seq']:,}"
        found.append(f"The audit trail is not whole{where}: {fresh['reason']}.")
    if beside.no_checkpoint is not None:
        found.append(f"No checkpoint could be signed for this archive: {beside.no_checkpoint}.")
    if beside.stretch is not None and beside.stretch.unseen:
        found.append(f"Rows at the end of the period that no signed checkpoint has seen: {beside.stretch.unseen:,}.")
    if figures.restores:
        found.append(f"Restores of the database with which rows were lost that had been seen: {figures.restores:,}.")
    if figures.failed_verifications:
        found.append(
            f"Verifications in the period that did not find the trail whole: {figures.failed_verifications:,}."
        )
    if figures.gaps["open"]:
        found.append(f"Gaps in the intake that are open, and that nobody has explained: {figures.gaps['open']:,}.")
    return found


def _of_retention(figures: Figures, beside: Circumstances) -> list[str]:
    found, runs = [], figures.runs
    if beside.runs_fault is not None:
        found.append(f"The chain of retention runs is not whole: {beside.runs_fault}.")
    if not runs.real:
        found.append("No run of retention ended in the period: nothing proves that what expired was removed.")
    if runs.unfinished:
        found.append(f"The newest run of these tables was not done: {', '.join(runs.unfinished)}.")
    return found


def _of_persons(figures: Figures, beside: Circumstances) -> list[str]:
    found = []
    if figures.erasures["failed"]:
        found.append(f"Erasures that left rows behind, or could not be counted: {figures.erasures['failed']:,}.")
    oldest = figures.oldest_open_erasure
    if oldest is not None and beside.now - oldest > ERASED_WITHIN:
        found.append(f"An erasure that was asked for on {oldest:%Y-%m-%d} has not come to its end.")
    if figures.bad_certificates:
        found.append(f"Certificates of erasure that do not say what one has to say: {figures.bad_certificates:,}.")
    if beside.last_sync is None:
        found.append('The "do not sell" list was never fetched by the end of the period.')
    elif beside.until - beside.last_sync > FAIL_AFTER:
        found.append(f'The "do not sell" list was {(beside.until - beside.last_sync).days} days old.')
    return found
