"""How long a table keeps its rows, and why. Calendar units: a year is a year, not 365 days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Retention:
    """A row is expired when its `column` lies before now - `amount` `unit` (calendar, UTC)."""

    amount: int
    unit: Literal["day", "month", "year"]
    column: str
    why: str

    @property
    def sentence(self) -> str:
        """The rule as a person reads it, e.g. `2 years after occurred_at`."""
        return f"{self.amount} {self.unit}{'s' if self.amount != 1 else ''} after {self.column}"

    @property
    def ttl(self) -> str:
        """ClickHouse TTL of the table: retention plus one month, so that the retention job and its proof come first."""
        interval = {"day": "DAY", "month": "MONTH", "year": "YEAR"}[self.unit]
        return f"toDateTime({self.column}) + INTERVAL {self.amount} {interval} + INTERVAL 1 MONTH"
