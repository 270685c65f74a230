"""Hashes of the audit trail and what its signatures cover, as bytes.

The form of a row is that of the SQL function `audit.canonical`: each column of `ROW_FORM` as its length in bytes, a
colon and its text; `-` for NULL. Invariant: forms are made of what rests (microseconds, the text of the database), so
that a row that is read again has the hash that it was written with.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from telemetry_platform.contracts.audit_chain import ROW_FORM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry_platform.contracts.audit_chain import Anchor, Checkpoint

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def row_form(row: Mapping[str, Any]) -> bytes:
    """The canonical form of a row: keys are columns, times are datetimes with a zone."""
    return b"".join(_field(_text(row[name])) for name, _ in ROW_FORM)


def row_hash(prev_hash: str, form: bytes) -> str:
    """SHA-256 over the 64 hex digits of the hash before and the form; 64 hex digits."""
    return sha256(prev_hash.encode("ascii") + form).hexdigest()


def details_digest(nonce: bytes, body: str) -> str:
    """SHA-256 over the nonce and the text of the details as PostgreSQL writes jsonb; 64 hex digits."""
    return sha256(nonce + body.encode()).hexdigest()


def checkpoint_form(checkpoint: Checkpoint) -> bytes:
    """What a checkpoint's signature covers."""
    return _signed_form(
        "telemetry checkpoint 1",
        checkpoint.number,
        checkpoint.previous,
        checkpoint.seq,
        checkpoint.head_hash,
        checkpoint.count,
        checkpoint.taken_at,
        checkpoint.resumes_at,
        checkpoint.key_id,
    )


def checkpoint_digest(checkpoint: Checkpoint) -> str:
    """What the next checkpoint names this one by; 64 hex digits."""
    return sha256(checkpoint_form(checkpoint) + checkpoint.signature).hexdigest()


def anchor_form(anchor: Anchor) -> bytes:
    """What an anchor's signature covers."""
    return _signed_form(
        "telemetry anchor 1",
        anchor.partition_name,
        anchor.begins,
        anchor.ends,
        anchor.first_seq,
        anchor.last_seq,
        anchor.rows,
        anchor.prev_hash,
        anchor.last_hash,
        anchor.anchored_at,
        anchor.key_id,
    )


def _signed_form(*values: Any) -> bytes:  # noqa: ANN401 - numbers, texts and times
    return b"".join(_field(_text(value)) for value in values)


def _text(value: Any) -> str | None:  # noqa: ANN401 - a value of a column
    if value is None:
        return None
    if isinstance(value, datetime):
        return str((value - _EPOCH) // timedelta(microseconds=1))
    return str(value)


def _field(text: str | None) -> bytes:
    if text is None:
        return b"-"
    encoded = text.encode()
    return b"%d:%b" % (len(encoded), encoded)
