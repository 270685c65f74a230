"""Tombstones in the drain: what is from before a person's erasure is neither stored nor put aside, only counted.

Invariant: asked anew on every try. A batch that was tried before the tombstone stood may have stored rows that a later
try leaves out: the sweep of the erasure begins when such batches have ended, and takes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform.processing.erased import holds_actors, spared, without_erased
from telemetry_platform.stores import redis, session_pins, tombstones

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from telemetry_platform.processing.batches import DeadEntry, Decoded
    from telemetry_platform.processing.erased import Person, Session
    from telemetry_platform.usecases.drain.desk import Desk, Work


def spare_rows(desk: Desk, work: Work, decoded: Decoded) -> Decoded:
    """The batch without what is from before somebody's erasure."""

    def began(sessions: Collection[Session]) -> Mapping[Session, int]:
        # The API asks the same before it takes an event; this is for what it took before it knew of the erasure.
        with redis.connect(desk.stores.settings.redis) as client:
            return session_pins.beginnings(client, sessions, round(desk.now().timestamp() * 1000))

    return without_erased(work.kind, work.entries, decoded, _tombstones(desk, work), began)


def spare_dead(desk: Desk, work: Work, dead: Sequence[DeadEntry]) -> tuple[tuple[DeadEntry, ...], int]:
    """Those that may become dead letters, and of how many events the others are."""
    return spared(work.entries, dead, _tombstones(desk, work))


def _tombstones(desk: Desk, work: Work) -> Mapping[Person, int]:
    """The erased persons of a batch."""
    if not holds_actors(work.kind):
        return {}
    actors = {actor.decode("ascii", "replace") for actor in set(work.entries.columns["actor_hash"]) if actor}
    return tombstones.of_actors(desk.conn, actors)
