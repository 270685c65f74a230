"""Product analytics: which pages, buttons and features are used. What traces or markets needs the highest consent."""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType

from telemetry_platform.contracts import columns as c
from telemetry_platform.contracts.columns import payload_columns
from telemetry_platform.contracts.consent import ConsentLevel, LegalBasis
from telemetry_platform.contracts.erasure import SweptBy
from telemetry_platform.contracts.event_kind import Endpoint, EventKind, Role, Store, Table
from telemetry_platform.contracts.owners import Owner
from telemetry_platform.contracts.payloads.analytics import USES
from telemetry_platform.contracts.retention import Retention

EVENTS = Table(
    name="analytics_events",
    store=Store.CLICKHOUSE,
    description="Page views, clicks and feature use, and with full consent marketing and behaviour.",
    columns=(*c.COMMON, *payload_columns(USES)),
    owner=Owner.DATA,
    retention=Retention(2, "year", "occurred_at", "two yearly comparisons of how the product is used"),
    erasure=SweptBy("actor_hash"),
    legal_basis=LegalBasis.CONSENT,
)

KIND = EventKind(
    name="analytics",
    version=1,
    table=EVENTS,
    description="How the product is used, from the frontend.",
    consent=ConsentLevel.ANALYTICS,
    consent_of=MappingProxyType({"marketing_touch": ConsentLevel.FULL, "behaviour_trace": ConsentLevel.FULL}),
    freshness=timedelta(minutes=15),
    payload=USES,
    discriminator="kind",
    endpoint=Endpoint(
        "/v1/analytics/events", frozenset({Role.PATIENT, Role.STAFF}), summary="Record product analytics"
    ),
    session_field="session_id",
)
