"""May we: which consent level counts for a request, and whether a kind of event may be kept under it.

Invariants: nothing raises a level, everything that is not exactly a signal is none, and a drop is a value with a
reason, never an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.contracts.consent import ConsentLevel, DropReason

if TYPE_CHECKING:
    from collections.abc import Sequence

_LEVEL = re.compile(rb"[0-3]")


@dataclass(frozen=True)
class Permission:
    """The level that counts, and what lowered it, so that a drop can say why."""

    level: ConsentLevel
    stated: ConsentLevel
    excluded: bool = False
    purposes: frozenset[str] = frozenset()
    """What the person has agreed to by name."""

    def refusal(self, needed: ConsentLevel | None, purpose: str | None = None) -> DropReason | None:
        """Why an event that needs this level and this purpose is dropped; None when it may be kept."""
        if needed is None:
            return None
        if self.level >= needed:
            return None if purpose is None or purpose in self.purposes else DropReason.PURPOSE_NOT_AGREED
        if self.excluded:
            return DropReason.EXCLUDED_NETWORK
        # The person agreed to enough, and the signal took it back.
        return DropReason.GPC if self.stated >= needed else DropReason.CONSENT_TOO_LOW


def stated_level(lines: Sequence[bytes]) -> ConsentLevel:
    """X-Consent-Level: exactly one line of one ASCII digit from 0 to 3; everything else is 1."""
    if len(lines) == 1 and _LEVEL.fullmatch(lines[0]):
        return ConsentLevel(int(lines[0]))
    return ConsentLevel.ESSENTIAL


def is_gpc(lines: Sequence[bytes]) -> bool:
    """Sec-GPC: exactly one line, exactly `1`."""
    return list(lines) == [b"1"]


def permission(
    stated: ConsentLevel, *, gpc: bool, excluded: bool, purposes: frozenset[str] = frozenset()
) -> Permission:
    """The lowest of what the person stated, the privacy signal's cap, and an exclusion of the network."""
    if excluded:
        return Permission(ConsentLevel.EXCLUDED, stated, excluded=True)
    return Permission(min(stated, ConsentLevel.ANALYTICS) if gpc else stated, stated, purposes=purposes)
