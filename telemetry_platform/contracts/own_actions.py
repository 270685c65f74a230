"""What the platform does itself and says so in the audit trail: each action with the closed set of what it may tell.

Invariant: a detail is a count, a name of ours, a date or a random reference; never an id of a person, raw or hashed. An
action that is not listed here cannot be recorded.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class OwnAction:
    """One action: its name in the trail, the kind of thing that it is done to, and the keys that `details` may have."""

    name: str
    resource_type: str
    description: str
    details: frozenset[str] = frozenset()


KEY_ROTATED = OwnAction(
    "key.rotated",
    "key",
    "An epoch was added to a domain, to be active later.",
    frozenset({"domain", "epoch", "kek_id"}),
)
KEK_ROTATED = OwnAction(
    "kek.rotated", "kek", "All surviving keys were wrapped under a new KEK.", frozenset({"kek_id", "previous", "keys"})
)
KEY_DESTRUCTION_BEGUN = OwnAction(
    "key.destruction_begun",
    "key",
    "Step 1 of 3: the surviving keys were wrapped under a new KEK, those of the doomed epochs were not.",
    frozenset({"epochs", "kek_id", "previous", "why"}),
)
KEY_BYTES_REMOVED = OwnAction(
    "key.bytes_removed",
    "key",
    "Step 2 of 3: the wrapped bytes of the doomed epochs were removed.",
    frozenset({"epochs"}),
)
KEY_DESTROYED = OwnAction(
    "key.destroyed",
    "key",
    "Step 3 of 3: somebody stated that the old KEK is destroyed wherever it was kept.",
    frozenset({"epochs", "previous"}),
)
CONSENT_DECIDED = OwnAction(
    "consent.decided",
    "consent",
    "A person decided what they agree to, or a privacy signal of theirs was remembered.",
    frozenset({"level", "purposes", "decided_at", "source"}),
)
EXCLUSIONS_SYNCED = OwnAction(
    "exclusions.synced",
    "privacy_exclusions",
    "The list of excluded networks was exchanged, or a new one was refused.",
    frozenset({"mode", "status", "added", "withdrawn", "active", "accept_shrink"}),
)
ERASURE_REQUESTED = OwnAction(
    "erasure.requested",
    "erasure",
    "An erasure was asked for; the tombstone stands.",
    frozenset({"erasure_id", "status"}),
)
ERASURE_CERTIFIED = OwnAction(
    "erasure.certified",
    "erasure",
    "An erasure came to its end and has its certificate.",
    frozenset({"erasure_id", "status", "erased", "unlinked", "survivors"}),
)
HOLD_PLACED = OwnAction(
    "hold.placed",
    "legal_hold",
    "A legal hold was placed on a person: neither erasure nor retention takes what there is of them.",
    frozenset({"hold_id", "epochs", "erasures_held"}),
)
HOLD_REFRESHED = OwnAction(
    "hold.refreshed",
    "legal_hold",
    "The holds on a person were told pseudonyms of theirs that are newer.",
    frozenset({"epochs"}),
)
HOLD_RELEASED = OwnAction(
    "hold.released",
    "legal_hold",
    "A legal hold was released: a waiting erasure goes on, and retention takes what has passed.",
    frozenset({"hold_id", "placed_at", "is_still_held"}),
)
CLOCK_TRAVELLED = OwnAction(
    "clock.travelled",
    "installation",
    "The clock of a demo was moved ahead, or back to the real time.",
    frozenset({"to", "days_ahead"}),
)
ACCESS_REPORTED = OwnAction(
    "access.reported",
    "person",
    "Somebody was shown what is held about a person (right of access).",
    frozenset({"tables", "rows"}),
)
TRAIL_READ = OwnAction(
    "audit.read",
    "audit_logs",
    "Somebody was shown a page of the audit trail; filters are told by their names.",
    frozenset({"filters", "rows", "until_seq", "tenants", "reader_org"}),
)
TRAIL_SEARCHED = OwnAction(
    "audit.searched",
    "person",
    "Somebody was shown what the audit trail says of a person.",
    frozenset({"filters", "rows", "until_seq", "tenants", "reader_org"}),
)
TRAIL_EXPORTED = OwnAction(
    "audit.exported",
    "audit_logs",
    "Somebody was sent the audit trail as a file; filters are told by their names.",
    frozenset({"filters", "format", "until_seq", "tenants", "reader_org"}),
)
EXPORT_FINISHED = OwnAction(
    "audit.export_finished",
    "audit_logs",
    "An export is whole but for its last bytes: what its manifest hashes to, so that the file can be told later.",
    frozenset({"export_id", "rows", "manifest_sha256"}),
)
VERIFICATION_READ = OwnAction(
    "audit.verification_read",
    "audit_logs",
    "Somebody asked whether the audit trail is whole.",
    frozenset({"reader_org"}),
)
SECURITY_READ = OwnAction(
    "security.read",
    "security_events",
    "Somebody was shown a page of the security events; filters are told by their names.",
    frozenset({"filters", "rows", "tenants", "reader_org"}),
)
SESSIONS_SEARCHED = OwnAction(
    "support.searched",
    "media_session",
    "Somebody was shown sessions that an error or an id was looked for; filters are told by their names.",
    frozenset({"by", "sessions", "tenants", "reader_org"}),
)
PERSON_SEARCHED = OwnAction(
    "support.person_searched",
    "person",
    "Somebody was shown the sessions of a person.",
    frozenset({"by", "sessions", "tenants", "reader_org"}),
)
SESSION_READ = OwnAction(
    "support.session_read",
    "media_session",
    "Somebody was shown one session: its events, its figures, its verdict.",
    frozenset({"session_id", "found", "tenants", "reader_org"}),
)
POSE_READ = OwnAction(
    "support.pose_read",
    "pose_session",
    "Somebody was shown the measures of one exercise session.",
    frozenset({"session_id", "found", "tenants", "reader_org"}),
)
STATISTICS_READ = OwnAction(
    "statistics.read",
    "statistics",
    "Somebody was shown the statistics of another tenant than theirs.",
    frozenset({"of", "tenants", "reader_org"}),
)
STATUS_READ = OwnAction(
    "support.status_read",
    "installation",
    "Somebody looked at what the platform itself is doing.",
    frozenset({"tenants", "reader_org"}),
)
EVIDENCE_EXPORTED = OwnAction(
    "evidence.exported",
    "evidence",
    "An archive for an auditor is whole but for its last bytes: what its manifest hashes to, so that it can be "
    "told later.",
    frozenset({"from", "to", "files", "manifest_sha256"}),
)
RESTORE_CHECKED = OwnAction(
    "restore.checked",
    "database",
    "Tombstones and retention were applied again to restored data.",
    frozenset({"tombstones", "erased", "expired", "accept_lost"}),
)
RETENTION_RAN = OwnAction(
    "retention.ran",
    "retention_run",
    "What had expired was removed from both databases; privacy.retention_runs has a proof for each table.",
    frozenset({"run_id", "tables", "rows", "left"}),
)
CANARY_RUN = OwnAction(
    "canary.run",
    "installation",
    "Marks were sent through and looked for at rest.",
    frozenset({"marks", "hits", "planted"}),
)
INTAKE_EXPLAINED = OwnAction(
    "intake.explained",
    "intake_gap",
    "Somebody said why entries that never arrived will not come.",
    frozenset({"gap", "why"}),
)
AUDIT_REDACTED = OwnAction(
    "audit.redacted",
    "audit_details",
    "The details of a row of the trail were blanked: they held what must not be there. The row and its hash stay.",
    frozenset({"seq", "why"}),
)

AUDIT_RESUMED = OwnAction(
    "audit.resumed",
    "audit_logs",
    "PostgreSQL was restored from a backup: rows that checkpoints had seen are lost, and the trail goes on "
    "without them.",
    frozenset({"resumes_at", "seen_until", "why"}),
)


def own_actions() -> tuple[OwnAction, ...]:
    """All of them."""
    return tuple(value for value in globals().values() if isinstance(value, OwnAction))
