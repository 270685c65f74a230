"""The files of an evidence archive about the audit trail, each with its fields.

Invariant: a row's line has all that its hash is made of, so that an auditor needs nothing else to compute it.
"""

from __future__ import annotations

from telemetry_platform.contracts import own_actions as own
from telemetry_platform.contracts.evidence import DataFile

ACCESS = (
    own.TRAIL_READ,
    own.TRAIL_SEARCHED,
    own.TRAIL_EXPORTED,
    own.EXPORT_FINISHED,
    own.VERIFICATION_READ,
    own.SECURITY_READ,
    own.ACCESS_REPORTED,
    own.EVIDENCE_EXPORTED,
)
"""Actions by which somebody saw the trail, the security events, or what is held about a person."""

_TRAIL_COLUMNS = {
    "seq": "place in the trail, from 1 without gaps",
    "event_id": "id of the event within its tenant",
    "occurred_at": "when it happened",
    "recorded_at": "when it was written; never before the row before it",
    "actor_hash": "pseudonym of who did it; empty for a schedule",
    "key_epoch": "epoch of the key behind the pseudonym",
    "actor_type": "patient, staff, service or system",
    "org_id": "tenant; `platform` for what belongs to none",
    "action": "what was done",
    "resource_type": "kind of what it was done to",
    "resource_id_hash": "pseudonym of it",
    "method": "HTTP method",
    "path": "route template",
    "status_code": "HTTP status",
    "outcome": "success, denied or failure",
    "ip_truncated": "address, cut to /24 or /48",
    "country_code": "country of that",
    "region": "region of that",
    "device_type": "kind of device",
    "details_hash": "SHA-256 of nonce and details; null without details",
    "prev_hash": "row_hash of the row before",
    "row_hash": "SHA-256 over prev_hash and the row's canonical form",
    "details_nonce": "with details: the 32 bytes before them, in hex",
    "details": "text of the details, of the platform's own actions only; null when withheld or redacted",
}

TRAIL = DataFile(
    "trail/rows.jsonl",
    "Audit trail",
    "every row of the period, and those around it: from the checkpoint before it (without one, from the beginning) to "
    "the first one behind it",
    "audit.audit_logs",
    _TRAIL_COLUMNS,
)
READERS = DataFile(
    "trail/access.jsonl",
    "Access to the trail",
    "the rows of trail/rows.jsonl once more by which somebody was shown something: "
    + ", ".join(action.name for action in ACCESS),
    "audit.audit_logs",
    _TRAIL_COLUMNS,
)
CHECKPOINTS = DataFile(
    "trail/checkpoints.jsonl",
    "Signed checkpoints",
    "where the trail ended, signed outside the database: those of the period, and one on either side",
    "folder of checkpoints",
    {
        "number": "from 1 without gaps",
        "previous": "SHA-256 of the checkpoint before",
        "seq": "last place of the trail then",
        "head_hash": "row_hash there",
        "count": "rows at rest then",
        "taken_at": "when",
        "resumes_at": "after a restore: where the trail goes on; what was seen behind it is lost",
        "key_id": "key that signed it",
        "signature": "Ed25519, base64",
    },
)
RESUMPTIONS = DataFile(
    "trail/resumptions.jsonl",
    "Restores",
    "checkpoints, of whatever time, by which somebody stated that rows were lost with a restore of the database",
    "folder of checkpoints",
    CHECKPOINTS.columns,
)
ANCHORS = DataFile(
    "trail/anchors.jsonl",
    "Anchors",
    "what was in each month of the trail that retention dropped or is about to, signed before",
    "audit.anchors",
    {
        "partition_name": "the month's partition",
        "begins": "its first moment",
        "ends": "the first moment after it",
        "first_seq": "first place",
        "last_seq": "last place",
        "rows": "how many rows",
        "prev_hash": "prev_hash of the first row",
        "last_hash": "row_hash of the last row",
        "anchored_at": "when it was signed",
        "key_id": "key that signed it",
        "signature": "Ed25519, hex",
    },
)
_VERIFICATION = {
    "verified_at": "when",
    "mode": "full, incremental or since",
    "from_seq": "first place that was looked at",
    "to_seq": "last one",
    "rows": "rows whose hash was computed anew",
    "anchors": "dropped months that were walked over",
    "checkpoints": "checkpoints that were compared",
    "newest_checkpoint": "number of the newest one",
    "resumptions": "restores that were stated until then",
    "ok": "whether the trail was whole",
    "first_bad_seq": "first place that was not as it was written",
    "reason": "what was wrong there",
}
FRESH = DataFile(
    "trail/verification-now.jsonl",
    "Whole trail, verified now",
    "the full verification that was made for this archive: one line",
    "audit.verifications",
    _VERIFICATION,
)
VERIFICATIONS = DataFile(
    "trail/verifications.jsonl",
    "Verifications in the period",
    "each verification that was made in the period, hourly and weekly ones",
    "audit.verifications",
    _VERIFICATION,
)
