"""`privacy.key_epochs` and `privacy.keks`: where pseudonym keys rest, always wrapped, and what became of them.

Invariants: what is read is as wrapped as it lies there; every change goes through a function of the database, which
takes a lock for the rest of the transaction and refuses what would leave a domain without a key, or lose one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from telemetry_platform.contracts.pii import Domain

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from telemetry_platform.stores.postgres import Connection

Epoch = tuple[Domain, int]


@dataclass(frozen=True)
class WrappedKey:
    """One row of the table; without bytes when the key has been destroyed."""

    domain: Domain
    epoch: int
    wrapped: bytes | None = field(repr=False)
    nonce: bytes | None
    kek_id: str
    active_from: datetime
    active_until: datetime | None
    created_at: datetime
    destruction_begun_at: datetime | None = None
    destroyed_at: datetime | None = None

    @property
    def is_usable(self) -> bool:
        """Whether pseudonyms may be made with it: its bytes are there, and nobody has begun to destroy it."""
        return self.wrapped is not None and self.destruction_begun_at is None


@dataclass(frozen=True)
class KeyState:
    """What anybody may know of a key: its row without its bytes.

    `living_keks` are the key-encryption keys that may still open a copy of it in some dump.
    """

    domain: Domain
    epoch: int
    kek_id: str
    active_from: datetime
    active_until: datetime | None
    created_at: datetime
    destruction_begun_at: datetime | None
    bytes_removed_at: datetime | None
    living_keks: tuple[str, ...]
    last_kek_destroyed_at: datetime | None

    @property
    def is_destroyed(self) -> bool:
        """Whether all three steps are recorded."""
        return self.bytes_removed_at is not None and not self.living_keks

    @property
    def is_pending(self) -> bool:
        """Whether its destruction has begun and is not whole."""
        return self.destruction_begun_at is not None and not self.is_destroyed

    def word(self, now: datetime) -> str:
        """planned, active, closed, destruction_pending or destroyed."""
        if self.is_destroyed:
            return "destroyed"
        if self.is_pending:
            return "destruction_pending"
        if self.active_from > now and self.epoch > 1:
            return "planned"
        return "active" if self.active_until is None or now < self.active_until else "closed"


@dataclass(frozen=True)
class KekState:
    """What is known of a key-encryption key."""

    kek_id: str
    check_value: bytes
    first_used_at: datetime
    retired_at: datetime | None
    destroyed_at: datetime | None
    destroyed_by: str | None


def lock_keys(conn: Connection) -> None:
    """Let nobody else change keys until the end of the transaction."""
    conn.execute("SELECT pg_advisory_xact_lock(hashtext('privacy.key_epochs'))")


def read_keys(conn: Connection) -> list[WrappedKey]:
    """All epochs of all domains."""
    rows = conn.execute(
        "SELECT domain, epoch, wrapped, nonce, kek_id, active_from, active_until, created_at, destruction_begun_at, "
        "destroyed_at FROM privacy.key_epochs ORDER BY domain, epoch"
    ).fetchall()
    return [WrappedKey(Domain(row[0]), *row[1:]) for row in rows]


def key_states(conn: Connection) -> list[KeyState]:
    """All epochs of all domains, for whoever may not see bytes."""
    rows = conn.execute(
        "SELECT domain, epoch, kek_id, active_from, active_until, created_at, destruction_begun_at, bytes_removed_at, "
        "living_keks, last_kek_destroyed_at FROM privacy.key_states ORDER BY domain, epoch"
    ).fetchall()
    return [
        KeyState(Domain(row[0]), row[1], row[2], row[3], row[4], row[5], row[6], row[7], tuple(row[8]), row[9])
        for row in rows
    ]


def kek_states(conn: Connection) -> list[KekState]:
    """All key-encryption keys that ever wrapped a key, oldest first."""
    rows = conn.execute(
        "SELECT kek_id, check_value, first_used_at, retired_at, destroyed_at, destroyed_by FROM privacy.keks "
        "ORDER BY first_used_at, kek_id"
    ).fetchall()
    return [KekState(row[0], bytes(row[1]), *row[2:]) for row in rows]


def known_epochs(conn: Connection, domain: str) -> dict[int, datetime | None]:
    """The epochs of a domain, destroyed ones too, each with the moment at which it closed."""
    rows = conn.execute("SELECT epoch, active_until FROM privacy.key_epochs WHERE domain = %s", (domain,)).fetchall()
    return dict(rows)


def add_key(conn: Connection, key: WrappedKey, kek_check_value: bytes) -> bool:
    """Add an epoch and end its predecessor where it begins; False when another process has added it meanwhile.

    Raises PermanentError for an epoch that would leave a hole, an overlap, or too little time until it is active.
    """
    row = conn.execute(
        "SELECT privacy.add_key_epoch(%s, %s, %s, %s, %s, %s, %s, %s)",
        (
            key.domain.value,
            key.epoch,
            key.wrapped,
            key.nonce,
            key.kek_id,
            kek_check_value,
            key.active_from,
            key.created_at,
        ),
    ).fetchone()
    return bool(row and row[0])


def rewrap_keys(  # noqa: PLR0913, PLR0917 - what the statement says
    conn: Connection,
    rewrapped: Sequence[WrappedKey],
    doomed: Collection[Epoch],
    kek_id: str,
    kek_check_value: bytes,
    now: datetime,
) -> int:
    """Put all surviving keys under a new KEK; the doomed ones stay under the old one. How many survive.

    Raises PermanentError when one of them is missing, or a doomed one is still needed.
    """
    keys = [
        {
            "domain": key.domain.value,
            "epoch": key.epoch,
            "wrapped": bytes(key.wrapped or b"").hex(),
            "nonce": bytes(key.nonce or b"").hex(),
        }
        for key in rewrapped
    ]
    doomed_keys = [{"domain": domain.value, "epoch": epoch} for domain, epoch in doomed]
    row = conn.execute(
        "SELECT privacy.rewrap_keys(%s::jsonb, %s::jsonb, %s, %s, %s)",
        (orjson.dumps(keys).decode(), orjson.dumps(doomed_keys).decode(), kek_id, kek_check_value, now),
    ).fetchone()
    return int(row[0]) if row else 0


def remove_key_bytes(conn: Connection, now: datetime) -> list[Epoch]:
    """Remove the bytes of the keys whose destruction has begun; which ones."""
    rows = conn.execute(
        "SELECT removed_domain, removed_epoch FROM privacy.remove_key_bytes(%s) ORDER BY 1, 2", (now,)
    ).fetchall()
    return [(Domain(domain), epoch) for domain, epoch in rows]


def end_kek(conn: Connection, kek_id: str, *, by: str, now: datetime) -> None:
    """Record that a retired KEK is destroyed. Raises PermanentError while keys lie under it, or for an unknown one."""
    conn.execute("SELECT privacy.end_kek(%s, %s, %s)", (kek_id, by, now))
