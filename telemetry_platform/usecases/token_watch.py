"""What verified tokens do that no page of ours does: come from a second network, or ask without pause.

Invariants: a request is only ever counted in passing; nothing here waits or fails one. Services are not looked at: they
send from many places, and as much as they have. What is kept of a token in this process is a digest, and of a person
their pseudonym.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from telemetry_platform.contracts.sightings import INGEST_BUSY, TOKEN_ELSEWHERE
from telemetry_platform.stores.token_places import REMEMBERED_MS, TokenUse
from telemetry_platform.usecases.watch import Asked, Whence

if TYPE_CHECKING:
    from collections.abc import Callable

    from telemetry_platform.stores.session_pins import Pin
    from telemetry_platform.stores.token_places import TokenPlaces
    from telemetry_platform.usecases.watch import Watch

BUSY_REQUESTS = 50
"""So many requests of one person to one process within _BUSY_MS are told."""
_BUSY_MS = 5_000
_MOST_PERSONS = 50_000
_MOST_KNOWN = 20_000
_MOST_WAITING = 500
_MOST_OTHERS = 4
# Told again well before Redis forgets it.
_AGAIN_MS = REMEMBERED_MS // 6
_NO_QUESTION = Asked()


@dataclass(frozen=True)
class Bearer:
    """Whose token it is: a digest of the token, the tenant and the person's pseudonym."""

    digest: bytes = field(repr=False)
    org_id: str
    who: Pin


class TokenWatch:
    """Of one process."""

    def __init__(self, watch: Watch, places: TokenPlaces) -> None:
        self._watch = watch
        self._places = places
        self._known: OrderedDict[tuple[bytes, str], int] = OrderedDict()
        self._waiting: list[tuple[Bearer, TokenUse]] = []
        self._requests: dict[int, int] = {}
        self._since = 0

    def used(self, digest: bytes, person: int, network: str | None, now_ms: int, bearer: Callable[[], Bearer]) -> None:
        """A request came with a verified token; `person` tells persons apart within this process.

        `bearer` is asked for in the rare case that there is something to tell.
        """
        if now_ms - self._since >= _BUSY_MS or len(self._requests) >= _MOST_PERSONS:
            self._requests.clear()
            self._since = now_ms
        self._requests[person] = requests = self._requests.get(person, 0) + 1
        if requests % BUSY_REQUESTS == 0:
            of = bearer()
            self._watch.note(
                INGEST_BUSY,
                Whence(network),
                _NO_QUESTION,
                now_ms=now_ms,
                org_id=of.org_id,
                who=of.who,
                count=BUSY_REQUESTS,
            )
        if network is None or now_ms - self._known.get((digest, network), -_AGAIN_MS) < _AGAIN_MS:
            return
        if len(self._waiting) < _MOST_WAITING:
            self._known[digest, network] = now_ms
            self._known.move_to_end((digest, network))
            if len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
            self._waiting.append((bearer(), TokenUse(digest, network, now_ms)))

    async def flush(self) -> None:
        """Ask where the tokens were before. Raises PlatformError and keeps them when Redis does not answer."""
        if not self._waiting:
            return
        asked = tuple(self._waiting)
        found = await self._places.note([use for _, use in asked])
        del self._waiting[: len(asked)]
        for (bearer, use), elsewhere in zip(asked, found, strict=True):
            if elsewhere is None:
                continue
            for network in (use.network, *elsewhere.others[:_MOST_OTHERS]):
                self._watch.note(
                    TOKEN_ELSEWHERE,
                    Whence(network),
                    _NO_QUESTION,
                    now_ms=use.at,
                    org_id=bearer.org_id,
                    who=bearer.who,
                    token=elsewhere.fingerprint,
                )
