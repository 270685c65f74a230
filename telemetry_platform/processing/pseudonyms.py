"""Pseudonyms: HMAC-SHA-256 over length-prefixed (domain, id), under the key of (domain, epoch).

Invariants: an identifier is hashed whatever it looks like, so that the same id is always one pseudonym; a key is chosen
by the server's clock or a session's pin, never by a client; key bytes show up in no representation.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING
from uuid import UUID

from telemetry_platform.contracts.pii import Domain
from telemetry_platform.errors import StaleKeysError

if TYPE_CHECKING:
    from collections.abc import Iterable

_CACHED = 8192


@dataclass(frozen=True)
class KeyEpoch:
    """One key of one domain, and the milliseconds since 1970 between which new pseudonyms use it."""

    domain: Domain
    epoch: int
    active_from: int
    active_until: int | None
    key: bytes = field(repr=False)


def _prefixed(text: str) -> bytes:
    raw = text.encode()
    return len(raw).to_bytes(4, "big") + raw


class KeyRing:
    """All keys that are known at one moment. Immutable: a refresh makes another ring, and its caches with it."""

    def __init__(self, epochs: Iterable[KeyEpoch]) -> None:
        self.epochs = tuple(sorted(epochs, key=lambda epoch: (epoch.domain, epoch.epoch)))
        # Feeding the key and the domain once, and copying that state, halves the cost of a pseudonym.
        self._begun = {
            (epoch.domain, epoch.epoch): hmac.new(epoch.key, _prefixed(epoch.domain.value), hashlib.sha256)
            for epoch in self.epochs
        }
        self._keys = {(epoch.domain, epoch.epoch): epoch.key for epoch in self.epochs}
        self.pseudonym = lru_cache(maxsize=_CACHED)(self._pseudonym)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KeyRing) and self.epochs == other.epochs

    def __hash__(self) -> int:
        return hash(self.epochs)

    def epoch_at(self, domain: Domain, moment: int) -> int:
        """The epoch that new pseudonyms use at a moment of the server's clock."""
        of_domain = [epoch for epoch in self.epochs if epoch.domain is domain]
        for epoch in of_domain:
            # The first epoch has none before it: a server whose clock is behind that of the one that made it uses it.
            begun = epoch is of_domain[0] or epoch.active_from <= moment
            if begun and (epoch.active_until is None or moment < epoch.active_until):
                return epoch.epoch
        raise StaleKeysError(f"no key of {domain.value} is active: look with `telemetry keys list`, then try again")

    def _pseudonym(self, domain: Domain, epoch: int, identifier: str) -> str:
        """64 hex digits."""
        begun = self._begun.get((domain, epoch))
        if begun is None:
            raise StaleKeysError(f"the key of {domain.value}, epoch {epoch}, is not known here (yet): try again")
        state = begun.copy()
        state.update(_prefixed(identifier))
        return state.hexdigest()

    def access_id(self, org_id: str, session_id: str, actor_id: str, media_id: str) -> str:
        """The identity of the access record of a view: the same on every re-send, and linked to nothing else.

        Of the actor and the medium too, and not of the session alone: a session id is the client's word, and one that
        somebody else used first, with whatever consent, would make the record of the real view a copy of theirs and
        keep it out of the trail.
        """
        return self._keyed_id("access", org_id, session_id, actor_id, media_id)

    def drop_id(self, org_id: str, kind: str, event_id: str) -> str:
        """The identity of a drop: the same on every re-send, so that no drop is counted twice.

        Keyed, since a drop must not be found by somebody who has the event's id.
        """
        return self._keyed_id("drop", org_id, kind, event_id)

    def _keyed_id(self, *parts: str) -> str:
        key = self._keys.get((Domain.RESOURCE, 1))
        if key is None:
            raise StaleKeysError("the key of resource, epoch 1, is not known here: run `telemetry keys create`")
        message = b"".join(map(_prefixed, parts))
        raw = bytearray(hmac.digest(key, message, "sha256")[:16])
        raw[6] = raw[6] & 0x0F | 0x80  # version 8: made by a rule of our own (RFC 9562)
        raw[8] = raw[8] & 0x3F | 0x80
        return str(UUID(bytes=bytes(raw)))


def live_epochs(ring: KeyRing, domain: Domain) -> tuple[int, ...]:
    """The epochs of a domain under which pseudonyms can still be made: those whose keys have not been destroyed."""
    return tuple(epoch.epoch for epoch in ring.epochs if epoch.domain is domain)
