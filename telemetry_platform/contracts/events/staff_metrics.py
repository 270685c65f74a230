"""Staff metrics: figures of the work of staff, from the Core API. Their employer keeps them without consent."""

from __future__ import annotations

from datetime import timedelta

from telemetry_platform.contracts import columns as c
from telemetry_platform.contracts.columns import payload_columns
from telemetry_platform.contracts.consent import LegalBasis
from telemetry_platform.contracts.erasure import SweptBy
from telemetry_platform.contracts.event_kind import Endpoint, EventKind, OnBehalf, Role, Store, Table
from telemetry_platform.contracts.owners import Owner
from telemetry_platform.contracts.payloads.staff_metrics import StaffFigure
from telemetry_platform.contracts.retention import Retention

METRICS = Table(
    name="staff_metrics",
    store=Store.CLICKHOUSE,
    description="One figure of the work of one pseudonymised member of staff over one period.",
    columns=(
        *c.OF_ANY_EVENT,
        c.ACTOR_HASH,
        c.KEY_EPOCH,
        c.BATCH_ID,
        *payload_columns((StaffFigure,)),
    ),
    owner=Owner.DATA,
    retention=Retention(1, "year", "occurred_at", "a yearly review compares with the year before, and no more"),
    erasure=SweptBy("actor_hash"),
    legal_basis=LegalBasis.LEGITIMATE_INTEREST,
)

KIND = EventKind(
    name="staff_metrics",
    version=1,
    table=METRICS,
    description="Figures of the work of staff, from the Core API.",
    consent=None,
    freshness=timedelta(minutes=15),
    payload=(StaffFigure,),
    endpoint=Endpoint("/v1/staff/metrics", frozenset({Role.SERVICE}), summary="Record staff metrics"),
    on_behalf=OnBehalf(actor="staff_user_id"),
)
