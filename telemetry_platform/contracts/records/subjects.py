"""What is remembered of a person as a person: decisions, opt-outs and tombstones, by subject hash only."""

from __future__ import annotations

from telemetry_platform.contracts.consent import LegalBasis
from telemetry_platform.contracts.erasure import ExpiresOnly
from telemetry_platform.contracts.owners import Owner
from telemetry_platform.contracts.pii import Domain
from telemetry_platform.contracts.records import Record
from telemetry_platform.contracts.retention import Retention

SUBJECTS = Record(
    name="privacy.subjects",
    description=(
        "The consent that a person recorded, their opt-out of sale, when they were erased, and whether they are held: "
        "one row each."
    ),
    owner=Owner.COMPLIANCE,
    erasure=ExpiresOnly("it is what keeps an erased person erased: reduced to level 1 and the moment of the erasure"),
    legal_basis=LegalBasis.LEGAL_OBLIGATION,
    retention=Retention(13, "month", "last_used_on", "a decision stands for a year, and a month to ask again"),
    persons={"subject_hash": Domain.SUBJECT},
    plain=("purposes",),
)
TOMBSTONES = Record(
    name="privacy.tombstones",
    description="Pseudonyms of an erased person: what arrives late under one of them is dropped.",
    owner=Owner.COMPLIANCE,
    erasure=ExpiresOnly("the tombstone is what the erasure leaves, until nothing older can arrive or be restored"),
    legal_basis=LegalBasis.LEGAL_OBLIGATION,
    retention=Retention(
        0, "day", "until", "the longer of the late window and the oldest backup, counted when it is made"
    ),
    persons={"subject_hash": Domain.SUBJECT, "actor_hash": Domain.ACTOR},
)
RECORDS = (SUBJECTS, TOMBSTONES)
