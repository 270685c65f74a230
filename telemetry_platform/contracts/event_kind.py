"""The two declarations that everything follows from: a table at rest, and a kind of event that lands in one."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from telemetry_platform.contracts.pii import Domain

if TYPE_CHECKING:
    from collections.abc import Mapping
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
    beside: tuple[Column, ...] = ()
    """Columns that come with a row and rest in a table beside this one."""

    @property
    def carried(self) -> tuple[Column, ...]:
        """All that an entry may bring."""
        return (*self.columns, *self.beside)


@dataclass(frozen=True)
class Endpoint:
    """Where a kind is posted, by whom, and how many at once.

    `anonymous`: also without a token, within rate limits; what comes so belongs to nobody and to no session.
    """

    path: str
    roles: frozenset[Role]
    max_events: int = 500
    summary: str = ""
    anonymous: bool = False


@dataclass(frozen=True)
class OnBehalf:
    """A service posts what it saw of somebody else: the payload's fields that say whom and from where.

    They are reduced exactly as a request's own token, address and user agent would be, and stored as little.
    `actor` None: the kind concerns no person.
    """

    actor: str | None = None
    address: str | None = None
    agent: str | None = None
    org: str = "org_id"
    hashes_address: bool = False
    """The table has `address_hash` and `address_key_epoch`: a keyed hash of the full address, for correlation."""


@dataclass(frozen=True)
class Resource:
    """What was acted upon: the payload's fields with its type and id, the column of its pseudonym.

    A resource whose type is in `persons` has the pseudonym that the person has as an actor, so that both are followed.
    """

    type_field: str
    id_field: str
    column: str
    persons: frozenset[str]


@dataclass(frozen=True)
class Axis:
    """One number of a point: its bounds, the decimal digits that rest, and whether a point may come without it."""

    name: str
    description: str
    minimum: float
    maximum: float
    digits: int
    optional: bool = False
    unit: str = ""

    @property
    def decimal(self) -> str:
        """The column's type: a decimal of 32 bits, whose nine digits hold the bounds."""
        return f"Decimal(9, {self.digits})"


@dataclass(frozen=True)
class Frames:
    """One posted event holds many rows: a field with a list of frames, each with its number and its points.

    They travel packed through the queue, one entry per posted event, and are rows again in the drain. A frame is
    identified by its session and its number. `envelope` is what the posted event says besides its frames, `frame` one
    of them: a fault in a frame costs that frame alone.
    """

    field: str
    number: str
    points_field: str
    points: tuple[str, ...]
    axes: tuple[Axis, ...]
    envelope: type[BaseModel]
    frame: type[BaseModel]

    @property
    def columns(self) -> tuple[tuple[str, Axis], ...]:
        """Names of the columns in the order in which the numbers are packed, each with its axis."""
        return tuple((f"{point}_{axis.name}", axis) for point in self.points for axis in self.axes)


@dataclass(frozen=True)
class EventKind:
    """One kind of event, defined once.

    `consent` is the level that the kind needs; None means "not applicable", with `legal_basis` of the table saying why
    it may be kept. `payload` is what a client posts, several variants told apart by the field `discriminator` (empty:
    entries of this kind are made by the API itself).
    `session_field` names the payload's session, whose events share one stream shard, key epoch and actor.
    `derived` are the tables that the drain folds from `table` after each batch.
    `consent_of` names the values of the discriminator that need more than `consent`. `purpose` is what a person must
    have agreed to by name, besides the level. `derives_ids`: an event without an id gets one made of its session, type
    and time, so that a re-send is recognised; else a random one.
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
    consent_of: Mapping[str, ConsentLevel] = field(default_factory=dict, hash=False)
    purpose: str | None = None
    derives_ids: bool = False
    told_apart_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    """What derived ids are made of besides, by type of event: columns of types that may come twice in a millisecond."""
    on_behalf: OnBehalf | None = None
    actor_domain: Domain = Domain.ACTOR
    frames: Frames | None = None
    resource: Resource | None = None
    fingerprint_of: tuple[str, str, str, str | None] | None = None
    """Columns with source, code, message and stack of an error, of which the column `fingerprint` is made."""
    exceptions: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Where this kind may break a rule of `policy/`, as `"rule: where"`, each with its reason; a needless one fails."""

    def needs(self, event: str) -> ConsentLevel | None:
        """The level that an event of this type needs."""
        return self.consent_of.get(event, self.consent)

    @property
    def is_kept_always(self) -> bool:
        """Whether no consent and no exclusion of a network takes an event away: audit and security, the trail's."""
        return self.consent is None and self.store is Store.POSTGRES

    @property
    def may_be_nobodys(self) -> bool:
        """Whether a row may belong to no person: an erasure has nothing to find in it then."""
        if self.on_behalf is None:
            return self.endpoint is not None and self.endpoint.anonymous
        actor = self.on_behalf.actor
        return actor is None or not all(variant.model_fields[actor].is_required() for variant in self.payload)

    @property
    def store(self) -> Store:
        """The store of the kind's table, and so the worker that drains its streams."""
        return self.table.store
