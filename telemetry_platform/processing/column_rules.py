"""What the values of a table at rest must look like, column by column, as patterns that a database can count.

The rules follow from the contracts alone, so that a new table is looked at without anybody writing a check for it.
Invariant: the patterns mean the same to ClickHouse (RE2) and to PostgreSQL; no word boundaries, no look-around.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.contracts import columns as c
from telemetry_platform.contracts.pii import Hashed
from telemetry_platform.contracts.registry import tables

if TYPE_CHECKING:
    from telemetry_platform.contracts.columns import Column
    from telemetry_platform.contracts.event_kind import EventKind, Table

_OCTET = "(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_EMAIL = r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z][A-Za-z]+"
_ADDRESS = rf"(^|[^0-9.])({_OCTET}\.){{3}}{_OCTET}($|[^0-9.])"

PSEUDONYM = "^([0-9a-f]{64})?$"
"""64 hex digits, or nothing where no person or resource is concerned."""
TRUNCATED_ADDRESS = rf"^(({_OCTET}\.){{3}}0|([0-9a-f]{{1,4}}(:[0-9a-f]{{1,4}}){{0,2}})?::)$"
"""An IPv4 address cut to /24, or an IPv6 address cut to /48."""
EMAIL_OR_ADDRESS = f"{_EMAIL}|{_ADDRESS}"


@dataclass(frozen=True)
class ColumnRule:
    """Every value that is not NULL matches the pattern (`must_match`), or none does."""

    column: str
    pattern: str
    must_match: bool
    sentence: str
    among: tuple[str, tuple[str, ...]] | None = None
    """Only rows that say one of these values in this column are looked at."""


def pii_rules(table: Table) -> tuple[ColumnRule, ...]:
    """Pseudonyms are pseudonyms, addresses are cut, no other text holds an e-mail or an address."""
    return tuple(rule for column in table.carried if (rule := pii_rule(column)) is not None)


def consent_rules(kind: EventKind, table: Table) -> tuple[ColumnRule, ...]:
    """Every row was taken at the level that its kind needs, and its type; none for a kind that is not gated."""
    if kind.consent is None or c.CONSENT_LEVEL not in table.columns:
        return ()
    name, level = c.CONSENT_LEVEL.name, kind.consent.value
    rules = [ColumnRule(name, f"^[{level}-3]$", must_match=True, sentence=f"is {level} or higher")]
    # Tables that are folded from the kind's own have no column that says what an event was.
    if kind.discriminator is not None and table is kind.table:
        for higher in sorted(set(kind.consent_of.values())):
            events = tuple(event for event, needed in kind.consent_of.items() if needed == higher)
            sentence = f"is {higher.value} or higher where {kind.discriminator} is {' or '.join(events)}"
            rules.append(ColumnRule(name, f"^[{higher.value}-3]$", True, sentence, (kind.discriminator, events)))
    return tuple(rules)


def pii_rule(column: Column) -> ColumnRule | None:
    """The rule of one column; None for one that holds no text."""
    if column.clickhouse not in {"String", c.JSON}:
        return None
    if column.name.endswith("_hash") or column.name in _pseudonyms():
        return ColumnRule(column.name, PSEUDONYM, must_match=True, sentence="is a pseudonym or a digest (64 hex)")
    if column.name == c.IP_TRUNCATED.name:
        return ColumnRule(column.name, TRUNCATED_ADDRESS, must_match=True, sentence="is cut to /24 or /48")
    # Kept text as well as scrubbed text: a field that was thought harmless is where an address would slip through.
    return ColumnRule(column.name, EMAIL_OR_ADDRESS, must_match=False, sentence="holds no e-mail and no address")


def _pseudonyms() -> frozenset[str]:
    """Names that are hashed somewhere: a folded table carries them on under the same name."""
    return frozenset(
        column.name for table in tables().values() for column in table.columns if isinstance(column.treatment, Hashed)
    )
