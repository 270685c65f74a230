"""The two declarations that everything follows from: a table at rest, and a kind of event that lands in one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta

    from pydantic import BaseModel

    from telemetry_platform.contracts.columns import Column
    from telemetry_platform.contracts.consent import ConsentLevel, LegalBasis
    from telemetry_platform.contracts.erasure import Erasure
    from telemetry_platform.contracts.owners import Owner
    from telemetry_platform.contracts.retention import Retention


class Store(StrEnum):
    """Where a table lives, and with it which worker of the drain fills it."""

    CLICKHOUSE = "clickhouse"
    POSTGRES = "postgres"


class Role(StrEnum):
    """Roles of a token."""

    PATIENT = "patient"
    STAFF = "staff"
    SERVICE = "service"
    ANALYST = "analyst"
    SUPPORT = "support"
    COMPLIANCE = "compliance"
    ADMIN = "admin"


@dataclass(frozen=True)
class Table:
    """One table at rest.

    `name` is unqualified for ClickHouse and `schema.table` for PostgreSQL. `derived_from` names the table that this
    one is folded from; None for a table that entries land in.
    """

    name: str
    store: Store
    description: str
    columns: tuple[Column, ...]
    owner: Owner
    retention: Retention
    erasure: Erasure
    legal_basis: LegalBasis
    derived_from: str | None = None
    final: bool = False
    """Rows are versions (ReplacingMergeTree): a read must take the newest of each key."""
    key: tuple[str, ...] = ("org_id", "event_id")
    """What identifies a row. Clients choose ids, so that they are unique within a tenant only."""


@dataclass(frozen=True)
class Endpoint:
    """Where a kind is posted, by whom, and how many at once."""

    path: str
    roles: frozenset[Role]
    max_events: int = 500
    summary: str = ""


@dataclass(frozen=True)
class EventKind:
    """One kind of event, defined once.

    `consent` is the level that the kind needs; None means "not applicable", with `legal_basis` of the table saying why
    it may be kept. `payload` is what a client posts, several variants told apart by the field `discriminator` (empty:
    entries of this kind are made by the API itself).
    `session_field` names the payload's session, whose events share one stream shard, key epoch and actor.
    `derived` are the tables that the drain folds from `table` after each batch.
    """

    name: str
    version: int
    table: Table
    description: str
    consent: ConsentLevel | None
    freshness: timedelta
    payload: tuple[type[BaseModel], ...] = ()
    discriminator: str | None = None
    endpoint: Endpoint | None = None
    session_field: str | None = None
    derived: tuple[Table, ...] = ()

    @property
    def store(self) -> Store:
        """The store of the kind's table, and so the worker that drains its streams."""
        return self.table.store
