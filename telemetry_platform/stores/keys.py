"""`privacy.key_epochs` and the key-encryption key: where pseudonym keys rest, always wrapped.

Invariant: rows are only ever added here; what is read is as wrapped as it lies there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from telemetry_platform.contracts.pii import Domain
from telemetry_platform.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from telemetry_platform.settings import KeySettings
    from telemetry_platform.stores.postgres import Connection


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


def read_kek_text(settings: KeySettings) -> tuple[str, str]:
    """The key-encryption key's base64 text, and the name of the setting that it came from."""
    if settings.kek_file is not None:
        try:
            return settings.kek_file.read_text(encoding="ascii"), "the file of TELEMETRY_KEYS__KEK_FILE"
        except (OSError, UnicodeDecodeError):
            raise ConfigurationError(
                "the file of TELEMETRY_KEYS__KEK_FILE cannot be read: it must hold base64 of 32 random bytes "
                "(or set TELEMETRY_KEYS__KEK)"
            ) from None
    if settings.kek is None:
        raise ConfigurationError(
            "TELEMETRY_KEYS__KEK is not set: give base64 of 32 random bytes there or in TELEMETRY_KEYS__KEK_FILE"
        )
    return settings.kek.get_secret_value(), "TELEMETRY_KEYS__KEK"


def read_keys(connection: Connection) -> list[WrappedKey]:
    """All epochs of all domains."""
    rows = connection.execute(
        "SELECT domain, epoch, wrapped, nonce, kek_id, active_from, active_until, created_at "
        "FROM privacy.key_epochs ORDER BY domain, epoch"
    ).fetchall()
    return [WrappedKey(Domain(row[0]), *row[1:]) for row in rows]


def add_keys(connection: Connection, keys: Sequence[WrappedKey]) -> int:
    """Add epochs that are not there yet; how many were added. Another process may add the same ones meanwhile."""
    added = 0
    for key in keys:
        added += connection.execute(
            "INSERT INTO privacy.key_epochs "
            "(domain, epoch, wrapped, nonce, kek_id, active_from, active_until, created_at) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (
                key.domain.value,
                key.epoch,
                key.wrapped,
                key.nonce,
                key.kek_id,
                key.active_from,
                key.active_until,
                key.created_at,
            ),
        ).rowcount
    return added
