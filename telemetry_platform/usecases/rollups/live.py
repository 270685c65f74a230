"""How far a live table is from what it counts.

Invariant: a live table may be off by what a killed insert repeated, and says so; more than that is a view that is gone
or was put in later than its table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from telemetry_platform.contracts.records.live import Live
    from telemetry_platform.stores.warehouse import Warehouse

TOLERANCE = 0.02
"""Share that may be missing or double: a batch of a killed server among fifty."""
_AT_LEAST = 50


@dataclass(frozen=True)
class Nearness:
    """What a live table counted of the last day, and how many rows its base has of it."""

    counted: int
    there: int

    @property
    def is_near(self) -> bool:
        """Whether the two differ by no more than a view that counts each insert may."""
        return abs(self.counted - self.there) <= max(TOLERANCE * self.there, _AT_LEAST)


def nearness(warehouse: Warehouse, live: Live, *, now: datetime) -> Nearness:
    """Count both. Raises what the warehouse raises: a look that fails says nothing."""
    parameters = {"live": live.record.name, "counted": live.counted, "base": live.base, "now": now}
    counted, there = warehouse.rows("compare_live_view", parameters)[0]
    return Nearness(int(counted or 0), int(there))
