"""What detection remembers between batches, in Redis: the events of each rule's windows, and the episodes of late.

A window is cut into stretches of its own length, a sorted set each, whose members name events: one that comes twice
counts once. Everything ends by itself soon after nobody adds to it.

Invariants: keys are HMACs under a random key of the day that lies in Redis only and ends in days, so that names of
keys tell nobody's network or account; whatever is kept here may be lost, and costs a detection at most, never an event:
above the share of memory that the landing queue may fill nothing is kept, since the trail's room is not detection's.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import orjson

from telemetry_platform.contracts.detection import Severity
from telemetry_platform.contracts.episodes import Episode, Mark, Step
from telemetry_platform.errors import QueueFullError
from telemetry_platform.stores.redis import own_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from redis import Redis

    from telemetry_platform.contracts.detection import Rule
    from telemetry_platform.settings import RedisSettings

_DAY_MS = 86_400_000
_KEY_BYTES = 32
_KEY_LIFE_MS = 3 * _DAY_MS
_EPISODES_LIFE_MS = 2 * _DAY_MS
# A drain that was down for so long finds the windows that it left.
_LATE_MS = 15 * 60_000
_TOGETHER = 500
_LEAST_ROOM = 1_000


@dataclass(frozen=True)
class Group:
    """Events of one tenant that one rule counts together, `marks` the new ones."""

    rule: Rule
    org_id: str
    value: str = field(repr=False)
    marks: tuple[Mark, ...]

    @cached_property
    def name(self) -> bytes:
        """What its keys are made of."""
        return b"\0".join(part.encode() for part in (self.rule.id, self.org_id, self.value))

    @property
    def width(self) -> int:
        """The length of its rule's window."""
        return self.rule.window_ms

    @cached_property
    def stretches(self) -> frozenset[int]:
        """The stretches of time in which its new events lie."""
        return frozenset(mark.at // self.width for mark in self.marks)

    @cached_property
    def reach(self) -> tuple[int, ...]:
        """These, and their neighbours: new events count in windows that end after them, and with events before them."""
        return tuple(sorted({near for at in self.stretches for near in (at - 1, at, at + 1)}))

    @cached_property
    def days(self) -> range:
        """The days on which an episode that they belong to can have been seen last."""
        quiet = self.rule.quiet_ms
        moments = [mark.at for mark in self.marks]
        return range((min(moments) - quiet) // _DAY_MS, (max(moments) + quiet) // _DAY_MS + 1)

    def with_known(self, known: Stretches) -> tuple[Mark, ...]:
        """All events, each once: as it was seen first."""
        found = {mark.event: mark for mark in sorted(self.marks, reverse=True)}
        for stretch in known.values():
            found |= stretch
        return tuple(found.values())


@dataclass(frozen=True)
class Known:
    """The late episodes of a group and their ids, by beginning."""

    episodes: Mapping[int, Episode]
    ids: Mapping[int, UUID]


Stretches = Mapping[int, Mapping[str, Mark]]
"""Events of a group that Redis holds, by the stretch of time in which they lie, by their ids."""
After = tuple[Group, Known, Sequence[Episode]]
"""A group, the episodes that were known of it, and those that there are now."""
_Each = TypeVar("_Each")


class DetectionWindows:
    """The windows and episodes of all rules. `random_bytes` makes the keys of the days."""

    def __init__(self, client: Redis, settings: RedisSettings, random_bytes: Callable[[int], bytes]) -> None:
        self._client = client
        self._settings = settings
        self._random_bytes = random_bytes
        self._keys: dict[int, bytes] = {}
        self._hidden: dict[tuple[bytes, int], bytes] = {}

    def read(self, groups: Sequence[Group]) -> list[Stretches]:
        """The events of each group that were known before its new ones."""
        self._learn_keys({day for group in groups for day in _days_of_keys(group)})
        found: list[Stretches] = []
        for some in _in_parts(groups):
            answers = iter(self._answers(some, self._ask_marks))
            found += [{stretch: _marks(next(answers)) for stretch in group.reach} for group in some]
        return found

    def episodes(self, groups: Sequence[Group]) -> list[Known]:
        """The late episodes of each group; their windows were read before."""
        found: list[Known] = []
        for some in _in_parts(groups):
            answers = iter(self._answers(some, self._ask_episodes))
            found += [_known([next(answers) for _ in group.days]) for group in some]
        return found

    def write(self, marks: Sequence[tuple[Group, Stretches]], episodes: Sequence[After]) -> None:
        """Keep the new events, and the episodes as they are after them, where there is memory for it."""
        if self._is_full():
            return
        # What was decided stands, whether or not the next batch will know of it.
        with suppress(QueueFullError):
            for some in _in_parts(marks):
                self._answers(some, self._keep_marks)
            for after in _in_parts(episodes):
                self._answers(after, self._keep_episodes)

    def episode_id(self, group: Group, known: Known, episode: Episode) -> UUID:
        """The identity of an episode: made of its rule, its group and its beginning, under the key of that day."""
        kept = known.ids.get(episode.began_at)
        if kept is not None:
            return kept
        day = episode.began_at // _DAY_MS
        self._learn_keys({day})
        message = b"%b\0%d" % (group.name, episode.began_at)
        raw = bytearray(hmac.digest(self._keys[day], message, hashlib.sha256)[:16])
        raw[6] = raw[6] & 0x0F | 0x80  # version 8: made by a rule of our own (RFC 9562)
        raw[8] = raw[8] & 0x3F | 0x80
        return UUID(bytes=bytes(raw))

    def _answers(self, some: Sequence[_Each], ask: Callable[[Any, _Each], None]) -> list[Any]:
        """What Redis answers to what is asked about each, in one round trip."""
        with own_errors():
            pipe = self._client.pipeline(transaction=False)
            for each in some:
                ask(pipe, each)
            return pipe.execute()

    def _ask_marks(self, pipe: Any, group: Group) -> None:  # noqa: ANN401 - the driver's pipeline has no type of its own
        for stretch in group.reach:
            pipe.zrange(self._window(group, stretch), 0, -1, withscores=True)

    def _ask_episodes(self, pipe: Any, group: Group) -> None:  # noqa: ANN401 - as above
        for day in group.days:
            pipe.get(self._episodes(group, day))

    def _keep_marks(self, pipe: Any, each: tuple[Group, Stretches]) -> None:  # noqa: ANN401 - as above
        """Add the events that are new to their stretches, as far as these have room: what is more changes nothing."""
        group, known = each
        room = max(_LEAST_ROOM, 2 * group.rule.thresholds[-1][1])
        there = {event for stretch in known.values() for event in stretch}
        for stretch in sorted(group.stretches):
            fresh = sorted(mark for mark in group.marks if mark.at // group.width == stretch)
            left = max(0, room - len(known[stretch]))
            if fresh := [mark for mark in fresh if mark.event not in there][:left]:
                name = self._window(group, stretch)
                pipe.zadd(name, {_member(mark): mark.at for mark in fresh}, nx=True)
                pipe.pexpire(name, 2 * group.width + _LATE_MS)

    def _keep_episodes(self, pipe: Any, each: After) -> None:  # noqa: ANN401 - as above
        """Episodes that changed, under the day on which they were seen last."""
        group, known, episodes = each
        by_day: dict[int, list[Episode]] = {}
        changed = set()
        for episode in episodes:
            day = episode.last_at // _DAY_MS
            by_day.setdefault(day, []).append(episode)
            if known.episodes.get(episode.began_at) != episode:
                changed.add(day)
        for day in sorted(changed & set(group.days)):
            text = orjson.dumps([_written(one, self.episode_id(group, known, one)) for one in by_day[day]])
            pipe.set(self._episodes(group, day), text, px=_EPISODES_LIFE_MS)

    def _window(self, group: Group, stretch: int) -> bytes:
        day = stretch * group.width // _DAY_MS
        return b"detection:window:%b:%d" % (self._hide(group, day), stretch)

    def _episodes(self, group: Group, day: int) -> bytes:
        return b"detection:episodes:%b" % self._hide(group, day)

    def _hide(self, group: Group, day: int) -> bytes:
        hidden = self._hidden.get((group.name, day))
        if hidden is None:
            digest = hmac.digest(self._keys[day], group.name, hashlib.sha256)
            hidden = self._hidden[group.name, day] = digest[:16].hex().encode()
        return hidden

    def _learn_keys(self, days: Iterable[int]) -> None:
        """The keys of these days; the first who asks for a day makes its key."""
        missing = sorted(set(days) - self._keys.keys())
        if not missing:
            return
        made = {day: self._random_bytes(_KEY_BYTES) for day in missing}
        with own_errors():
            pipe = self._client.pipeline(transaction=False)
            for day in missing:
                pipe.set(b"detection:key:%d" % day, made[day], nx=True, get=True, px=_KEY_LIFE_MS)
            for day, kept in zip(missing, pipe.execute(), strict=True):
                self._keys[day] = kept or made[day]

    def _is_full(self) -> bool:
        """Whether the server holds as much as the landing queue may fill."""
        with own_errors():
            info: Any = self._client.info("memory")
        limit = self._settings.maxmemory_bytes or int(info.get("maxmemory", 0))
        return bool(limit) and int(info["used_memory"]) >= limit * self._settings.max_fill


def _in_parts(whole: Sequence[_Each]) -> Iterator[Sequence[_Each]]:
    for start in range(0, len(whole), _TOGETHER):
        yield whole[start : start + _TOGETHER]


def _days_of_keys(group: Group) -> set[int]:
    return {stretch * group.width // _DAY_MS for stretch in group.reach} | set(group.days)


def _member(mark: Mark) -> bytes:
    return f"{mark.event}|{mark.weight}|{mark.value}".encode()


def _marks(members: Iterable[tuple[bytes, float]]) -> dict[str, Mark]:
    found: dict[str, Mark] = {}
    for member, at in members:
        event, weight, value = member.decode().split("|", 2)
        found[event] = Mark(int(at), event, int(weight), value)
    return found


def _written(episode: Episode, episode_id: UUID) -> list[Any]:
    steps = [[step.severity.value, step.at, step.first_at, step.measure, *step.values] for step in episode.steps]
    return [str(episode_id), episode.began_at, episode.last_at, steps]


def _known(days: Iterable[bytes | None]) -> Known:
    """An episode that went on past midnight lies under both days: the newer copy knows more."""
    episodes: dict[int, Episode] = {}
    ids: dict[int, UUID] = {}
    for text in days:
        for episode_id, began_at, last_at, steps in orjson.loads(text or b"[]"):
            ids[began_at] = UUID(episode_id)
            read = tuple(
                Step(Severity(severity), at, first_at, measure, tuple(values))
                for severity, at, first_at, measure, *values in steps
            )
            older = episodes.get(began_at)
            if older is None or older.last_at <= last_at:
                episodes[began_at] = Episode(began_at, last_at, read)
    return Known(episodes, ids)
