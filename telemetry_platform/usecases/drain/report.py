"""What a drain did, in counts: never a value of an event."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry_platform.stores.geo import GeoHealth
    from telemetry_platform.stores.ingest_ledger import Outcome

Drop = tuple[str, int, str]
"""Kind, consent level and reason of dropped events."""


@dataclass(frozen=True)
class TableReport:
    """What one table got; for a folded table `stored` counts the rows that were folded anew."""

    stored: int = 0
    duplicate: int = 0
    id_conflict: int = 0
    too_late: int = 0
    erased: int = 0
    dead_lettered: int = 0


@dataclass(frozen=True)
class DrainReport:
    """What one run of the drain did. For every table that entries land in, the counts add up to its events."""

    tables: Mapping[str, TableReport]
    drops: Mapping[Drop, int]
    batches: int
    entries: int
    missing: int
    oldest_undrained_seconds: float
    seconds: float
    fencing: int
    geo: GeoHealth
    detected: int = 0
    """Security events that detection added, beside those that came as entries."""


@dataclass
class Tally:
    """Counts of one worker while it runs; they are added up when it has ended."""

    tables: dict[str, Counter[str]] = field(default_factory=dict)
    drops: Counter[Drop] = field(default_factory=Counter)
    batches: int = 0
    entries: int = 0
    missing: int = 0
    detected: int = 0

    def count(self, table: str, outcome: Outcome, entries: int) -> None:
        """A batch has ended."""
        counts = {name: number for name, number in asdict(outcome).items() if name in TableReport.__dataclass_fields__}
        self.tables.setdefault(table, Counter()).update(counts)
        self.batches += 1
        self.entries += entries
        self.missing += outcome.missing

    def folded(self, table: str, rows: int) -> None:
        """Rows of a table that is folded from another were written."""
        if rows:
            self.tables.setdefault(table, Counter())["stored"] += rows

    def add(self, other: Tally) -> None:
        """The counts of another worker."""
        for table, counts in other.tables.items():
            self.tables.setdefault(table, Counter()).update(counts)
        self.drops.update(other.drops)
        self.batches += other.batches
        self.entries += other.entries
        self.missing += other.missing
        self.detected += other.detected
