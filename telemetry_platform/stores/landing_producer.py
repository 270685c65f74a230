"""The landing queue as the API sees it: all entries of a request are added in one MULTI, or none is.

Invariants: the entries that one producer adds to one stream are numbered from 1 without gaps, in the order in which
Redis gets them: a number that the drain never sees is a lost entry. When it is unknown what Redis took, this process
goes on as another producer, so that a failed request is no gap. Entries are encoded by hand from a head that a
request's entries share: the driver would take longer for one entry than the rest of the request takes.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from telemetry_platform.contracts.landing import VERSION, stream_name
from telemetry_platform.errors import TransientError, UnknownOutcomeError
from telemetry_platform.stores.redis import ResponseError, platform_error
from telemetry_platform.stores.redis_channel import pack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from telemetry_platform.stores.redis_channel import RedisChannel

_MULTI = pack(b"MULTI")
_EXEC = pack(b"EXEC")
# 1 local file; how long to wait for it, in milliseconds.
_WAITAOF = pack(b"WAITAOF", b"1", b"0", b"1500")
# XADD, stream, *, and a name and a value for each of the 12 fields that every entry has.
_ARGUMENTS = 27
_OF_A_SOURCE = 4
"""Two more names and values, of an entry whose event was numbered by its service."""


@dataclass(frozen=True)
class EntryGroup:
    """Entries of one request for one stream that differ in id and body only (see `contracts.landing.LandingEntry`).

    `sources` holds, by place in `events`, the process that made an event and its number there, where it says so.
    """

    kind: str
    shard: int
    received_at: int
    org_id: str
    actor_hash: str
    key_epoch: int
    consent_level: int
    trace_id: str
    events: Sequence[tuple[str, bytes]]
    sources: Mapping[int, tuple[str, int]] = field(default_factory=dict)


def _head(group: EntryGroup, stream: bytes, producer: bytes, count: int = _ARGUMENTS) -> bytes:
    """What all entries of a group begin with: everything up to the name of the field `event_id`."""
    fields = (
        (b"v", b"%d" % VERSION),
        (b"kind", group.kind.encode()),
        (b"received_at", b"%d" % group.received_at),
        (b"org_id", group.org_id.encode()),
        (b"actor_hash", group.actor_hash.encode()),
        (b"key_epoch", b"%d" % group.key_epoch),
        (b"consent_level", b"%d" % group.consent_level),
        (b"producer", producer),
        (b"trace_id", group.trace_id.encode()),
    )
    parts = (b"XADD", stream, b"*", *(part for pair in fields for part in pair), b"event_id")
    return b"*%d\r\n" % count + _bulk(parts)


def _bulk(parts: Iterable[bytes]) -> bytes:
    return b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)


class LandingProducer:
    """Adds entries, as a producer with a name of its own; `new_name` gives another one."""

    def __init__(self, channel: RedisChannel, new_name: Callable[[], str]) -> None:
        self._channel = channel
        self._new_name = new_name
        self._producer = new_name().encode()
        self._numbers: defaultdict[bytes, int] = defaultdict(int)

    async def add(self, groups: Sequence[EntryGroup], *, durable: bool) -> int:
        """Add all entries; how many. `durable` waits until the server's file is on disk (audit entries).

        Raises UnknownOutcomeError when some or all may have been taken: the answer did not come, the file is not on
        disk, or a command failed within the transaction, which Redis does not roll back. After every other error
        nothing was.
        """
        count = sum(len(group.events) for group in groups)
        if not count:
            return 0
        used: list[bytes] = []

        def encode() -> bytes:
            used.append(self._producer)
            return self._encode(groups, durable=durable)

        taken = False
        try:
            replies = await self._sent(encode, count + (3 if durable else 2), used)
            _check(replies, durable=durable)
            taken = True
        finally:
            if not taken and used and used[0] is self._producer:
                self._producer = self._new_name().encode()
                self._numbers.clear()
        return count

    async def _sent(self, encode: Callable[[], bytes], replies: int, used: Sequence[bytes]) -> list[Any]:
        try:
            return await self._channel.send_when_ready(encode, replies)
        except TransientError as error:
            # What was never encoded cannot have arrived.
            raise UnknownOutcomeError(str(error)) if used else error from None

    def _encode(self, groups: Sequence[EntryGroup], *, durable: bool) -> bytes:
        parts = [_MULTI]
        for group in groups:
            stream = stream_name(group.kind, group.shard).encode()
            head = _head(group, stream, self._producer)
            number = self._numbers[stream]
            for place, (event_id, body) in enumerate(group.events):
                number += 1
                text = b"%d" % number
                if place in group.sources:
                    # Few entries have one: the others' share of the work does not grow.
                    parts.append(_sourced(group, stream, self._producer, place, text))
                    continue
                parts.append(
                    b"%b$36\r\n%b\r\n$12\r\nproducer_seq\r\n$%d\r\n%b\r\n$4\r\nbody\r\n$%d\r\n%b\r\n"
                    % (head, event_id.encode(), len(text), text, len(body), body)
                )
            self._numbers[stream] = number
        parts.append(_EXEC)
        if durable:
            parts.append(_WAITAOF)
        return b"".join(parts)


def _sourced(group: EntryGroup, stream: bytes, producer: bytes, place: int, number: bytes) -> bytes:
    """An entry whose event says which process made it, and its number there."""
    event_id, body = group.events[place]
    source, source_seq = group.sources[place]
    fields = (
        *(event_id.encode(), b"producer_seq", number, b"source", source.encode(), b"source_seq", b"%d" % source_seq),
        *(b"body", body),
    )
    return _head(group, stream, producer, _ARGUMENTS + _OF_A_SOURCE) + _bulk(fields)


def _check(replies: Sequence[Any], *, durable: bool) -> None:
    """Raise when any command of the transaction was refused, or the file is not on disk."""
    executed = replies[-2] if durable else replies[-1]
    if isinstance(executed, ResponseError):
        # An error while queueing says why; EXEC then only says that it gave up.
        raise platform_error(next(reply for reply in replies if isinstance(reply, ResponseError)))
    after = (*executed, replies[-1]) if durable else executed
    for reply in after:
        if isinstance(reply, ResponseError):
            raise UnknownOutcomeError(str(platform_error(reply)))
    if durable and replies[-1][0] < 1:
        raise UnknownOutcomeError("Redis did not sync its append-only file in time: check its disk, then try again")
