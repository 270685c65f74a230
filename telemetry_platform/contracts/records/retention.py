"""What retention keeps about itself: its runs as a chain, the end of that chain, and what a run has announced."""

from __future__ import annotations

from telemetry_platform.contracts.consent import LegalBasis
from telemetry_platform.contracts.erasure import ExpiresOnly
from telemetry_platform.contracts.owners import Owner
from telemetry_platform.contracts.records import Record
from telemetry_platform.contracts.retention import Retention

_NOBODY = ExpiresOnly("counts, dates and names of tables: of no person")

RUNS = Record(
    name="privacy.retention_runs",
    description="The proof of retention: a row for each table and run, linked by hashes, append-only.",
    owner=Owner.COMPLIANCE,
    erasure=_NOBODY,
    legal_basis=LegalBasis.LEGAL_OBLIGATION,
    retention=Retention(7, "year", "ended_at", "as long as the trail: it proves that what expired was removed"),
    plain=("store", "policy", "prev_hash", "row_hash"),
)
HEAD = Record(
    name="privacy.retention_head",
    description="Where the chain of retention runs begins and ends.",
    owner=Owner.COMPLIANCE,
    erasure=_NOBODY,
    legal_basis=LegalBasis.LEGAL_OBLIGATION,
    why_kept="one row, for as long as there is a chain",
    plain=("first_prev_hash", "last_hash"),
)
ANNOUNCED = Record(
    name="privacy.retention_announced",
    description="What a run of retention is about to remove, until its proof is written.",
    owner=Owner.COMPLIANCE,
    erasure=_NOBODY,
    legal_basis=LegalBasis.LEGAL_OBLIGATION,
    why_kept="rows live for the minutes of a run; one that was killed leaves its row to the next one",
    plain=("store", "policy", "partitions"),
)
RECORDS = (RUNS, HEAD, ANNOUNCED)
