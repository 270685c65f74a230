"""The audit trail: the one way into it, a function of the database that the drain may execute and nothing more.

Invariant: callers append in the transaction that closes the batch, so that rows, the trail's head and the batch's end
commit together or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from telemetry_platform.stores.postgres import Connection


@dataclass(frozen=True)
class Appended:
    """What a table took of a batch."""

    stored: int
    duplicate: int
    id_conflict: int


def append(conn: Connection, entries: bytes, *, stream: str, batch_id: str, fencing: int) -> Appended:
    """Append a JSON array of entries whose keys are columns.

    `occurred_at` is in milliseconds since 1970, `details` the text of one JSON object.
    """
    row = conn.execute(
        "SELECT stored, duplicate, id_conflict FROM audit.append(%s::jsonb, %s, %s, %s)",
        (entries.decode(), stream, batch_id, fencing),
    ).fetchone()
    return Appended(*row) if row else Appended(0, 0, 0)


def record(conn: Connection, entry: bytes) -> int:
    """Append one thing that the platform did itself, a JSON object whose keys are columns; its place in the trail.

    In the caller's transaction. Raises PermanentError when the entry's id is in the trail already.
    """
    row = conn.execute("SELECT audit.record(%s::jsonb)", (entry.decode(),)).fetchone()
    return int(row[0]) if row else 0


def redact(conn: Connection, seq: int, entry: bytes) -> int:
    """Blank the details of a row and append the entry that says so, in the caller's transaction; the entry's place.

    `conn` is telemetry_retention's. Raises PermanentError when the row has no details that could be blanked.
    """
    row = conn.execute("SELECT audit.redact(%s, %s::jsonb)", (seq, entry.decode())).fetchone()
    return int(row[0]) if row else 0
