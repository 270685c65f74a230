"""API metrics: response times and error rates by route template. They concern no person and need no consent."""

from __future__ import annotations

from datetime import timedelta

from telemetry_platform.contracts import columns as c
from telemetry_platform.contracts.columns import payload_columns
from telemetry_platform.contracts.consent import LegalBasis
from telemetry_platform.contracts.erasure import ExpiresOnly
from telemetry_platform.contracts.event_kind import Endpoint, EventKind, OnBehalf, Role, Store, Table
from telemetry_platform.contracts.owners import Owner
from telemetry_platform.contracts.payloads.api_metrics import ApiRequest
from telemetry_platform.contracts.retention import Retention

METRICS = Table(
    name="api_metrics",
    store=Store.CLICKHOUSE,
    description="One answered request of the Core API: route template, status, duration, sizes.",
    columns=(
        *c.OF_ANY_EVENT,
        c.BATCH_ID,
        *payload_columns((ApiRequest,)),
    ),
    owner=Owner.DATA,
    retention=Retention(1, "year", "occurred_at", "capacity is planned from a year's load"),
    erasure=ExpiresOnly("holds no person: neither pseudonym nor address"),
    legal_basis=LegalBasis.LEGITIMATE_INTEREST,
)

KIND = EventKind(
    name="api_metrics",
    version=1,
    table=METRICS,
    description="Answered requests, from the Core API.",
    consent=None,
    freshness=timedelta(minutes=15),
    payload=(ApiRequest,),
    endpoint=Endpoint("/v1/api/metrics", frozenset({Role.SERVICE}), summary="Record API metrics"),
    on_behalf=OnBehalf(),
)
