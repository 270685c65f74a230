"""Whether every domain has the key that it needs now, and the next one in time. Pure.

Invariant: the present is looked at as processes do (`KeyRing.epoch_at`): the first epoch has none before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from telemetry_platform.contracts.key_lives import LIVES
from telemetry_platform.contracts.pii import Domain

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from telemetry_platform.processing.key_rotation import EpochSpan

SOON = timedelta(days=2)
"""A successor is added three days ahead: so close to the end, a day's job did not do it."""


@dataclass(frozen=True)
class Fault:
    """What is wrong with a domain's epochs; `stops` when pseudonyms cannot be made, or are made under an old key."""

    domain: Domain
    what: str
    stops: bool

    def __str__(self) -> str:
        """For whoever has to mend it."""
        return f"{self.domain.value}: {self.what}"


def faults(spans: Iterable[EpochSpan], now: datetime) -> tuple[Fault, ...]:
    """What is wrong now. `spans` are those whose keys exist."""
    known = list(spans)
    found = []
    for domain in Domain:
        of_domain = sorted((span for span in known if span.domain is domain), key=lambda span: span.epoch)
        fault = _fault(domain, of_domain, now)
        if fault is not None:
            found.append(fault)
    return tuple(found)


def _fault(domain: Domain, spans: list[EpochSpan], now: datetime) -> Fault | None:
    active = [
        span
        for span in spans
        if (span is spans[0] or span.active_from <= now) and (span.active_until is None or now < span.active_until)
    ]
    if len(active) != 1:
        return Fault(domain, f"{len(active)} epochs are active, and there must be one", stops=True)
    if domain not in LIVES or spans[-1].active_from > now:
        return None
    end = LIVES[domain].end(spans[-1].active_from)
    if now >= end:
        return Fault(domain, f"epoch {spans[-1].epoch} should have ended on {end:%Y-%m-%d}", stops=True)
    if now >= end - SOON:
        return Fault(domain, f"epoch {spans[-1].epoch} ends on {end:%Y-%m-%d} and has no successor", stops=False)
    return None
