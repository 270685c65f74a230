"""What the API saw at its doors becomes entries of the security stream: noted in passing, written a moment later.

A flood of refusals must cost less than it costs its sender. What is alike within a moment becomes one entry with a
count; of one network only so many sorts are told apart, and of all networks together too, after which the rest is
counted under fewer words. What is told of a verified token has a share of its own, by person: no flood of refusals
takes the name off what somebody with a token does, be it their own. Refusals may fill a small share of the room that
all kinds share, and nothing of what is reserved for the trail.

Invariants: noting never waits, asks nobody and fails nobody's request, whether or not Redis answers; what goes into an
entry is reduced as a request's own: the full address as a keyed hash only; an entry that may have been taken is sent
again as it was, with the same id, so that it counts once.
"""

from __future__ import annotations

import secrets
import zlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

import orjson

from telemetry_platform.contracts.events.security import KIND
from telemetry_platform.contracts.pii import Domain
from telemetry_platform.contracts.types import Method
from telemetry_platform.errors import PlatformError, QueueFullError
from telemetry_platform.processing.address import truncated, unmapped
from telemetry_platform.processing.agent import reduce_agent
from telemetry_platform.stores.landing_producer import EntryGroup
from telemetry_platform.stores.session_pins import Pin
from telemetry_platform.usecases.own_actions import PLATFORM_ORG

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from telemetry_platform.contracts.sightings import Sighting
    from telemetry_platform.processing.address import Address
    from telemetry_platform.processing.pseudonyms import KeyRing
    from telemetry_platform.stores.landing_producer import LandingProducer
    from telemetry_platform.stores.queue_room import QueueRoom

EVERY_SECONDS = 0.5
"""How often what was noted is written."""
MOST_SORTS = 64
"""So many sorts are told apart between two writes; then, of each sighting and network, one more; then one of each."""
MOST_OF_NETWORK = 8
_KEPT_SECONDS = 60
_METHODS = frozenset(get_args(Method))


class Whence(NamedTuple):
    """From where a request came, as far as it may be kept."""

    ip_truncated: str | None = None
    address_hash: str | None = None
    address_key_epoch: int | None = None


class Asked(NamedTuple):
    """What was asked: method, the route's template, and the status of the answer."""

    method: str | None = None
    route: str | None = None
    status: int | None = None


NOBODY = Pin(0, "")
_NO_QUESTION = Asked()


class _Sort(NamedTuple):
    """What is alike becomes one entry."""

    sighting: Sighting
    org_id: str
    who: Pin
    whence: Whence
    asked: Asked
    token: str | None


@dataclass
class _Seen:
    """How often, when first and last (milliseconds), and the user agent of the first."""

    first_at: int
    last_at: int
    agent: str
    count: int = 0


def whence(address: Address | None, ring: KeyRing | None, now_ms: int) -> Whence:
    """An address, reduced; without keys there is no hash of it."""
    if address is None:
        return Whence()
    if ring is None:
        return Whence(truncated(address))
    epoch = ring.epoch_at(Domain.ADDRESS, now_ms)
    hashed = ring.pseudonym(Domain.ADDRESS, epoch, str(unmapped(address)))
    return Whence(truncated(address), hashed, epoch)


