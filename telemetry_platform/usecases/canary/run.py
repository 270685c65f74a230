"""One run of the canary: send, wait, plant, look everywhere, and say so in the audit trail.

Invariant: it is clean only when every kind was sent, every store was looked through, every plant was found, and no mark
was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.contracts.own_actions import CANARY_RUN
from telemetry_platform.usecases.canary.planting import planted
from telemetry_platform.usecases.canary.searching import Search
from telemetry_platform.usecases.own_actions import record

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from telemetry_platform.processing.pseudonyms import KeyRing
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.usecases.canary.marks import Mark, Marks
    from telemetry_platform.usecases.canary.planting import Plant
    from telemetry_platform.usecases.canary.searching import Hit, Looked, Reach
    from telemetry_platform.usecases.canary.sending import Sent


@dataclass(frozen=True)
class Sighting:
    """A mark where it must not be, and how often."""

    store: str
    how: str
    hit: Hit
    count: int


@dataclass(frozen=True)
class CanaryReport:
    """What one run saw."""

    sent: Sent
    marks: int
    looked: tuple[Looked, ...]
    sightings: tuple[Sighting, ...]
    plants: tuple[Plant, ...]
    unseen: tuple[Plant, ...]
    out_of_reach: tuple[str, ...]
    is_local: bool
    """On a machine of one's own nothing is out of reach: what was not looked through is a failure."""

    @property
    def failures(self) -> tuple[str, ...]:
        """Why the search proves less than it should."""
        return (
            *(f"nobody may send the kind {kind}: no token has one of its roles" for kind in self.sent.unspoken),
            *(f"{looked.store}, {looked.how}: {looked.failure}" for looked in self.looked if looked.failure),
            *(f"{place}: could not be looked through" for place in self.out_of_reach if self.is_local),
            *(f"not found, {plant.how}: {plant.mark.where}" for plant in self.unseen),
        )

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found that must not be, by a search that could have found it."""
        return not self.sightings and not self.failures


def look_for(reach: Reach, marks: Marks, sent: Sent) -> CanaryReport:
    """Plant and look; what was sent rests by now."""
    with planted(reach, marks.random) as plants:
        looked = Search([*marks.made, *(plant.mark for plant in plants)]).everywhere(reach)
    own: set[Mark] = {plant.mark for plant in plants}
    sightings = tuple(
        Sighting(store.store, store.how, hit, count)
        for store in looked
        for hit, count in store.hits.items()
        if hit.mark not in own
    )
    unread = tuple(f"{store.store}: {table}" for store in looked for table in store.unread)
    unseen = tuple(plant for plant in plants if not plant.is_in(looked))
    return CanaryReport(
        sent,
        len(marks.made),
        tuple(looked),
        sightings,
        tuple(plants),
        unseen,
        reach.out_of_reach + unread,
        is_local=bool(reach.folders),
    )


def run_canary(
    marks: Marks, send: Callable[[Marks], Sent], wait_until_at_rest: Callable[[], None], reach: Reach
) -> CanaryReport:
    """All of it but the record: its writer may have fewer rights than whoever looks."""
    sent = send(marks)
    wait_until_at_rest()
    return look_for(reach, marks, sent)


def record_run(conn: Connection, ring: KeyRing, report: CanaryReport, now: datetime) -> None:
    """Say in the trail that it ran and what it saw; the caller commits."""
    details = {"marks": report.marks, "hits": len(report.sightings), "planted": len(report.plants)}
    outcome = "success" if report.is_clean else "failure"
    record(conn, ring, CANARY_RUN, now, outcome=outcome, details=details)
