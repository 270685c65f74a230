"""Legal holds: persons whose data must stay while a dispute lasts, by subject hash, and how their rows are found."""

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
    texts=("why", "released_why"),
)
HOLD_ACTORS = Record(
    name="privacy.hold_actors",
    description="Pseudonyms of held persons, by which what they are in is kept.",
    owner=Owner.COMPLIANCE,
    erasure=ExpiresOnly("it is how the hold that keeps an erasure back finds its rows; it goes with the hold"),
    legal_basis=LegalBasis.LEGAL_OBLIGATION,
    why_kept="as long as the hold is in force; released, its rows are deleted in the same transaction",
    persons={"actor_hash": Domain.ACTOR},
    plain=("domain",),
)
RECORDS = (LEGAL_HOLDS, HOLD_ACTORS)