class Watch:
    """Collects sightings of one process. `lost` is told how many could not be written."""

    def __init__(  # noqa: PLR0913 - what writing an entry needs; the last three by name
        self,
        producer: LandingProducer,
        room: QueueRoom,
        shards: int,
        *,
        now_ms: Callable[[], int],
        new_id: Callable[[], UUID],
        lost: Callable[[int], None],
    ) -> None:
        self._producer = producer
        self._room = room
        self._shards = shards
        self._now_ms = now_ms
        self._new_id = new_id
        self._lost = lost
        self._open: dict[_Sort, _Seen] = {}
        self._of_network: Counter[str | None] = Counter()
        self._of_person: Counter[tuple[str, Pin]] = Counter()
        self._of_persons = 0
        self._waiting: tuple[EntryGroup, ...] = ()

    def note(  # noqa: PLR0913 - the parts of a sighting, by name
        self,
        sighting: Sighting,
        whence: Whence,
        asked: Asked,
        *,
        now_ms: int,
        org_id: str = PLATFORM_ORG,
        who: Pin = NOBODY,
        agent: str = "",
        token: str | None = None,
        count: int = 1,
    ) -> None:
        """Count it, and be done."""
        if asked.method not in _METHODS:
            asked = asked._replace(method=None)
        sort = _Sort(sighting, org_id, who, whence, asked, token)
        seen = self._open.get(sort)
        if seen is None:
            sort = self._in_fewer_words(sort)
            seen = self._open.setdefault(sort, _Seen(now_ms, now_ms, agent))
        seen.count += count
        seen.last_at = max(seen.last_at, now_ms)

    async def flush(self) -> None:
        """Write what was noted. Raises PlatformError and keeps it for a while when Redis does not take it."""
        if not self._waiting:
            self._waiting = tuple(self._entry(sort, seen) for sort, seen in self._open.items())
            self._open.clear()
            self._of_network.clear()
            self._of_person.clear()
            self._of_persons = 0
        if not self._waiting:
            return
        try:
            self._room.check_sightings()
            await self._producer.add(self._waiting, durable=False)
        except QueueFullError:
            self._give_up()
        except PlatformError:
            if self._now_ms() - self._waiting[0].received_at > _KEPT_SECONDS * 1000:
                self._give_up()
            raise
        else:
            self._waiting = ()

    def _give_up(self) -> None:
        self._lost(len(self._waiting))
        self._waiting = ()

    def _in_fewer_words(self, sort: _Sort) -> _Sort:
        """The sort itself while there is room; else without what tells it from others of its network, or of all."""
        network = sort.whence.ip_truncated
        if sort.who.actor_hash:
            return self._of_somebody(sort)
        strangers = len(self._open) - self._of_persons
        if strangers < MOST_SORTS and self._of_network[network] < MOST_OF_NETWORK:
            self._of_network[network] += 1
            return sort
        fewer = _Sort(sort.sighting, PLATFORM_ORG, NOBODY, Whence(network), _NO_QUESTION, None)
        if fewer in self._open or strangers < 2 * MOST_SORTS:
            return fewer
        return fewer._replace(whence=Whence())

    def _of_somebody(self, sort: _Sort) -> _Sort:
        """Of a person only so many sorts too, then one for each sighting; of too many persons, none is told apart."""
        person = (sort.org_id, sort.who)
        told, sorts = sort, self._of_person[person]
        if sorts >= MOST_OF_NETWORK:
            near = Whence(sort.whence.ip_truncated) if sorts < 2 * MOST_OF_NETWORK else Whence()
            told = _Sort(sort.sighting, *person, near, _NO_QUESTION, None)
        if told in self._open:
            return told
        if self._of_persons >= MOST_SORTS:
            told = _Sort(sort.sighting, sort.org_id, NOBODY, Whence(), _NO_QUESTION, None)
            if told in self._open or self._of_persons >= 2 * MOST_SORTS:
                return told._replace(org_id=PLATFORM_ORG)
        self._of_person[person] += 1
        self._of_persons += 1
        return told

    def _entry(self, sort: _Sort, seen: _Seen) -> EntryGroup:
        event_id = str(self._new_id())
        details: dict[str, Any] = {"count": seen.count, "status": sort.asked.status, "token": sort.token}
        if seen.count > 1:
            details["last_at"] = seen.last_at
        body = {
            "occurred_at": seen.first_at,
            "type": sort.sighting.type,
            "severity": sort.sighting.severity,
            "method": sort.asked.method,
            "path": sort.asked.route,
            "details": orjson.dumps({name: value for name, value in details.items() if value is not None}).decode(),
            **sort.whence._asdict(),
            "user_agent_family": reduce_agent(seen.agent, touch=False).browser_family,
        }
        return EntryGroup(
            KIND.name,
            zlib.crc32(event_id.encode()) % self._shards,
            seen.first_at,
            sort.org_id,
            sort.who.actor_hash,
            sort.who.epoch,
            0,
            secrets.token_hex(16),
            ((event_id, orjson.dumps(body)),),
        )
