"""How often a job runs, as its runs say it: the history of one that runs every few minutes is pruned soonest."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from telemetry_platform.processing.history import Pace

PACE_TAG = "telemetry/pace"


def paced(pace: Pace) -> dict[str, str]:
    """The tag that the runs of such a job carry; without one they are kept as those of a rare job."""
    return {PACE_TAG: pace.value}
