"""May we: which consent level counts for a request, and whether a kind of event may be kept under it.

The level is the lowest of what the request states, what the person decided, and what a privacy signal leaves; an
excluded network forces 0. An event is judged once, by what is true when it is received. Invariants: nothing raises a
level, everything that is not exactly a signal is none, and a drop is a value with a reason, never an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.contracts.consent import ConsentLevel, DropReason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from telemetry_platform.contracts.subject import SubjectState

_LEVEL = re.compile(rb"[0-3]")


@dataclass(frozen=True)
class Permission:
    """The level that counts, and what lowered it, so that a drop can say why."""

    level: ConsentLevel
    stated: ConsentLevel
    decided: ConsentLevel | None = None
    """What the person's newest decision allows; None without one, and then the request's own word counts."""
    excluded: bool = False
    purposes: frozenset[str] = frozenset()
    """What the person has agreed to by name."""

    def refusal(
        self, needed: ConsentLevel | None, purpose: str | None = None, *, is_kept_always: bool = False
    ) -> DropReason | None:
        """Why an event that needs this level and this purpose is dropped; None when it may be kept.

        A level of None is "not applicable": an excluded network takes such an event away all the same, unless it is
        kept always.
        """
        if needed is None:
            return DropReason.EXCLUDED_NETWORK if self.excluded and not is_kept_always else None
        if self.level >= needed:
            return None if purpose is None or purpose in self.purposes else DropReason.PURPOSE_NOT_AGREED
        if self.excluded:
            return DropReason.EXCLUDED_NETWORK
        if self.stated < needed:
            return DropReason.CONSENT_TOO_LOW
        # What was stated would do: the person's own word before the signal of a browser, which needs no answer.
        return DropReason.RECORDED_DECISION if self.decided is not None and self.decided < needed else DropReason.GPC


def stated_level(lines: Sequence[bytes]) -> ConsentLevel:
    """X-Consent-Level: exactly one line of one ASCII digit from 0 to 3; everything else is 1."""
    if len(lines) == 1 and _LEVEL.fullmatch(lines[0]):
        return ConsentLevel(int(lines[0]))
    return ConsentLevel.ESSENTIAL


def is_gpc(lines: Sequence[bytes]) -> bool:
    """Sec-GPC: exactly one line, exactly `1`. DNT is no signal: no law names it, and browsers have given it up."""
    return list(lines) == [b"1"]


def permission(
    stated: ConsentLevel,
    *,
    gpc: bool,
    excluded: bool,
    purposes: frozenset[str] = frozenset(),
    state: SubjectState | None = None,
) -> Permission:
    """The lowest of what the person stated and decided, the privacy signal's cap, and an exclusion of the network.

    `purposes` are the token's, and count until a decision speaks of purposes. `state` is None for whoever never
    decided, and for nobody.
    """
    if excluded:
        return Permission(ConsentLevel.EXCLUDED, stated, excluded=True)
    decided, signalled = None, gpc
    if state is not None:
        decided, signalled = state.level, gpc or state.is_opted_out
        purposes = purposes if state.purposes is None else state.purposes
    level = stated if decided is None else min(stated, decided)
    return Permission(min(level, ConsentLevel.ANALYTICS) if signalled else level, stated, decided, purposes=purposes)
