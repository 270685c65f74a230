"""The key-encryption keys that this process was given: the one in use and, around a change, the next one.

Invariant: a key is opened with the KEK whose name its row has, so that processes with the old KEK, with both and with
the new one work side by side while it is changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.errors import ConfigurationError
from telemetry_platform.processing.key_wrapping import Kek, check_value, parse_kek, unwrap
from telemetry_platform.stores.kek_source import read_kek, read_next_kek
from telemetry_platform.stores.keys import kek_states

if TYPE_CHECKING:
    from telemetry_platform.settings import KeySettings
    from telemetry_platform.stores.keys import WrappedKey
    from telemetry_platform.stores.postgres import Connection


@dataclass(frozen=True)
class Keks:
    """What this process has; `next` is None unless a change is prepared or just done."""

    current: Kek
    next: Kek | None = None

    def named(self, kek_id: str) -> Kek:
        """The KEK of that name. Raises ConfigurationError when this process was not given it."""
        for kek in (self.current, self.next):
            if kek is not None and kek.id == kek_id:
                return kek
        raise ConfigurationError(
            f"keys are wrapped under the key-encryption key {kek_id!r}, which this process was not given: set "
            "TELEMETRY_KEYS__KEK (or TELEMETRY_KEYS__KEK_FILE) and TELEMETRY_KEYS__KEK_ID to it"
        )

    def holds(self, told_by: bytes) -> bool:
        """Whether one of them is the KEK with this check value."""
        return any(kek is not None and check_value(kek) == told_by for kek in (self.current, self.next))

    def open(self, key: WrappedKey) -> bytes:
        """The key itself. Raises ConfigurationError when the KEK of its name did not wrap it."""
        if key.wrapped is None or key.nonce is None:
            raise ConfigurationError(f"the key of {key.domain.value}, epoch {key.epoch}, has been destroyed")
        return unwrap(self.named(key.kek_id), key.domain, key.epoch, bytes(key.wrapped), bytes(key.nonce))


def load_keks(settings: KeySettings) -> Keks:
    """The KEKs of the settings. Raises ConfigurationError for one that is missing, short, no base64, or given twice."""
    given, next_one = read_kek(settings), read_next_kek(settings)
    current = parse_kek(given.kek_id, given.text, given.source)
    if next_one is None:
        return Keks(current)
    following = parse_kek(next_one.kek_id, next_one.text, next_one.source)
    if following.key == current.key and following.id == current.id:
        return Keks(current)  # the change is done, and the next one has become the one in use
    if following.key == current.key or following.id == current.id:
        raise ConfigurationError(
            f"{next_one.source} must be another key than TELEMETRY_KEYS__KEK, under another name: make one with "
            "`openssl rand -base64 32`"
        )
    return Keks(current, following)


def kek_in_use(conn: Connection, keks: Keks) -> Kek:
    """The KEK that keys are wrapped under now, as the database names it; before the first key the current one."""
    used = next((kek.kek_id for kek in kek_states(conn) if kek.retired_at is None), None)
    return keks.current if used is None else keks.named(used)
