"""Dead letters: entries that the drain put aside, with the reason, until they are replayed, dropped or expire.

Invariants: one row for each entry of a stream, whatever is tried again; bodies arrive here scrubbed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from telemetry_platform.stores.postgres import Connection

_COLUMNS = (
    "kind, stream, entry_id, batch_id, event_id, received_at, org_id, actor_hash, key_epoch, consent_level, reason, "
    "detail, attempts, body, created_at"
)

UNKNOWN = -1
"""Stands for a level or an epoch that could not be read: no value, so that nobody takes it for one."""


@dataclass(frozen=True)
class DeadLetter:
    """One entry that was put aside; `detail` names fields or an error's class, never a value.

    What stands beside the body and could not be read is empty or UNKNOWN.
    """

    kind: str
    stream: str
    entry_id: str
    batch_id: str
    event_id: str
    received_at: datetime
    org_id: str
    actor_hash: str
    key_epoch: int
    consent_level: int
    reason: str
    detail: str
    attempts: int
    body: str
    created_at: datetime
    id: int = 0
    replayed_at: datetime | None = None

    @property
    def is_replayable(self) -> bool:
        """Whether it is known whose the entry is, and under which consent and key it was taken."""
        return bool(self.event_id and self.org_id) and UNKNOWN not in (self.key_epoch, self.consent_level)


def add(conn: Connection, letters: Sequence[DeadLetter]) -> None:
    """Put entries aside; one that is there already stays as it is."""
    if not letters:
        return
    conn.cursor().executemany(
        f"INSERT INTO privacy.dead_letters ({_COLUMNS}) "  # noqa: S608 - a constant list of columns
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (stream, entry_id) DO NOTHING",
        [
            (
                letter.kind,
                letter.stream,
                letter.entry_id,
                letter.batch_id,
                letter.event_id,
                letter.received_at,
                letter.org_id,
                letter.actor_hash,
                letter.key_epoch,
                letter.consent_level,
                letter.reason,
                letter.detail,
                letter.attempts,
                letter.body,
                letter.created_at,
            )
            for letter in letters
        ],
    )


def waiting_ids(conn: Connection, *, kind: str | None = None) -> list[int]:
    """Numbers of all letters that have not been replayed, oldest first."""
    rows = conn.execute(
        "SELECT id FROM privacy.dead_letters "
        "WHERE replayed_at IS NULL AND (%(kind)s::text IS NULL OR kind = %(kind)s) ORDER BY id",
        {"kind": kind},
    ).fetchall()
    return [letter_id for (letter_id,) in rows]


def waiting(conn: Connection, *, limit: int, kind: str | None = None) -> list[DeadLetter]:
    """Letters that have not been replayed, oldest first."""
    rows = conn.execute(
        f"SELECT {_COLUMNS}, id, replayed_at FROM privacy.dead_letters "  # noqa: S608 - a constant list of columns
        "WHERE replayed_at IS NULL AND (%(kind)s::text IS NULL OR kind = %(kind)s) ORDER BY id LIMIT %(limit)s",
        {"kind": kind, "limit": limit},
    ).fetchall()
    return [DeadLetter(*row) for row in rows]


def find(conn: Connection, letter_id: int) -> DeadLetter | None:
    """One letter, locked until the end of the transaction."""
    row = conn.execute(
        f"SELECT {_COLUMNS}, id, replayed_at FROM privacy.dead_letters WHERE id = %s FOR UPDATE",  # noqa: S608 - constant
        (letter_id,),
    ).fetchone()
    return DeadLetter(*row) if row else None


def mark_replayed(conn: Connection, letter_id: int, *, now: datetime) -> None:
    """Say that the letter has been queued again."""
    conn.execute("UPDATE privacy.dead_letters SET replayed_at = %s WHERE id = %s", (now, letter_id))


def drop(conn: Connection, letter_id: int) -> bool:
    """Forget a letter; False when there is none."""
    return conn.execute("DELETE FROM privacy.dead_letters WHERE id = %s", (letter_id,)).rowcount == 1
