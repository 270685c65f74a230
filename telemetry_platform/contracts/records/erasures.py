"""Erasures, their certificates and what they count: never whose they are."""

from __future__ import annotations

from telemetry_platform.contracts.consent import LegalBasis
from telemetry_platform.contracts.erasure import ExpiresOnly
from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.contracts.owners import Owner
from telemetry_platform.contracts.pii import Domain
from telemetry_platform.contracts.records import Record
from telemetry_platform.contracts.retention import Retention

_NOBODY = ExpiresOnly("a random reference, counts and dates: without its tombstone nobody can say whose it was")

ERASURES = Record(
    name="privacy.erasures",
    description="Erasures and their certificates: counts, epochs and dates, never whose.",
    owner=Owner.COMPLIANCE,
    erasure=_NOBODY,
    legal_basis=LegalBasis.LEGAL_OBLIGATION,
    retention=Retention(7, "year", "requested_at", "as long as the trail: it proves that the erasure was made"),
    plain=("waits_for", "certificate"),
)
BY_TABLE = Record(
    name="privacy.erasures_by_table",
    description="What an erasure did to each table: counts, never whose.",
    owner=Owner.COMPLIANCE,
    erasure=_NOBODY,
    legal_basis=LegalBasis.LEGAL_OBLIGATION,
    why_kept="as long as the erasure that it belongs to",
)
SCRATCH = Record(
    name="erasure_scratch",
    description="Pseudonyms of persons who are being erased, while a sweep lasts.",
    owner=Owner.COMPLIANCE,
    erasure=ExpiresOnly("the sweep that wrote it empties it when it ends, and the next one before it begins"),
    legal_basis=LegalBasis.LEGAL_OBLIGATION,
    why_kept="empty but for the minutes of a sweep",
    persons={"actor_hash": Domain.ACTOR},
    store=Store.CLICKHOUSE,
)
RECORDS = (ERASURES, BY_TABLE, SCRATCH)
