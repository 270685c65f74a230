"""Destroy keys whose data is gone, in three steps that are each recorded: so that no dump ever opens them again.

An overwritten row stays in PostgreSQL's files, log and backups, so that removing the bytes is not enough: (1) the keys
that survive are wrapped under a new key-encryption key (KEK) and the doomed ones are not, (2) their bytes are removed,
(3) somebody states that the old KEK is destroyed wherever it was kept.
Invariants: a step and its audit record are one transaction; a crash between steps leaves `destruction_pending`, and the
next call goes on; nothing is destroyed on the word of a count that could not be made.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.contracts.own_actions import KEY_BYTES_REMOVED, KEY_DESTROYED, KEY_DESTRUCTION_BEGUN
from telemetry_platform.errors import ConfigurationError
from telemetry_platform.processing.key_destruction import DueEpoch, due, past_their_time
from telemetry_platform.processing.key_rotation import EpochSpan
from telemetry_platform.processing.pseudonyms import KeyRing
from telemetry_platform.stores.keys import (
    KeyState,
    end_kek,
    kek_states,
    key_states,
    lock_keys,
    read_keys,
    remove_key_bytes,
)
from telemetry_platform.usecases import own_actions
from telemetry_platform.usecases.ensure_keys import unwrapped
from telemetry_platform.usecases.keks import Keks, load_keks
from telemetry_platform.usecases.key_uses import rows_by_epoch
from telemetry_platform.usecases.rotate_keys import RewrapReport, rewrap

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from telemetry_platform.settings import KeySettings, Settings
    from telemetry_platform.stores.keys import Epoch
    from telemetry_platform.stores.postgres import Connection


@dataclass(frozen=True)
class Outlook:
    """What could be done: epochs whose time is over, and those whose destruction has begun and is not whole."""

    due: tuple[DueEpoch, ...]
    pending: tuple[KeyState, ...]

    @property
    def doomed(self) -> tuple[Epoch, ...]:
        """Those that step 1 may take."""
        return tuple((epoch.domain, epoch.epoch) for epoch in self.due if epoch.may_go)


def outlook(conn: Connection, settings: Settings, now: datetime, *, log_comment: str) -> Outlook:
    """Look, and change nothing; rows are counted only where an epoch's time is over.

    Raises PlatformError when a store cannot be counted.
    """
    states = key_states(conn)
    spans = [
        EpochSpan(state.domain, state.epoch, state.active_from, state.active_until)
        for state in states
        if state.destruction_begun_at is None
    ]
    old = past_their_time(spans, now)
    rows = rows_by_epoch(settings, log_comment=log_comment) if old else {}
    return Outlook(due(old, now, rows), tuple(state for state in states if state.is_pending))


def begin(
    conn: Connection,
    settings: KeySettings,
    doomed: Collection[Epoch],
    now: datetime,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> RewrapReport:
    """Step 1: all other keys go under the next KEK; commits. Raises PlatformError for an epoch that is still needed."""
    keks, ring = _opened(conn, settings)
    report = rewrap(conn, keks, now, doomed=doomed, random_bytes=random_bytes)
    own_actions.record(
        conn,
        ring,
        KEY_DESTRUCTION_BEGUN,
        now,
        resource_id=report.kek_id,
        details={
            "epochs": _names(doomed),
            "kek_id": report.kek_id,
            "previous": report.previous,
            "why": "data of the epochs has passed",
        },
    )
    conn.commit()
    return report


def remove_bytes(conn: Connection, settings: KeySettings, now: datetime) -> tuple[Epoch, ...]:
    """Step 2: the wrapped bytes of the doomed keys go; commits. Which ones; none when there is nothing to remove."""
    _, ring = _opened(conn, settings)
    removed = tuple(remove_key_bytes(conn, now))
    if removed:
        own_actions.record(conn, ring, KEY_BYTES_REMOVED, now, details={"epochs": _names(removed)})
    conn.commit()
    return removed


def confirm(conn: Connection, settings: KeySettings, kek_id: str, *, by: str, now: datetime) -> tuple[Epoch, ...]:
    """Step 3: note that a retired KEK is destroyed everywhere; commits. The epochs that are beyond reach by it.

    Raises ConfigurationError while this process was itself given that KEK, PermanentError while keys lie under it.
    """
    keks, ring = _opened(conn, settings)
    told_by = next((kek.check_value for kek in kek_states(conn) if kek.kek_id == kek_id), None)
    if told_by is not None and keks.holds(told_by):
        raise ConfigurationError(
            f"{kek_id} is not destroyed: this command was given it in TELEMETRY_KEYS__KEK or TELEMETRY_KEYS__NEXT_KEK "
            "(or their files). Give the new one there, restart every process, destroy the old one, then confirm"
        )
    before = _destroyed(conn)
    end_kek(conn, kek_id, by=by, now=now)
    gone = tuple(sorted(_destroyed(conn) - before))
    own_actions.record(
        conn, ring, KEY_DESTROYED, now, resource_id=kek_id, details={"epochs": _names(gone), "previous": kek_id}
    )
    conn.commit()
    return gone


def _opened(conn: Connection, settings: KeySettings) -> tuple[Keks, KeyRing]:
    """The KEKs and the keys that live, under the lock of the keys until the end of the transaction."""
    keks = load_keks(settings)
    lock_keys(conn)
    return keks, KeyRing(unwrapped(keks, read_keys(conn)))


def _destroyed(conn: Connection) -> set[Epoch]:
    return {(state.domain, state.epoch) for state in key_states(conn) if state.is_destroyed}


def _names(epochs: Collection[Epoch]) -> list[str]:
    return [f"{domain.value}:{epoch}" for domain, epoch in sorted(epochs)]
