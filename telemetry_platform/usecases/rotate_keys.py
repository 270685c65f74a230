"""Give rotating domains their next key epoch in time, and put all keys under another key-encryption key.

Invariants: an epoch and the end of its predecessor are one transaction, with the audit record in it; a second process
that rotates at the same time waits, looks again, and finds nothing to do; all surviving keys are wrapped anew, or none.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from telemetry_platform.contracts.own_actions import KEK_ROTATED, KEY_ROTATED
from telemetry_platform.errors import ConfigurationError
from telemetry_platform.processing.key_rotation import EpochSpan, PlannedEpoch, lead, plan
from telemetry_platform.processing.key_wrapping import NONCE_BYTES, Kek, check_value, wrap
from telemetry_platform.processing.pseudonyms import KeyRing
from telemetry_platform.stores.keys import WrappedKey, add_key, lock_keys, read_keys, rewrap_keys
from telemetry_platform.usecases import own_actions
from telemetry_platform.usecases.ensure_keys import new_key, unwrapped
from telemetry_platform.usecases.keks import Keks, kek_in_use, load_keks

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from telemetry_platform.contracts.pii import Domain
    from telemetry_platform.settings import KeySettings
    from telemetry_platform.stores.keys import Epoch
    from telemetry_platform.stores.postgres import Connection


@dataclass(frozen=True)
class RotationReport:
    """The epochs that were added; none when none was due."""

    added: tuple[PlannedEpoch, ...]


@dataclass(frozen=True)
class RewrapReport:
    """How many keys are under the new KEK, and the names of both."""

    keys: int
    kek_id: str
    previous: str


def rotate(
    conn: Connection,
    settings: KeySettings,
    now: datetime,
    *,
    early: Collection[Domain] = (),
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> RotationReport:
    """Add the epochs that are due soon, and of the domains in `early` the next one at once; commits."""
    keks = load_keks(settings)
    lock_keys(conn)
    known = read_keys(conn)
    ring = KeyRing(unwrapped(keks, known))
    spans = [EpochSpan(key.domain, key.epoch, key.active_from, key.active_until) for key in known]
    planned = plan(spans, now, lead(settings.max_age_seconds), early)
    for epoch in planned:
        kek = kek_in_use(conn, keks)
        add_key(conn, new_key(kek, epoch.domain, epoch.epoch, epoch.active_from, now, random_bytes), check_value(kek))
        own_actions.record(
            conn,
            ring,
            KEY_ROTATED,
            now,
            resource_id=f"{epoch.domain.value}:{epoch.epoch}",
            details={"domain": epoch.domain.value, "epoch": epoch.epoch, "kek_id": kek.id},
        )
    conn.commit()
    return RotationReport(planned)


def rotate_kek(
    conn: Connection,
    settings: KeySettings,
    now: datetime,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> RewrapReport:
    """Wrap all surviving keys under the next KEK; commits. Raises ConfigurationError without one."""
    keks = load_keks(settings)
    lock_keys(conn)
    ring = KeyRing(unwrapped(keks, read_keys(conn)))
    report = rewrap(conn, keks, now, random_bytes=random_bytes)
    own_actions.record(
        conn,
        ring,
        KEK_ROTATED,
        now,
        resource_id=report.kek_id,
        details={"kek_id": report.kek_id, "previous": report.previous, "keys": report.keys},
    )
    conn.commit()
    return report


def rewrap(
    conn: Connection,
    keks: Keks,
    now: datetime,
    *,
    doomed: Collection[Epoch] = (),
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> RewrapReport:
    """Wrap all keys but the doomed under the next KEK, in the caller's transaction, which holds the keys' lock."""
    old = kek_in_use(conn, keks)
    if keks.next is None or keks.next.id == old.id:
        raise ConfigurationError(
            "there is no next key-encryption key: give base64 of 32 random bytes in TELEMETRY_KEYS__NEXT_KEK_FILE (or "
            "TELEMETRY_KEYS__NEXT_KEK), and a name never used before in TELEMETRY_KEYS__NEXT_KEK_ID"
        )
    surviving = [key for key in read_keys(conn) if key.is_usable and (key.domain, key.epoch) not in doomed]
    new = [_under(keks.next, key, keks.open(key), random_bytes) for key in surviving]
    count = rewrap_keys(conn, new, doomed, keks.next.id, check_value(keks.next), now)
    return RewrapReport(count, keks.next.id, old.id)


def _under(kek: Kek, key: WrappedKey, raw: bytes, random_bytes: Callable[[int], bytes]) -> WrappedKey:
    nonce = random_bytes(NONCE_BYTES)
    return replace(key, wrapped=wrap(kek, key.domain, key.epoch, raw, nonce), nonce=nonce, kek_id=kek.id)
