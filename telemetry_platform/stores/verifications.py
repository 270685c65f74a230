"""Results of verifications of the trail, for whoever asks when it was last found whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from telemetry_platform.stores.postgres import Connection

_COLUMNS = (
    "verified_at, mode, from_seq, to_seq, rows, anchors, checkpoints, newest_checkpoint, resumptions, ok, "
    "first_bad_seq, reason"
)


@dataclass(frozen=True)
class Verification:
    """One verification: what was looked at, and what was found; `reason` None when the trail is whole."""

    verified_at: datetime
    mode: str
    from_seq: int
    to_seq: int
    rows: int
    anchors: int
    checkpoints: int
    newest_checkpoint: int | None
    resumptions: int
    ok: bool
    first_bad_seq: int | None = None
    reason: str | None = None


def add(conn: Connection, verification: Verification) -> None:
    """Note one, in the caller's transaction."""
    conn.execute(
        f"INSERT INTO audit.verifications ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",  # noqa: S608 - a constant list
        (
            verification.verified_at,
            verification.mode,
            verification.from_seq,
            verification.to_seq,
            verification.rows,
            verification.anchors,
            verification.checkpoints,
            verification.newest_checkpoint,
            verification.resumptions,
            verification.ok,
            verification.first_bad_seq,
            verification.reason,
        ),
    )


def newest(conn: Connection, *, mode: str | None = None, only_ok: bool = False) -> Verification | None:
    """The newest one, of a mode where one is named."""
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM audit.verifications "  # noqa: S608 - a constant list
        "WHERE (%(mode)s::text IS NULL OR mode = %(mode)s) AND (ok OR NOT %(only_ok)s) "
        "ORDER BY verification_id DESC LIMIT 1",
        {"mode": mode, "only_ok": only_ok},
    ).fetchone()
    return None if row is None else Verification(*row)


def newest_checkpoint(conn: Connection) -> int:
    """The highest number of a checkpoint that any verification has seen; 0 before the first."""
    row = conn.execute("SELECT coalesce(max(newest_checkpoint), 0) FROM audit.verifications").fetchone()
    return int(row[0]) if row else 0
