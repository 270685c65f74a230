"""What must be true of every table: sentences that are true when green, found out by looking at the table.

They belong to the drain's step, which looks at the tables that just got rows; `check_tables` runs them by themselves
for all tables every hour, since a quiet table is looked at by nobody else.
Invariants: they look at what is stored, never at what the code computed on its way there; a look that fails raises.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import dagster as dg

from telemetry_platform.defs.events.specs import kinds_and_tables
from telemetry_platform.defs.keys import table_key
from telemetry_platform.processing.column_rules import consent_rules, pii_rules
from telemetry_platform.usecases.check_tables import check_table

if TYPE_CHECKING:
    from datetime import datetime

    from telemetry_platform.contracts.event_kind import Table
    from telemetry_platform.processing.column_rules import ColumnRule
    from telemetry_platform.stores.tables_at_rest import TablesAtRest
    from telemetry_platform.usecases.check_tables import TableReport

PII = "pii_is_hashed"
CONSENT = "consent_is_respected"
_SENTENCES = {
    PII: (
        "Every identifier is a pseudonym, every address is cut, and no text holds an e-mail or, where it is free text, "
        "an address: the table's recent rows were looked at."
    ),
    CONSENT: "Every row was taken at the consent level that its kind needs: the table's recent rows were looked at.",
}

AFTER_A_DRAIN = timedelta(days=1)
"""How far back a drain looks: what it stored is mostly of today. The hourly run looks at the whole late window."""


def table_rules() -> dict[dg.AssetCheckKey, tuple[Table, tuple[ColumnRule, ...]]]:
    """Every check of a table with its rules; a table that no consent level gates has no check of it."""
    found: dict[dg.AssetCheckKey, tuple[Table, tuple[ColumnRule, ...]]] = {}
    for kind, table in kinds_and_tables():
        for name, rules in ((PII, pii_rules(table)), (CONSENT, consent_rules(kind, table))):
            if rules:
                found[dg.AssetCheckKey(table_key(table), name)] = (table, rules)
    return found


def table_check_specs() -> tuple[dg.AssetCheckSpec, ...]:
    """The checks as Dagster shows them."""
    return tuple(
        dg.AssetCheckSpec(key.name, asset=key.asset_key, description=_SENTENCES[key.name]) for key in table_rules()
    )


def check_result(key: dg.AssetCheckKey, tables: TablesAtRest, *, since: datetime) -> dg.AssetCheckResult:
    """Look at the check's table. Raises when it cannot be looked at: red for the wrong reason beats green for none."""
    table, rules = table_rules()[key]
    return _result(key, check_table(tables, table, rules, since=since))


def _result(key: dg.AssetCheckKey, report: TableReport) -> dg.AssetCheckResult:
    """Counts and the names of columns; never a value, which may be what must not be seen."""
    faults = {f.rule.column: f"{f.wrong} of {f.looked_at} values: {f.rule.sentence} (not so)" for f in report.faults}
    return dg.AssetCheckResult(
        passed=report.is_clean,
        asset_key=key.asset_key,
        check_name=key.name,
        severity=dg.AssetCheckSeverity.ERROR,
        description=(
            f"{report.looked_at} rows since {report.since:%Y-%m-%d %H:%M} UTC, {len(report.findings)} columns: "
            + (f"wrong in {', '.join(faults)}" if faults else "nothing wrong")
        ),
        metadata={
            "rows_looked_at": report.looked_at,
            "columns_looked_at": len(report.findings),
            "since": dg.MetadataValue.timestamp(report.since),
            **{f"wrong_in_{column}": text for column, text in faults.items()},
        },
    )
