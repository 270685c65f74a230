"""Every table that retention acts on, made from the contracts, with the way in which its rows go.

Invariant: a table or record with a retention is a target, or nothing starts; what has none says why in its contract. So
nobody adds a table that is kept for ever by oversight.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING

from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.contracts.events import security
from telemetry_platform.contracts.records import records
from telemetry_platform.contracts.records.retention import RUNS
from telemetry_platform.contracts.records.trail import SECURITY_INDEX
from telemetry_platform.contracts.rollup_registry import kept_tables
from telemetry_platform.stores import trail_partitions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry_platform.contracts.event_kind import Table
    from telemetry_platform.contracts.records import Record
    from telemetry_platform.contracts.retention import Retention


class Way(Enum):
    """How expired rows of a table go."""

    WAREHOUSE = "whole partitions first, then rows"
    ROWS = "rows, in small transactions"
    PARTITIONS = "whole partitions only, by a function of the database"
    WITH_PARTITION = "with the partitions of the table that it belongs to"
    OWN_CHAIN = "the oldest proofs first, by a function of the database"


_WITH = {SECURITY_INDEX.name: security.EVENTS.name}
"""Tables whose rows go with the partitions of another one."""


@dataclass(frozen=True)
class Target:
    """One table: how long its rows are kept by the policy in force, and how they go."""

    name: str
    store: Store
    policy: Retention
    way: Way
    contract: Table | Record

    @property
    def sentence(self) -> str:
        """How long rows are kept, and why; the text of the proof."""
        return f"{self.policy.sentence}: {self.policy.why}"

    @property
    def table(self) -> Table:
        """The contract of a table that events land in."""
        return kept_tables()[self.name]

    @property
    def record(self) -> Record:
        """The contract of any other table."""
        return records()[self.name]


def targets(policy: Mapping[str, Retention]) -> Mapping[str, Target]:
    """All of them by name. `policy` says what is in force; a table that it does not name keeps to its contract.

    Raises TypeError for a table with a retention that nothing here acts on.
    """
    found: dict[str, Target] = {}
    contracts: dict[str, Table | Record] = {**kept_tables(), **records()}
    for name, contract in contracts.items():
        retention = policy.get(name, contract.retention) if contract.retention is not None else None
        if retention is not None:
            found[name] = Target(name, contract.store, retention, _way(name, contract.store), contract)
    return MappingProxyType(found)


def companions(target: Target, all_targets: Mapping[str, Target]) -> tuple[Target, ...]:
    """Tables whose rows go with the partitions of this one."""
    return tuple(one for name, one in all_targets.items() if _WITH.get(name) == target.name)


def kept() -> Mapping[str, str]:
    """Tables without a retention of their own, each with the reason."""
    return {name: record.why_kept for name, record in records().items() if record.retention is None}


def _way(name: str, store: Store) -> Way:
    if name in trail_partitions.TABLES:
        return Way.PARTITIONS
    if name in _WITH:
        return Way.WITH_PARTITION
    if name == RUNS.name:
        return Way.OWN_CHAIN
    if store is Store.CLICKHOUSE and name in kept_tables():
        return Way.WAREHOUSE
    if store is Store.POSTGRES and name in records():
        return Way.ROWS
    raise TypeError(f"{name} has a retention, and nothing acts on it: give it a way in usecases/expire/targets.py")
