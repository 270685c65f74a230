"""Security events: the one way into them, a function of the database that the drain may execute and nothing more.

Invariant: callers append in the transaction that closes the batch, so that rows and the batch's end commit together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform.stores.audit_log import Appended

if TYPE_CHECKING:
    from telemetry_platform.stores.postgres import Connection


def append(conn: Connection, entries: bytes, *, stream: str, batch_id: str, fencing: int) -> Appended:
    """Append a JSON array of entries whose keys are columns.

    `occurred_at` is in milliseconds since 1970, `details` the text of one JSON object.
    """
    row = conn.execute(
        "SELECT stored, duplicate, id_conflict FROM security.append(%s::jsonb, %s, %s, %s)",
        (entries.decode(), stream, batch_id, fencing),
    ).fetchone()
    return Appended(*row) if row else Appended(0, 0, 0)
