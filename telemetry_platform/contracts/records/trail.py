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
RECORDS = (DETAILS, EVENT_INDEX, HEAD, STREAM_OFFSETS, SECURITY_INDEX)
