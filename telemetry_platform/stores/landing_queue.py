"""The landing queue as the drain sees it: read in runs, acknowledged only after the store has it.

Invariants: an entry leaves the stream by XACK and XDEL in one MULTI, so that the length of a stream is its backlog. All
drains read as one consumer, because the lease allows one of them at a time: what a killed drain had claimed is its
successor's pending list, and nothing is lost between claiming and the commit of the batch. `backlog` only counts.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from telemetry_platform.contracts.landing import FIELDS, GROUP, LandingEntry, RawEntries
from telemetry_platform.stores import redis as driver

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from redis import Redis

CONSUMER = "drain"
_READ = 2_000
# A first look at streams of which nothing is known: 300 frames of movement are 200 KB.
_FIRST_READ = 200
# Commands of an acknowledgement stay small enough that the server answers others in between.
_ACKNOWLEDGE = 5_000

_Raw = tuple[bytes, "list[bytes] | None"]


@dataclass(frozen=True)
class Backlog:
    """How many entries wait in a stream, and since when the oldest of them does."""

    entries: int
    oldest_age_seconds: float


class LandingQueue:
    """The streams, through a client that belongs to the queue alone (its answers are left unparsed)."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        for command in ("XREADGROUP", "XRANGE"):
            # The driver would make a dictionary of every entry.
            client.set_response_callback(command, lambda response, **_: response)

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def ensure_group(self, stream: str) -> None:
        """Make the group where it is missing, from the stream's beginning: what is there already is backlog."""
        with driver.own_errors():
            try:
                self._client.xgroup_create(stream, GROUP, id="0", mkstream=True)
            except driver.ResponseError as error:
                if not str(error).startswith("BUSYGROUP"):
                    raise

    def read_new(
        self, streams: Sequence[str], *, count: int, max_bytes: int, block_ms: int | None
    ) -> dict[str, RawEntries]:
        """Claim entries that nobody has: of each stream up to `count`, or until their bodies reach `max_bytes`.

        Waits up to `block_ms` for the first one of any stream; None does not wait. Streams without new entries are
        missing in the answer.
        """
        first = self._claim(streams, min(count, _FIRST_READ), block_ms)
        return {stream: self._fill(stream, part, count, max_bytes) for stream, part in first.items()}

    def top_up(self, stream: str, entries: RawEntries, *, count: int, max_bytes: int) -> RawEntries:
        """The entries and what has come since, within the same limits."""
        return RawEntries.joined([entries, self._fill(stream, RawEntries.joined([]), count - len(entries), max_bytes)])

    def _fill(self, stream: str, first: RawEntries, count: int, max_bytes: int) -> RawEntries:
        """Go on reading where the last read was full: there may be more."""
        parts = [first]
        missing, room, wanted = count - len(first), max_bytes - first.body_bytes, min(count, _FIRST_READ)
        while missing > 0 and room > 0 and (len(parts[-1]) == wanted or not len(first)):
            # As many as fit, by the size of what came so far; of a stream that has shown nothing yet, few.
            mean = (max_bytes - room) // (count - missing) if count > missing else max_bytes // _FIRST_READ
            wanted = min(missing, _READ, room // max(mean, 1) + 1)
            part = self._claim([stream], wanted, None).get(stream)
            if part is None:
                break
            parts.append(part)
            missing -= len(part)
            room -= part.body_bytes
        return parts[0] if len(parts) == 1 else RawEntries.joined(parts)

    def read_pending(self, stream: str) -> tuple[RawEntries, list[bytes]]:
        """Entries that were claimed and never acknowledged, and ids of those among them that are gone."""
        parts: list[RawEntries] = []
        gone: list[bytes] = []
        after: str | bytes = "0"
        while True:
            found = self._read_group([stream], [after], _READ, None).get(stream)
            if not found:
                return RawEntries.joined(parts), gone
            parts.append(_columns([entry for entry in found if entry[1] is not None]))
            gone += [entry_id for entry_id, fields in found if fields is None]
            after = found[-1][0]

    def read_ids(self, stream: str, entry_ids: Sequence[bytes]) -> RawEntries:
        """These entries, wherever they are in the stream; those that are gone are missing in the answer."""
        parts: list[RawEntries] = []
        for start in range(0, len(entry_ids), _READ):
            with driver.own_errors():
                pipe = self._client.pipeline(transaction=False)
                for entry_id in entry_ids[start : start + _READ]:
                    pipe.xrange(stream, entry_id, entry_id)
                answers = pipe.execute()
            parts.append(_columns([entry for answer in answers for entry in _pairs(answer)]))
        return RawEntries.joined(parts)

    def acknowledge(self, stream: str, entry_ids: Sequence[bytes]) -> None:
        """Take entries out of the stream: the stores have them."""
        for start in range(0, len(entry_ids), _ACKNOWLEDGE):
            ids = entry_ids[start : start + _ACKNOWLEDGE]
            with driver.own_errors():
                pipe = self._client.pipeline(transaction=True)
                pipe.xack(stream, GROUP, *ids)
                pipe.xdel(stream, *ids)
                pipe.execute()

    def requeue(self, stream: str, entry: LandingEntry) -> None:
        """Add an entry at the end of the stream."""
        fields: dict[Any, Any] = asdict(entry)
        with driver.own_errors():
            self._client.xadd(stream, fields)

    def length(self, stream: str) -> int:
        """Entries in the stream, claimed or not."""
        with driver.own_errors():
            return int(self._client.xlen(stream))

    def now(self) -> datetime:
        """The server's clock: the ids of entries are made from it."""
        with driver.own_errors():
            return _redis_time(self._client.time())

    def _claim(self, streams: Sequence[str], count: int, block_ms: int | None) -> dict[str, RawEntries]:
        """New entries of several streams, for those that have any."""
        answer = self._read_group(streams, [">"] * len(streams), count, block_ms)
        return {stream: _columns(entries) for stream, entries in answer.items() if entries}

    def _read_group(
        self, streams: Sequence[str], after: Sequence[str | bytes], count: int, block_ms: int | None
    ) -> dict[str, list[_Raw]]:
        positions: dict[Any, Any] = dict(zip(streams, after, strict=True))

        def read() -> Any:  # noqa: ANN401 - the shape depends on the protocol version
            return self._client.xreadgroup(GROUP, CONSUMER, positions, count=count, block=block_ms)

        with driver.own_errors():
            try:
                answer = read()
            except driver.ResponseError as error:
                # The server was emptied while we ran: groups are made anew, and nothing is lost that was there.
                if not str(error).startswith("NOGROUP"):
                    raise
                for stream in streams:
                    self.ensure_group(stream)
                answer = read()
        return _by_stream(answer)


def _order(entry_id: bytes) -> tuple[int, int]:
    """Entry ids in the order of the stream."""
    milliseconds, _, number = entry_id.partition(b"-")
    return int(milliseconds), int(number)


def _by_stream(answer: Any) -> dict[str, list[_Raw]]:  # noqa: ANN401 - the shape depends on the protocol version
    """The entries of each stream; protocols 2 and 3 wrap them differently."""
    pairs = answer.items() if isinstance(answer, dict) else (answer or ())
    return {stream.decode(): _pairs(entries) for stream, entries in pairs}


def _pairs(entries: Iterable[Any]) -> list[_Raw]:
    return [(entry[0], entry[1]) for entry in entries]


def _columns(entries: list[_Raw]) -> RawEntries:
    """Entries as columns. Those whose fields stand in the order of the first one are turned at once."""
    ids = [entry_id for entry_id, _ in entries]
    rows = [fields or [] for _, fields in entries]
    if not rows:
        return RawEntries([], {name: [] for name in FIELDS})
    names = rows[0][::2]
    alike = len(set(map(len, rows))) == 1
    turned = list(zip(*rows, strict=True)) if alike else []
    if alike and all(turned[2 * place].count(name) == len(rows) for place, name in enumerate(names)):
        values = {name.decode("utf-8", "replace"): list(turned[2 * place + 1]) for place, name in enumerate(names)}
    else:
        loose = [dict(zip(row[::2], row[1::2], strict=False)) for row in rows]
        values = {name: [row.get(name.encode(), b"") for row in loose] for name in FIELDS}
    return RawEntries(ids, {name: values.get(name) or [b""] * len(ids) for name in FIELDS})


def _redis_time(answer: Any) -> datetime:  # noqa: ANN401 - seconds and microseconds, as the driver gives them
    return datetime.fromtimestamp(int(answer[0]) + int(answer[1]) / 1_000_000, UTC)


def backlog(client: Redis, streams: Sequence[str]) -> Mapping[str, Backlog]:
    """How much waits in each stream, in one round trip. Counts only: nothing is claimed."""
    with driver.own_errors():
        pipe = client.pipeline(transaction=False)
        pipe.time()
        for stream in streams:
            pipe.xlen(stream)
            pipe.xrange(stream, count=1)
        answers = pipe.execute()
    now = _redis_time(answers[0])
    found: dict[str, Backlog] = {}
    for place, stream in enumerate(streams):
        oldest = [entry[0] for entry in answers[2 + 2 * place]]
        age = (
            (now - datetime.fromtimestamp(_order(_bytes(oldest[0]))[0] / 1000, UTC)).total_seconds() if oldest else 0.0
        )
        found[stream] = Backlog(int(answers[1 + 2 * place]), max(0.0, age))
    return found


def _bytes(entry_id: str | bytes) -> bytes:
    return entry_id.encode() if isinstance(entry_id, str) else entry_id
