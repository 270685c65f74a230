"""Which keys have outlived their data: pure, so that every clock and count can be tried.

Invariant: a key that is still in use, could still be used by a late event, or still has rows, is never named as one
that may go; the domain of addresses is the one exception to the last, whose keys die by the calendar.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.contracts.key_lives import LIVES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from telemetry_platform.contracts.pii import Domain
    from telemetry_platform.processing.key_rotation import EpochSpan


@dataclass(frozen=True)
class DueEpoch:
    """An epoch whose time is over since `since`; `rows` still need it."""

    domain: Domain
    epoch: int
    since: datetime
    rows: int

    @property
    def may_go(self) -> bool:
        """Whether it can be destroyed now."""
        return self.rows == 0


def past_their_time(spans: Iterable[EpochSpan], now: datetime) -> tuple[EpochSpan, ...]:
    """Epochs that nothing new can come under any more. `spans` are those whose keys exist."""
    return tuple(
        span
        for span in spans
        if span.domain in LIVES and span.active_until is not None and span.active_until + LIVES[span.domain].kept < now
    )


def due(spans: Iterable[EpochSpan], now: datetime, rows: Mapping[tuple[Domain, int], int]) -> tuple[DueEpoch, ...]:
    """The same with what still needs each. `rows` must be a whole count: what is missing in it counts as none."""
    return tuple(
        DueEpoch(
            span.domain,
            span.epoch,
            span.active_until + LIVES[span.domain].kept,
            rows.get((span.domain, span.epoch), 0) if LIVES[span.domain].with_its_rows else 0,
        )
        for span in past_their_time(spans, now)
        if span.active_until is not None
    )
