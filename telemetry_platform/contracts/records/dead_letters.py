"""Entries that the drain put aside: the one table beside the kinds' own whose rows are about a person's events."""

from __future__ import annotations

from telemetry_platform.contracts.consent import LegalBasis
from telemetry_platform.contracts.erasure import SweptBy
from telemetry_platform.contracts.owners import Owner
from telemetry_platform.contracts.pii import Domain
from telemetry_platform.contracts.records import Record
from telemetry_platform.contracts.retention import Retention

DEAD_LETTERS = Record(
    name="privacy.dead_letters",
    description="Entries that the drain put aside: scrubbed, replayable, kept for 30 days.",
    owner=Owner.DATA,
    # Whatever kind they are of, and whether they wait, were replayed or dropped.
    erasure=SweptBy("actor_hash"),
    legal_basis=LegalBasis.LEGITIMATE_INTEREST,
    retention=Retention(30, "day", "created_at", "long enough to mend what made them fail, and to queue them again"),
    persons={"actor_hash": Domain.ACTOR},
    # `dropped_by` names the account of whoever gave a letter up: they answer for it.
    texts=("body", "detail", "dropped_by", "dropped_why"),
    plain=("entry_id", "event_id", "reason"),
)
RECORDS = (DEAD_LETTERS,)
