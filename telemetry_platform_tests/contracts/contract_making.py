"""Contracts for tests of the policy: one that keeps every rule, and ways to change it in one place."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, Field, create_model

from telemetry_platform.contracts import columns as c
from telemetry_platform.contracts.columns import Column, Stored, payload_columns
from telemetry_platform.contracts.consent import ConsentLevel, LegalBasis
from telemetry_platform.contracts.erasure import ExpiresOnly, SweptBy
from telemetry_platform.contracts.event_kind import Endpoint, EventKind, OnBehalf, Role, Store, Table
from telemetry_platform.contracts.owners import Owner
from telemetry_platform.contracts.payloads.envelope import ConcerningEnvelope, Envelope
from telemetry_platform.contracts.pii import Domain, Hashed, Kept
from telemetry_platform.contracts.retention import Retention
from telemetry_platform.contracts.types import Milliseconds

if TYPE_CHECKING:
    from collections.abc import Mapping


def said(annotation: Any, *marks: object, required: bool = False) -> Any:  # noqa: ANN401 - what create_model takes
    """A field's definition; `marks` are its treatment and what else it carries."""
    may_miss = annotation if required else annotation | None
    described: Any = Annotated[may_miss, *marks, Field(description="what the test is about")]
    return described, ... if required else None


def posted(name: str = "Viewed", base: type[BaseModel] = Envelope, **fields: Any) -> type[BaseModel]:  # noqa: ANN401 - see said
    """A payload with these fields."""
    return create_model(name, __base__=base, **fields)


def contract(*payload: type[BaseModel], table: Mapping[str, Any] | None = None, **changes: Any) -> EventKind:  # noqa: ANN401 - any field of a kind
    """A contract that keeps all rules, but for what is changed."""
    models = payload or (posted(viewed_ms=said(Milliseconds, Kept(), Stored(unit="ms"))),)
    at_rest = Table(
        name="leaflets_viewed",
        store=Store.CLICKHOUSE,
        description="One row for each time that a leaflet was opened.",
        columns=(*c.COMMON, *payload_columns(models)),
        owner=Owner.DATA,
        retention=Retention(1, "year", "occurred_at", "leaflets are printed once a year"),
        erasure=SweptBy("actor_hash"),
        legal_basis=LegalBasis.CONSENT,
    )
    kind = EventKind(
        name="leaflets",
        version=1,
        table=replace(at_rest, **(table or {})),
        description="Leaflets that were opened, from the app.",
        consent=ConsentLevel.ANALYTICS,
        freshness=timedelta(minutes=15),
        payload=models,
        endpoint=endpoint(),
    )
    return replace(kind, **changes)


def service(*payload: type[BaseModel], table: Mapping[str, Any] | None = None, **changes: Any) -> EventKind:  # noqa: ANN401 - any field of a kind
    """A contract of what a service posts of others."""
    posts = endpoint(roles=frozenset({Role.SERVICE}))
    behalf = OnBehalf(actor="actor_id", address="client_address", agent="user_agent")
    basis = {"legal_basis": LegalBasis.LEGITIMATE_INTEREST}
    models = payload or (posted(base=ConcerningEnvelope),)
    given = {"consent": None, "endpoint": posts, "on_behalf": behalf, **changes}
    return contract(*models, table={**basis, **(table or {})}, **given)


def without(kind: EventKind, *names: str) -> EventKind:
    """The same contract, its table without these columns."""
    left = tuple(column for column in kind.table.columns if column.name not in names)
    return replace(kind, table=replace(kind.table, columns=left))


def beside(kind: EventKind, *columns: Column) -> EventKind:
    """The same contract, its table with these columns besides."""
    return replace(kind, table=replace(kind.table, columns=(*kind.table.columns, *columns)))


def endpoint(path: str = "/v1/leaflets/views", **changes: Any) -> Endpoint:  # noqa: ANN401 - any field of an endpoint
    """Where patients post leaflets."""
    return replace(Endpoint(path, frozenset({Role.PATIENT}), summary="Record views of leaflets"), **changes)


def told_apart(first: str, second: str) -> tuple[type[BaseModel], type[BaseModel]]:
    """Two variants, for these types of event."""
    opened, closed = (
        (Annotated[Literal[one], Kept(), Field(description="what happened")], ...) for one in (first, second)
    )
    return posted("Opened", event=opened), posted("Closed", event=closed)


def trail(**changes: Any) -> EventKind:  # noqa: ANN401 - any field of a table
    """A trail in PostgreSQL, kept by law."""
    columns = (
        c.EVENT_ID,
        Column("recorded_at", c.TIME, "when it was written"),
        Column("actor_hash", "String", "audit pseudonym of the person", treatment=Hashed(Domain.AUDIT_ACTOR)),
        c.KEY_EPOCH,
        c.ORG_ID,
    )
    table = {
        "name": "audit.leaflets",
        "store": Store.POSTGRES,
        "columns": columns,
        "retention": Retention(6, "year", "recorded_at", "the law says six years"),
        "erasure": ExpiresOnly("the law says so"),
        "legal_basis": LegalBasis.LEGAL_OBLIGATION,
    }
    return service(table={**table, **changes})
