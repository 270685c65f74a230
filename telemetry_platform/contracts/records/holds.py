"""Legal holds: persons whose data must stay while a dispute lasts, by subject hash only."""

from __future__ import annotations

from telemetry_platform.contracts.consent import LegalBasis
from telemetry_platform.contracts.erasure import ExpiresOnly
from telemetry_platform.contracts.owners import Owner
from telemetry_platform.contracts.pii import Domain
from telemetry_platform.contracts.records import Record
from telemetry_platform.contracts.retention import Retention

LEGAL_HOLDS = Record(
    name="privacy.legal_holds",
    description="Persons whose data must not be erased or expire while a dispute lasts.",
    owner=Owner.COMPLIANCE,
    erasure=ExpiresOnly("a hold is what keeps an erasure back; its row proves afterwards why it did"),
    legal_basis=LegalBasis.LEGAL_OBLIGATION,
    retention=Retention(7, "year", "released_at", "in force until it is released; then as long as the trail"),
    persons={"subject_hash": Domain.SUBJECT},
    texts=("why",),
)
RECORDS = (LEGAL_HOLDS,)
