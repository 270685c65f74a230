"""The copy of `privacy.subjects` that requests are judged by, in Redis: one key for each person who ever decided.

In Redis, since it is needed for every event anyway, all API processes see a withdrawal at once there, and PostgreSQL
may be away for minutes. Invariants: a copy never goes back (`changed_at` of the row decides, by a script, since several
processes write); a mark says that the copy is whole, and without it nobody may be judged: an emptied Redis would
otherwise read as if nobody had ever withdrawn anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from telemetry_platform.contracts.consent import ConsentLevel
from telemetry_platform.contracts.subject import SubjectState
from telemetry_platform.errors import ContractViolationError
from telemetry_platform.stores import redis
from telemetry_platform.stores.redis_channel import pack

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from telemetry_platform.stores.redis_channel import RedisChannel

_MARK = b"subjects:complete"
PERSON = "subject:"
"""How the key of a person begins; tenant and subject hash follow."""
_BUILDING_SECONDS = b"3600"
_AT_ONCE = 500

# KEYS: the person's key. ARGV: changed_at; the text, which begins with it.
_PUBLISH = b"""
local held = redis.call('GET', KEYS[1])
local at = held and tonumber(string.match(held, '^%d+'))
if at and at >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
"""
# KEYS: a key that was there when the copying began; the mark, which may be the same. ARGV: the mark's text. Whatever
# emptied Redis meanwhile took the first one too. A mark does not go back.
_COMPLETE = b"""
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if KEYS[1] ~= KEYS[2] then redis.call('DEL', KEYS[1]) end
local held = tonumber(redis.call('GET', KEYS[2]) or '')
if not held or held < tonumber(ARGV[1]) then redis.call('SET', KEYS[2], ARGV[1]) end
return 1
"""


class Seen(NamedTuple):
    """What Redis says of a person; without `complete` the absence of a state means nothing."""

    complete: bool
    state: SubjectState | None


class SeenOfMany(NamedTuple):
    """What Redis says of many persons; without `complete` one who is not among the states may still have one."""

    complete: bool
    states: Mapping[tuple[str, str], SubjectState]


def publish(client: redis.Redis, org_id: str, subject_hash: str, state: SubjectState) -> None:
    """Let all API processes judge by this state from now on, unless they have a newer one: after the commit."""
    with redis.own_errors():
        client.eval(_PUBLISH.decode(), 1, _key(org_id, subject_hash), str(state.changed_at), encode(state))


async def publish_all(channel: RedisChannel, states: Iterable[tuple[str, str, SubjectState]]) -> None:
    """The same for many, from an API process."""
    commands = [
        pack(b"EVAL", _PUBLISH, b"1", _key(org_id, subject_hash), b"%d" % state.changed_at, encode(state))
        for org_id, subject_hash, state in states
    ]
    for start in range(0, len(commands), _AT_ONCE):
        part = commands[start : start + _AT_ONCE]
        _checked(await channel.send(b"".join(part), len(part)))


async def look(channel: RedisChannel, org_id: str, subject_hash: str) -> Seen:
    """What a request is judged by, in one command."""
    ((mark, text),) = _checked(await channel.send(pack(b"MGET", _MARK, _key(org_id, subject_hash)), 1))
    return Seen(mark is not None, None if text is None else decode(text))


async def look_at_many(channel: RedisChannel, persons: Sequence[tuple[str, str]]) -> SeenOfMany:
    """The same of many persons (tenant and subject hash), in one command: as many as a request has events at most."""
    keys = [_key(*person) for person in persons]
    ((mark, *texts),) = _checked(await channel.send(pack(b"MGET", _MARK, *keys), 1))
    held = zip(persons, texts, strict=True)
    return SeenOfMany(mark is not None, {person: decode(text) for person, text in held if text is not None})


async def completed(channel: RedisChannel) -> int | None:
    """The newest `changed_at` of all rows that are known to be copied; None when Redis does not hold the copy."""
    (mark,) = _checked(await channel.send(pack(b"GET", _MARK), 1))
    return int(mark) if mark is not None and mark.isdigit() else None


async def begin(channel: RedisChannel, name: str) -> None:
    """Before the rows are read: `complete` under the same name will fail if Redis loses its data in between."""
    _checked(await channel.send(pack(b"SET", _building(name), b"1", b"EX", _BUILDING_SECONDS), 1))


async def complete(channel: RedisChannel, name: str, changed_at: int) -> bool:
    """Mark the copy as whole up to rows of this `changed_at`; False when Redis was emptied since `begin`."""
    return await _mark(channel, _building(name), changed_at)


async def advance(channel: RedisChannel, changed_at: int) -> bool:
    """Move the mark of a whole copy; False when there is none any more."""
    return await _mark(channel, _MARK, changed_at)


async def _mark(channel: RedisChannel, guard: bytes, changed_at: int) -> bool:
    (reply,) = _checked(await channel.send(pack(b"EVAL", _COMPLETE, b"2", guard, _MARK, b"%d" % changed_at), 1))
    return bool(reply)


def encode(state: SubjectState) -> bytes:
    """As it lies in Redis: the version, a space, JSON of what is not None."""
    known = {
        "l": None if state.level is None else int(state.level),
        "p": None if state.purposes is None else sorted(state.purposes),
        "d": state.decided_at,
        "a": state.purposes_at,
        "o": state.opted_out_at,
        "e": state.erased_at,
        "h": state.held_at,
    }
    return b"%d %b" % (
        state.changed_at,
        orjson.dumps({name: value for name, value in known.items() if value is not None}),
    )


def decode(text: bytes) -> SubjectState:
    """The state. Raises ContractViolationError: who cannot be read is not judged by a guess."""
    version, _, body = text.partition(b" ")
    try:
        known = orjson.loads(body)
        return SubjectState(
            None if (level := known.get("l")) is None else ConsentLevel(level),
            None if (purposes := known.get("p")) is None else frozenset(purposes),
            known.get("d"),
            known.get("a"),
            known.get("o"),
            known.get("e"),
            known.get("h"),
            changed_at=int(version),
        )
    except (ValueError, AttributeError, TypeError):
        raise ContractViolationError(
            "the state of a person in Redis cannot be read: delete `subjects:complete`, it is then copied again"
        ) from None


def _key(org_id: str, subject_hash: str) -> bytes:
    return f"{PERSON}{org_id}:{subject_hash}".encode()


def _building(name: str) -> bytes:
    return f"subjects:building:{name}".encode()


def _checked(replies: list[Any]) -> list[Any]:
    for reply in replies:
        if isinstance(reply, redis.ResponseError):
            raise redis.platform_error(reply)
    return replies
