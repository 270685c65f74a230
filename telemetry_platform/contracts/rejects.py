"""The closed set of reasons why a stored-to-be entry ends in the dead letters, or is counted instead of stored."""

from __future__ import annotations

from enum import StrEnum


class DeadLetterReason(StrEnum):
    """Why the drain put an entry aside. Dead letters are scrubbed, replayable and kept for 30 days."""

    UNREADABLE_BODY = "unreadable_body"
    UNKNOWN_VERSION = "unknown_version"
    INVALID_FIELD = "invalid_field"
    UNKNOWN_EPOCH = "unknown_epoch"
    PROCESSING_FAILED = "processing_failed"
    STORE_REFUSED = "store_refused"


class Counted(StrEnum):
    """What becomes of an accepted entry; the counts of a batch add up to its entries."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    ID_CONFLICT = "id_conflict"
    TOO_LATE = "too_late"
    ERASED = "erased"
    DEAD_LETTERED = "dead_lettered"
