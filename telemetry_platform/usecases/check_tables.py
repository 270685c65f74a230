"""Look at tables at rest and say what is not as its contract promises. Nothing is believed because code should do it.

Invariant: a table that cannot be looked at raises; only a look that happened can find nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from telemetry_platform.stores.tables_at_rest import Look

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from telemetry_platform.contracts.event_kind import Table
    from telemetry_platform.processing.column_rules import ColumnRule
    from telemetry_platform.stores.tables_at_rest import TablesAtRest

LATE_WINDOW = timedelta(days=8)
"""Covers every row that an event of the last day can have made: one may be seven days late."""


@dataclass(frozen=True)
class Finding:
    """What one rule found."""

    rule: ColumnRule
    looked_at: int
    wrong: int


@dataclass(frozen=True)
class TableReport:
    """What all rules found in one table, among the rows whose time is not before `since`."""

    table: str
    since: datetime
    findings: tuple[Finding, ...]

    @property
    def is_clean(self) -> bool:
        """Whether no value was wrong."""
        return not self.faults

    @property
    def faults(self) -> tuple[Finding, ...]:
        """Rules with values against them."""
        return tuple(finding for finding in self.findings if finding.wrong)

    @property
    def looked_at(self) -> int:
        """The most values that one rule looked at: the table's rows, where a column without NULL is among them."""
        return max((finding.looked_at for finding in self.findings), default=0)


def check_table(tables: TablesAtRest, table: Table, rules: Sequence[ColumnRule], *, since: datetime) -> TableReport:
    """Apply each rule to the table's recent rows."""
    findings = []
    for rule in rules:
        counted = tables.count(table, Look(rule.column, rule.pattern, rule.must_match, since, rule.among))
        findings.append(Finding(rule, counted.looked_at, counted.wrong))
    return TableReport(table.name, since, tuple(findings))
