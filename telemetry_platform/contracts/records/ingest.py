"""What exactly-once ingest keeps about itself: batches, leases, marks; ids of entries, and nothing of what they say."""

from __future__ import annotations

from telemetry_platform.contracts.consent import LegalBasis
from telemetry_platform.contracts.erasure import ExpiresOnly
from telemetry_platform.contracts.owners import Owner
from telemetry_platform.contracts.records import Record
from telemetry_platform.contracts.retention import Retention

_NOBODY = ExpiresOnly("it speaks of entries, batches and processes, and of no person")

BATCHES = Record(
    name="ingest.batches",
    description="Every batch of the drain: its entries, its state, and what became of them.",
    owner=Owner.DATA,
    erasure=_NOBODY,
    legal_basis=LegalBasis.LEGITIMATE_INTEREST,
    retention=Retention(13, "month", "closed_at", "what was stored and what was not is compared with the year before"),
    plain=("root_id", "state", "entry_ids"),
)
LEASES = Record(
    name="ingest.leases",
    description="Who may drain, until when, and under which fencing number.",
    owner=Owner.DATA,
    erasure=_NOBODY,
    legal_basis=LegalBasis.LEGITIMATE_INTEREST,
    why_kept="one row for each lease, and its number never goes back",
    plain=("name", "holder"),
)
PRODUCER_MARKS = Record(
    name="ingest.producer_marks",
    description="High-water mark of each producer on each stream, with the numbers seen.",
    owner=Owner.DATA,
    erasure=_NOBODY,
    legal_basis=LegalBasis.LEGITIMATE_INTEREST,
    retention=Retention(90, "day", "updated_at", "a process numbers its entries for as long as it lives"),
    plain=("producer",),
)
TOUCHED_DAYS = Record(
    name="ingest.touched_days",
    description="Days whose rows have changed, and how often: a rollup is behind where it knows an older mark.",
    owner=Owner.DATA,
    erasure=_NOBODY,
    legal_basis=LegalBasis.LEGITIMATE_INTEREST,
    why_kept="a row for each table and day: the mark tells whether a rollup is behind, and never goes back",
)
ROLLUP_DAYS = Record(
    name="ingest.rollup_days",
    description="Days of rollups: when each was last rebuilt, and up to which mark of its base.",
    owner=Owner.DATA,
    erasure=_NOBODY,
    legal_basis=LegalBasis.LEGITIMATE_INTEREST,
    why_kept="a row for each rollup and day: without it the day would be rebuilt again",
    plain=("rollup",),
)
RECORDS = (BATCHES, LEASES, PRODUCER_MARKS, TOUCHED_DAYS, ROLLUP_DAYS)
