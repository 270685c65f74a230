"""How long a drain's run may drain: its budget counts from the start of the run, whichever try of its step is at work.

Invariant: a step that is tried again gets what its run has left and never a budget of its own, since Dagster ends the
run a minute after the first one is spent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings


@dataclass(frozen=True)
class Budget:
    """The seconds of a run; `begun` and `now` are seconds since 1970."""

    begun: float
    seconds: float

    def left(self, now: float) -> float:
        """What a drain that starts now may still use."""
        return max(self.begun + self.seconds - now, 0.0)

    def limit(self, settings: Settings, now: float) -> Settings:
        """The settings for a drain that starts now."""
        return settings.model_copy(
            update={"drain": settings.drain.model_copy(update={"budget_seconds": self.left(now)})}
        )
