"""Audit entries: who did what to which resource. Kept by legal duty, never gated by consent.

Services post what was done through them. The access record of a view is made by the API, at every consent level, with
the audit pseudonym of the person and no session id, so that no entry holds two pseudonyms of one person.
"""

from __future__ import annotations

from datetime import timedelta

from telemetry_platform.contracts import columns as c
from telemetry_platform.contracts.columns import Column
from telemetry_platform.contracts.consent import LegalBasis
from telemetry_platform.contracts.erasure import ExpiresOnly
from telemetry_platform.contracts.event_kind import Endpoint, EventKind, OnBehalf, Resource, Role, Store, Table
from telemetry_platform.contracts.owners import Owner
from telemetry_platform.contracts.payloads.audit import AuditEvent
from telemetry_platform.contracts.pii import Domain, Hashed, Scrubbed
from telemetry_platform.contracts.retention import Retention

LOGS = Table(
    name="audit.audit_logs",
    store=Store.POSTGRES,
    description="HIPAA audit trail: append-only, immutable, in one gapless sequence.",
    columns=(
        Column("seq", "UInt64", "position in the trail, from 1 without gaps"),
        c.EVENT_ID,
        Column("occurred_at", c.TIME, "when it happened"),
        Column("recorded_at", c.TIME, "when it was written; never before the previous row's"),
        Column("actor_hash", "String", "audit pseudonym of the person", treatment=Hashed(Domain.AUDIT_ACTOR)),
        c.KEY_EPOCH,
        Column("actor_type", "String", "patient, staff, service or system"),
        c.ORG_ID,
        Column("action", "String", "what was done, e.g. media.view"),
        Column("resource_type", "String", "kind of the resource, e.g. media"),
        Column(
            "resource_id_hash", "String", "pseudonym of the resource", nullable=True, treatment=Hashed(Domain.RESOURCE)
        ),
        Column("method", "String", "HTTP method", nullable=True),
        Column("path", "String", "route template, never a raw path", nullable=True),
        Column("status_code", "UInt16", "HTTP status", nullable=True),
        Column("outcome", "String", "success, denied or failure"),
        c.IP_TRUNCATED,
        c.COUNTRY_CODE,
        c.REGION,
        Column("device_type", "String", "desktop, mobile, tablet, tv, bot or unknown", nullable=True),
        Column("details_hash", "String", "SHA-256 of nonce and details; NULL without details", nullable=True),
        Column("prev_hash", "String", "row_hash of the row before; 64 zeros in the first row"),
        Column("row_hash", "String", "SHA-256 over prev_hash and the canonical stored form of the row"),
    ),
    owner=Owner.COMPLIANCE,
    retention=Retention(7, "year", "recorded_at", "45 CFR 164.316(b)(2)(i): six years, and one to be sure"),
    erasure=ExpiresOnly("legal duty: HIPAA audit controls, 45 CFR 164.312(b)"),
    legal_basis=LegalBasis.LEGAL_OBLIGATION,
    beside=(
        Column(
            "details",
            c.JSON,
            "what has no column, as one JSON object, names and values scrubbed of personal data",
            nullable=True,
            treatment=Scrubbed(),
        ),
    ),
)

KIND = EventKind(
    name="audit",
    version=1,
    table=LOGS,
    description="Audit entries, from the API and the Core API.",
    consent=None,
    freshness=timedelta(minutes=15),
    payload=(AuditEvent,),
    endpoint=Endpoint("/v1/audit/events", frozenset({Role.SERVICE}), summary="Record audit events"),
    on_behalf=OnBehalf(actor="actor_id", address="client_address", agent="user_agent"),
    actor_domain=Domain.AUDIT_ACTOR,
    resource=Resource(
        "resource_type", "resource_id", "resource_id_hash", frozenset({"patient", "staff", "user", "person"})
    ),
)
