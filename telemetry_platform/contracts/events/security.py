"""Security events: attacks and refusals that a service or the API itself saw, and what detection made of them.

Kept in the legitimate interest of security, never gated.

The person behind one has the pseudonym of event rows, under the key of its epoch: to follow somebody for longer than an
epoch is what the audit trail is for. Correlation by address is by a keyed hash whose keys are destroyed after 90 days.
"""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType

from telemetry_platform.contracts import columns as c
from telemetry_platform.contracts.columns import Column, payload_columns
from telemetry_platform.contracts.consent import LegalBasis
from telemetry_platform.contracts.erasure import ExpiresOnly
from telemetry_platform.contracts.event_kind import Endpoint, EventKind, OnBehalf, Role, Store, Table
from telemetry_platform.contracts.owners import Owner
from telemetry_platform.contracts.payloads.security import SecurityEvent
from telemetry_platform.contracts.pii import Domain, Hashed
from telemetry_platform.contracts.retention import Retention

EVENTS = Table(
    name="security.security_events",
    store=Store.POSTGRES,
    description="Attacks and refusals, for detection and threat analysis: append-only.",
    columns=(
        c.EVENT_ID,
        Column("occurred_at", c.TIME, "when it happened"),
        Column("recorded_at", c.TIME, "when it was written"),
        c.ORG_ID,
        *payload_columns((SecurityEvent,)),
        c.ACTOR_HASH,
        c.KEY_EPOCH,
        c.IP_TRUNCATED,
        Column(
            "address_hash",
            "String",
            "pseudonym of the full address, under the key of address_key_epoch",
            nullable=True,
            treatment=Hashed(Domain.ADDRESS),
        ),
        Column("address_key_epoch", "UInt32", "epoch of the key behind address_hash", nullable=True),
        c.COUNTRY_CODE,
        Column("user_agent_family", "String", "browser family, from a closed list, else `other`", nullable=True),
    ),
    owner=Owner.COMPLIANCE,
    retention=Retention(3, "year", "recorded_at", "attacks are prepared over years, and claims lapse after three"),
    erasure=ExpiresOnly("attacks must stay provable, whoever asks; the rows name a person by a pseudonym only"),
    legal_basis=LegalBasis.LEGITIMATE_INTEREST,
)

KIND = EventKind(
    name="security",
    version=1,
    table=EVENTS,
    description="Security events, from the Core API and of the API's own doors.",
    consent=None,
    freshness=timedelta(minutes=15),
    payload=(SecurityEvent,),
    endpoint=Endpoint("/v1/security/events", frozenset({Role.SERVICE}), summary="Record security events"),
    on_behalf=OnBehalf(actor="actor_id", address="client_address", agent="user_agent", hashes_address=True),
    exceptions=MappingProxyType({"ids_are_pseudonyms: SecurityEvent.rule_id": "names a rule of detection, no person"}),
)
