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
from telemetry_platform.processing.key_wrapping import KEY_BYTES, NONCE_BYTES, Kek, check_value, wrap
from telemetry_platform.processing.pseudonyms import KeyEpoch, KeyRing
from telemetry_platform.stores.keys import WrappedKey, add_key, lock_keys, read_keys
from telemetry_platform.usecases.keks import Keks, kek_in_use, load_keks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from telemetry_platform.settings import KeySettings
    from telemetry_platform.stores.postgres import Connection


@dataclass(frozen=True)
class KeysReport:
    """How many domains have keys, and how many of those got their first one now."""

    domains: int
    created: int


def ensure_keys(
    conn: Connection,
    settings: KeySettings,
    now: datetime,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> KeysReport:
    """Give every domain without keys its epoch 1, active from now on; commits."""
    keks = load_keks(settings)
    lock_keys(conn)
    known = read_keys(conn)
    unwrapped(keks, known)
    kek = kek_in_use(conn, keks)
    missing = [domain for domain in Domain if domain not in {key.domain for key in known}]
    created = sum(
        add_key(conn, new_key(kek, domain, 1, now, now, random_bytes), check_value(kek)) for domain in missing
    )
    conn.commit()
    return KeysReport(len(Domain), created)


def new_key(  # noqa: PLR0913, PLR0917 - what a key has
    kek: Kek,
    domain: Domain,
    epoch: int,
    active_from: datetime,
    now: datetime,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> WrappedKey:
    """A key that nobody has seen, wrapped."""
    nonce = random_bytes(NONCE_BYTES)
    wrapped = wrap(kek, domain, epoch, random_bytes(KEY_BYTES), nonce)
    return WrappedKey(domain, epoch, wrapped, nonce, kek.id, active_from, None, now)


def load_key_ring(conn: Connection, settings: KeySettings) -> KeyRing:
    """All keys that exist, unwrapped. Raises ConfigurationError when the KEK does not fit or a domain has no key."""
    known = read_keys(conn)
    missing = sorted(domain.value for domain in set(Domain) - {key.domain for key in known})
    if missing:
        raise ConfigurationError(f"there is no key for {', '.join(missing)}: run `telemetry keys create`")
    return KeyRing(unwrapped(load_keks(settings), known))


def unwrapped(keks: Keks, keys: Iterable[WrappedKey]) -> list[KeyEpoch]:
    """The keys that have not been destroyed, and whose destruction has not begun."""
    return [
        KeyEpoch(
            key.domain,
            key.epoch,
            _milliseconds(key.active_from),
            None if key.active_until is None else _milliseconds(key.active_until),
            keks.open(key),
        )
        for key in keys
        if key.is_usable
    ]


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
