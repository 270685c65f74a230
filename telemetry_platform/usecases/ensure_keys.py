"""Make the first key epoch of every domain where there is none, and read the key list that pseudonyms are made with.

Invariants: a key is 32 random bytes and leaves this process wrapped only; an epoch that exists is never made anew; the
KEK is tried on every key at once, so that a wrong one stops a process when it starts and not at the first event.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.contracts.pii import Domain
from telemetry_platform.errors import ConfigurationError
from telemetry_platform.processing.key_wrapping import KEY_BYTES, NONCE_BYTES, Kek, parse_kek, unwrap, wrap
from telemetry_platform.processing.pseudonyms import KeyEpoch, KeyRing
from telemetry_platform.stores.keys import WrappedKey, add_keys, read_kek_text, read_keys

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from telemetry_platform.settings import KeySettings
    from telemetry_platform.stores.postgres import Connection


@dataclass(frozen=True)
class KeysReport:
    """How many domains have keys, and how many of those got their first one now."""

    domains: int
    created: int


def load_kek(settings: KeySettings) -> Kek:
    """The key-encryption key of the settings."""
    text, source = read_kek_text(settings)
    return parse_kek(settings.kek_id, text, source)


def ensure_keys(
    conn: Connection,
    settings: KeySettings,
    now: datetime,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> KeysReport:
    """Give every domain without keys its epoch 1, active from now on; commits."""
    kek = load_kek(settings)
    known = read_keys(conn)
    _unwrapped(kek, known)
    missing = [domain for domain in Domain if domain not in {key.domain for key in known}]
    created = add_keys(conn, [_first_key(kek, domain, now, random_bytes) for domain in missing])
    conn.commit()
    return KeysReport(len(Domain), created)


def _first_key(kek: Kek, domain: Domain, now: datetime, random_bytes: Callable[[int], bytes]) -> WrappedKey:
    nonce = random_bytes(NONCE_BYTES)
    wrapped = wrap(kek, domain, 1, random_bytes(KEY_BYTES), nonce)
    return WrappedKey(domain, 1, wrapped, nonce, kek.id, now, None, now)


def load_key_ring(conn: Connection, settings: KeySettings) -> KeyRing:
    """All keys that exist, unwrapped. Raises ConfigurationError when the KEK does not fit or a domain has no key."""
    known = read_keys(conn)
    missing = sorted(domain.value for domain in set(Domain) - {key.domain for key in known})
    if missing:
        raise ConfigurationError(f"there is no key for {', '.join(missing)}: run `telemetry schema apply`")
    return KeyRing(_unwrapped(load_kek(settings), known))


def _unwrapped(kek: Kek, keys: list[WrappedKey]) -> list[KeyEpoch]:
    """The keys that have not been destroyed."""
    return [
        KeyEpoch(
            key.domain,
            key.epoch,
            _milliseconds(key.active_from),
            None if key.active_until is None else _milliseconds(key.active_until),
            unwrap(kek, key.domain, key.epoch, bytes(key.wrapped), bytes(key.nonce)),
        )
        for key in keys
        if key.wrapped is not None and key.nonce is not None
    ]


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
