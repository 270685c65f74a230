"""What a row of the audit trail is hashed over, and what the trail's signatures cover: the one list of both.

Invariant: the forms are versioned by their text. A change of a column, of the order or of a spelling makes every hash
that rests wrong, so that none may be made without a new version beside the old one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime

GENESIS = "0" * 64
"""What the first row of the trail has for the hash of the row before it."""

Spelling = Literal["number", "uuid", "time", "text"]
"""How a value is written in the form: decimal digits, lower-case UUID, microseconds since 1970 UTC, or as it is."""

ROW_FORM: tuple[tuple[str, Spelling], ...] = (
    ("seq", "number"),
    ("event_id", "uuid"),
    ("occurred_at", "time"),
    ("recorded_at", "time"),
    ("actor_hash", "text"),
    ("key_epoch", "number"),
    ("actor_type", "text"),
    ("org_id", "text"),
    ("action", "text"),
    ("resource_type", "text"),
    ("resource_id_hash", "text"),
    ("method", "text"),
    ("path", "text"),
    ("status_code", "number"),
    ("outcome", "text"),
    ("ip_truncated", "text"),
    ("country_code", "text"),
    ("region", "text"),
    ("device_type", "text"),
    ("details_hash", "text"),
)
"""Columns of `audit.audit_logs` in the order in which `audit.canonical` writes them."""


@dataclass(frozen=True)
class Position:
    """A place in the trail: the seq of a row and its hash; before the first row, 0 and GENESIS."""

    seq: int
    row_hash: str


BEGINNING = Position(0, GENESIS)


@dataclass(frozen=True)
class Checkpoint:
    """What the trail's end was at a moment, signed and kept outside the database.

    `previous` is the digest of the checkpoint before (GENESIS for number 1), `count` how many rows rested in the table:
    those that retention has dropped are not among them. `resumes_at` is set after a restore from a backup: what earlier
    checkpoints saw behind that place is lost, and somebody stated so; None otherwise.
    """

    number: int
    previous: str
    seq: int
    head_hash: str
    count: int
    taken_at: datetime
    key_id: str
    signature: bytes = b""
    resumes_at: int | None = None


@dataclass(frozen=True)
class Anchor:
    """What was in a partition that retention drops: verification walks over it."""

    partition_name: str
    begins: datetime
    ends: datetime
    first_seq: int
    last_seq: int
    rows: int
    prev_hash: str
    last_hash: str
    anchored_at: datetime
    key_id: str
    signature: bytes = b""
