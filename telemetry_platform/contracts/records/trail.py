"""What stands beside the audit trail and the security events: details, indexes, the trail's end."""

from __future__ import annotations

from telemetry_platform.contracts.consent import LegalBasis
from telemetry_platform.contracts.erasure import ExpiresOnly
from telemetry_platform.contracts.owners import Owner
from telemetry_platform.contracts.records import Record
from telemetry_platform.contracts.retention import Retention

_WITH_THE_ROW = "rows live as long as the row of the trail that they belong to"

DETAILS = Record(
    name="audit.details",
    description="What an action's row has no column for: a closed set of keys for each action.",
    owner=Owner.COMPLIANCE,
    erasure=ExpiresOnly("legal duty, as the row that it belongs to; a body that should not be there is blanked"),
    legal_basis=LegalBasis.LEGAL_OBLIGATION,
    why_kept=_WITH_THE_ROW,
    texts=("body",),
    plain=("nonce",),
)
EVENT_INDEX = Record(
    name="audit.event_index",
    description="Every event of a tenant and every seq of the trail once, and where the row lies.",
    owner=Owner.COMPLIANCE,
    erasure=ExpiresOnly("holds ids of events and no person"),
    legal_basis=LegalBasis.LEGAL_OBLIGATION,
    why_kept=_WITH_THE_ROW,
)
HEAD = Record(
    name="audit.head",
    description="The end of the audit trail.",
    owner=Owner.COMPLIANCE,
    erasure=ExpiresOnly("one row about the trail itself"),
    legal_basis=LegalBasis.LEGAL_OBLIGATION,
    why_kept="one row, for as long as there is a trail",
    plain=("row_hash",),
)
STREAM_OFFSETS = Record(
    name="audit.stream_offsets",
    description="The last batch that each landing stream brought to the trail.",
    owner=Owner.COMPLIANCE,
    erasure=ExpiresOnly("speaks of batches and of no person"),
    legal_basis=LegalBasis.LEGAL_OBLIGATION,
    why_kept="one row for each landing stream",
)
SECURITY_INDEX = Record(
    name="security.event_index",
    description="Every security event of a tenant once, and where the row lies.",
    owner=Owner.COMPLIANCE,
    erasure=ExpiresOnly("holds ids of events and no person"),
    legal_basis=LegalBasis.LEGITIMATE_INTEREST,
    retention=Retention(3, "year", "recorded_at", "as long as the events themselves"),
)
POLICY = Record(
    name="audit.policy",
    description="How long each table is kept, and every change of it.",
    owner=Owner.COMPLIANCE,
    erasure=ExpiresOnly("names of tables and numbers: of no person"),
    legal_basis=LegalBasis.LEGAL_OBLIGATION,
    why_kept="it says what was promised at any time, for as long as there is a database",
    plain=("table_name", "unit", "counted_from", "why"),
)
ANCHORS = Record(
    name="audit.anchors",
    description="Signed statements of what was in each dropped partition of the trail.",
    owner=Owner.COMPLIANCE,
    erasure=ExpiresOnly("hashes of hashes and counts: of no person"),
    legal_basis=LegalBasis.LEGAL_OBLIGATION,
    why_kept="verification walks over it, for as long as there is a trail; one row for each month that was dropped",
    plain=("partition_name", "prev_hash", "last_hash", "key_id", "signature"),
)
INTAKE_MARKS = Record(
    name="audit.intake_marks",
    description="High-water mark of each producer of audit and security entries, with the numbers that came.",
    owner=Owner.COMPLIANCE,
    erasure=ExpiresOnly("names of processes and their numbers: of no person"),
    legal_basis=LegalBasis.LEGAL_OBLIGATION,
    retention=Retention(7, "year", "updated_at", "as long as the trail: a number that is forgotten would look lost"),
    plain=("origin", "place", "producer"),
)
INTAKE_GAPS = Record(
    name="audit.intake_gaps",
    description="Numbered audit and security entries that did not arrive, and what became of each gap.",
    owner=Owner.COMPLIANCE,
    erasure=ExpiresOnly("names of processes and their numbers, and who explained a gap, as staff"),
    legal_basis=LegalBasis.LEGAL_OBLIGATION,
    retention=Retention(7, "year", "noticed_at", "as long as the trail that the entries are missing from"),
    plain=("origin", "place", "producer", "explained_by", "explanation"),
)
VERIFICATIONS = Record(
    name="audit.verifications",
    description="Every verification of the audit trail and its result.",
    owner=Owner.COMPLIANCE,
    erasure=ExpiresOnly("numbers and moments: of no person"),
    legal_basis=LegalBasis.LEGAL_OBLIGATION,
    retention=Retention(7, "year", "verified_at", "as long as the trail that it speaks of"),
    plain=("mode", "reason"),
)
RECORDS = (
    DETAILS,
    EVENT_INDEX,
    HEAD,
    STREAM_OFFSETS,
    SECURITY_INDEX,
    POLICY,
    ANCHORS,
    VERIFICATIONS,
    INTAKE_MARKS,
    INTAKE_GAPS,
)
