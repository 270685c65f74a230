"""Consent drops: that an event was dropped, by kind, level and reason; never what it said or who sent it."""

from __future__ import annotations

from datetime import timedelta

from telemetry_platform.contracts import columns as c
from telemetry_platform.contracts.columns import Column
from telemetry_platform.contracts.consent import LegalBasis
from telemetry_platform.contracts.erasure import ExpiresOnly
from telemetry_platform.contracts.event_kind import EventKind, Store, Table
from telemetry_platform.contracts.owners import Owner
from telemetry_platform.contracts.retention import Retention

EVENTS = Table(
    name="consent_drops",
    store=Store.CLICKHOUSE,
    description="One row per dropped event: the proof that consent is respected, without a person in it.",
    columns=(
        c.EVENT_ID,
        c.RECEIVED_AT,
        c.INGESTED_AT,
        c.ORG_ID,
        c.CONSENT_LEVEL,
        c.BATCH_ID,
        Column("kind", "String", "kind of the dropped event"),
        Column("event", "String", "type of the dropped event, empty for kinds without types"),
        Column(
            "reason",
            "String",
            "consent_too_low, erased, excluded_network, global_privacy_control or purpose_not_agreed",
        ),
    ),
    owner=Owner.COMPLIANCE,
    retention=Retention(2, "year", "received_at", "accountability: the effect of consent over two years"),
    erasure=ExpiresOnly("holds no pseudonym and no address"),
    legal_basis=LegalBasis.LEGAL_OBLIGATION,
)

KIND = EventKind(
    name="drops",
    version=1,
    table=EVENTS,
    description="Drops, counted by the API.",
    consent=None,
    freshness=timedelta(minutes=15),
)
