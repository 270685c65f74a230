"""One figure: what was measured, and its floor from the same run."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`ratio` is value / floor, so that 1.0 means "as fast as the floor"; figures in seconds have a bound as floor."""

    name: str
    value: float
    unit: str
    floor: float

    def line(self) -> str:
        """The figure as one JSON object."""
        ratio = self.value / self.floor if self.floor else 0.0
        return json.dumps(
            {
                "name": self.name,
                "value": round(self.value, 3),
                "unit": self.unit,
                "floor": round(self.floor, 3),
                "ratio": round(ratio, 3),
            }
        )

    def show(self) -> None:
        """Print it."""
        sys.stdout.write(self.line() + "\n")
        sys.stdout.flush()


def note(text: str) -> None:
    """Say on standard error what is going on; standard output holds figures only."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
