"""Dead letters: entries that the drain put aside, with the reason, until they are replayed, dropped or expire.

Invariants: one row for each event that failed, whatever is tried again: an entry that was made of a letter and fails is
that letter again, with more attempts; bodies arrive here scrubbed; of a dropped one neither body nor pseudonym stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from telemetry_platform.contracts.records.dead_letters import DEAD_LETTERS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from telemetry_platform.contracts.retention import Retention
    from telemetry_platform.stores.postgres import Connection

_COLUMNS = (
    "kind, stream, entry_id, batch_id, event_id, received_at, org_id, actor_hash, key_epoch, consent_level, reason, "
    "detail, attempts, body, failed_at"
)
_NAMES = tuple(_COLUMNS.split(", "))
_RETENTION = cast("Retention", DEAD_LETTERS.retention)
# What has expired is shown to nobody and queued by nobody, whether or not the night has removed it.
_VISIBLE = f"{_RETENTION.column} >= ops.now() - interval '{_RETENTION.amount} {_RETENTION.unit}'"
_ALL = f"{_COLUMNS}, id, replayed_at, dropped_at, dropped_by, dropped_why"
_SELECTED = (
    f"{_VISIBLE} AND replayed_at IS NULL AND dropped_at IS NULL AND (%(ids)s::bigint[] IS NULL OR id = ANY(%(ids)s)) "
    "AND (%(kind)s::text IS NULL OR kind = %(kind)s) AND (%(reason)s::text IS NULL OR reason = %(reason)s) "
    "AND (%(since)s::timestamptz IS NULL OR received_at >= %(since)s) "
    "AND (%(before)s::timestamptz IS NULL OR received_at < %(before)s)"
)

UNKNOWN = -1
"""Stands for a level or an epoch that could not be read: no value, so that nobody takes it for one."""


@dataclass(frozen=True)
class DeadLetter:
    """One entry that was put aside; `detail` names fields or an error's class, never a value.

    What stands beside the body and could not be read is empty or UNKNOWN. A new one has no number yet; `replay_of` is
    the number of the letter that its entry was made of.
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
    failed_at: datetime
    id: int = 0
    replayed_at: datetime | None = None
    dropped_at: datetime | None = None
    dropped_by: str | None = None
    dropped_why: str | None = None
    replay_of: int | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether somebody has to look at it."""
        return self.replayed_at is None and self.dropped_at is None

    @property
    def is_replayable(self) -> bool:
        """Whether it is known whose the entry is, and under which consent and key it was taken."""
        return bool(self.event_id and self.org_id) and UNKNOWN not in (self.key_epoch, self.consent_level)


@dataclass(frozen=True)
class Selection:
    """Which of the waiting letters: those that satisfy all that is given. `since` and `before` say when received."""

    ids: tuple[int, ...] | None = None
    kind: str | None = None
    reason: str | None = None
    since: datetime | None = None
    before: datetime | None = None

    def parameters(self) -> dict[str, object]:
        """For a statement with `_SELECTED`."""
        ids = None if self.ids is None else list(self.ids)
        return {"ids": ids, "kind": self.kind, "reason": self.reason, "since": self.since, "before": self.before}


ALL_WAITING = Selection()


def add(conn: Connection, letters: Sequence[DeadLetter]) -> None:
    """Put entries aside. One that is there already stays as it is; a replayed one that failed waits again."""
    fresh = [letter for letter in letters if letter.replay_of is None or not _reopened(conn, letter)]
    if fresh:
        conn.cursor().executemany(
            f"INSERT INTO privacy.dead_letters ({_COLUMNS}, created_at) "  # noqa: S608 - a constant list of columns
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) "
            "ON CONFLICT (stream, entry_id) DO NOTHING",
            [(*(getattr(letter, name) for name in _NAMES), letter.failed_at) for letter in fresh],
        )


def _reopened(conn: Connection, letter: DeadLetter) -> bool:
    """Make the letter that the entry was made of wait again; False when it is not there.

    The number came through the queue: it is believed only where the letter is of the same event.
    """
    # Waits for a replay that has queued the entry and not yet marked the letter.
    return (
        conn.execute(
            "UPDATE privacy.dead_letters SET stream = %(stream)s, entry_id = %(entry_id)s, batch_id = %(batch_id)s, "
            "reason = %(reason)s, detail = %(detail)s, attempts = attempts + %(attempts)s, body = %(body)s, "
            "failed_at = %(failed_at)s, replayed_at = NULL "
            "WHERE id = %(replay_of)s AND kind = %(kind)s AND org_id = %(org_id)s AND event_id = %(event_id)s "
            "AND dropped_at IS NULL AND (stream, entry_id) <> (%(stream)s, %(entry_id)s)",
            vars(letter),
        ).rowcount
        == 1
    )


def waiting_ids(conn: Connection, chosen: Selection = ALL_WAITING) -> list[int]:
    """Numbers of the chosen letters that wait, oldest first."""
    rows = conn.execute(
        f"SELECT id FROM privacy.dead_letters WHERE {_SELECTED} ORDER BY id",  # noqa: S608 - constant conditions
        chosen.parameters(),
    ).fetchall()
    return [letter_id for (letter_id,) in rows]


def waiting_counts(conn: Connection, chosen: Selection = ALL_WAITING) -> dict[tuple[str, str], int]:
    """How many of the chosen letters wait, by kind and reason."""
    rows = conn.execute(
        f"SELECT kind, reason, count(*) FROM privacy.dead_letters WHERE {_SELECTED} "  # noqa: S608 - constant conditions
        "GROUP BY kind, reason ORDER BY kind, reason",
        chosen.parameters(),
    ).fetchall()
    return {(kind, reason): int(count) for kind, reason, count in rows}


def waiting(conn: Connection, chosen: Selection = ALL_WAITING, *, limit: int) -> list[DeadLetter]:
    """The chosen letters that wait, oldest first."""
    rows = conn.execute(
        f"SELECT {_ALL} FROM privacy.dead_letters WHERE {_SELECTED} ORDER BY id LIMIT %(limit)s",  # noqa: S608 - constant
        {**chosen.parameters(), "limit": limit},
    ).fetchall()
    return [DeadLetter(*row) for row in rows]


def find(conn: Connection, letter_id: int) -> DeadLetter | None:
    """One letter, locked until the end of the transaction."""
    row = conn.execute(
        f"SELECT {_ALL} FROM privacy.dead_letters WHERE {_VISIBLE} AND id = %s FOR UPDATE",  # noqa: S608 - constant
        (letter_id,),
    ).fetchone()
    return DeadLetter(*row) if row else None


def mark_replayed(conn: Connection, letter_id: int, *, now: datetime) -> None:
    """Say that the letter has been queued again."""
    conn.execute("UPDATE privacy.dead_letters SET replayed_at = %s WHERE id = %s", (now, letter_id))


def drop(conn: Connection, letter_id: int, *, by: str, why: str, now: datetime) -> bool:
    """Give a waiting letter up: who did it and why stays, body and pseudonym do not.

    False when none waits there, and for one of a person whom a legal hold is on: what is in it must stay.
    """
    return (
        conn.execute(
            "UPDATE privacy.dead_letters d SET body = '', actor_hash = '', dropped_at = %s, dropped_by = %s, "
            "dropped_why = %s WHERE id = %s AND replayed_at IS NULL AND dropped_at IS NULL AND NOT EXISTS ("
            "SELECT FROM privacy.hold_actors a WHERE a.org_id = d.org_id AND a.actor_hash = d.actor_hash)",
            (now, by, why, letter_id),
        ).rowcount
        == 1
    )
