"""What is remembered of a person as a person: their newest decision, opt-out of sale, erasure, and legal hold.

Decisions, signals and erasures arrive in any order, twice, and by several processes at once. Invariant: what counts in
the end is the same for every order (`decided`, `signalled` and `erased` commute with themselves and one another), and
none of it ever lets more through than the newest decision says.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from telemetry_platform.contracts.consent import ConsentLevel


@dataclass(frozen=True)
class SubjectState:
    """One person in one tenant; moments are milliseconds since 1970, None is what never happened."""

    level: ConsentLevel | None = None
    purposes: frozenset[str] | None = None
    """What they agreed to by name when they last spoke of it. None: they never did, and the token's claim counts."""
    decided_at: int | None = None
    purposes_at: int | None = None
    """When they last spoke of purposes: a later decision that does not leaves them as they were."""
    opted_out_at: int | None = None
    """When a privacy signal first came with their token; stays when a decision lifts it, see `is_opted_out`."""
    erased_at: int | None = None
    held_at: int | None = None
    """Since when a legal hold on them is in force: whoever meets them notes under which pseudonym. None: no hold."""
    changed_at: int = field(default=0, compare=False)
    """Version of the stored row: of two copies the one with the higher number is the newer."""

    @property
    def is_opted_out(self) -> bool:
        """Whether sale stays refused: only full consent that was decided after the signal lifts it."""
        if self.opted_out_at is None:
            return False
        return self.level is not ConsentLevel.FULL or self.decided_at is None or self.decided_at <= self.opted_out_at

    def decided(self, level: ConsentLevel, purposes: frozenset[str] | None, decided_at: int) -> SubjectState:
        """The newest decision counts; of two of one moment the lower level, and what both agree to."""
        known = self._levelled(level, decided_at)
        return known if purposes is None else replace(known, **self._agreed(purposes, decided_at))

    def _levelled(self, level: ConsentLevel, at: int) -> SubjectState:
        if self.decided_at is None or at > self.decided_at:
            return replace(self, level=level, decided_at=at)
        lowers = at == self.decided_at and self.level is not None and level < self.level
        return replace(self, level=level) if lowers else self

    def _agreed(self, purposes: frozenset[str], at: int) -> dict[str, Any]:
        """What is agreed to by name now, and since when."""
        if self.purposes is None or self.purposes_at is None or at > self.purposes_at:
            return {"purposes": purposes, "purposes_at": at}
        return {"purposes": self.purposes & purposes if at == self.purposes_at else self.purposes}

    def signalled(self, at: int) -> SubjectState:
        """The first signal is remembered; browsers send it with every request, and the others say nothing new."""
        is_known = self.opted_out_at is not None and self.opted_out_at <= at
        return self if is_known else replace(self, opted_out_at=at)

    def held(self, at: int | None) -> SubjectState:
        """A hold in force says nothing on what they agree to: it keeps what there is, and lets nothing more in."""
        return replace(self, held_at=at)

    def erased(self, at: int) -> SubjectState:
        """Nothing but what is essential until they decide anew; an opt-out stays."""
        moment = at if self.erased_at is None else max(at, self.erased_at)
        return replace(self.decided(ConsentLevel.ESSENTIAL, frozenset(), at), erased_at=moment)
