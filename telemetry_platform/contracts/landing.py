"""The entry in the landing queue: the agreement between the API, which writes it, and the drain, which reads it.

One stream per kind and shard, one entry per event. Everything that identifies, sweeps or judges an entry stands beside
the body, so that an entry with an unreadable body can still be counted, erased and dead-lettered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

VERSION = 1
GROUP = "drain"
"""The one consumer group of every landing stream."""

STREAM_PREFIX = "telemetry:landing:"


def stream_name(kind: str, shard: int) -> str:
    """`telemetry:landing:<kind>:<shard>`."""
    return f"{STREAM_PREFIX}{kind}:{shard}"


@dataclass(frozen=True)
class LandingEntry:
    """What the API adds to a stream; every field is text or bytes in Redis, under its own name.

    `received_at` is milliseconds since 1970 (UTC). `body` is one JSON object without line breaks whose keys are the
    columns of the kind's table that travel in the body (times as integer milliseconds). `producer` and `producer_seq`
    number the entries that one API process adds to one stream, from 1 without gaps, so that a loss is seen. `trace_id`
    leads back to the request, or to the dead letter that the entry was made of (`letter_trace`). `source` and
    `source_seq` are what a service's event says of the process that made it and of its number there; empty without.
    """

    kind: str
    event_id: str
    received_at: int
    org_id: str
    actor_hash: str
    key_epoch: int
    consent_level: int
    producer: str
    producer_seq: int
    trace_id: str
    body: bytes
    v: int = VERSION
    source: str = ""
    source_seq: int = 0


_LETTER = re.compile(r"letter-([0-9]{1,18})", re.ASCII)


def letter_trace(number: int) -> str:
    """The trace of an entry that was made of a dead letter."""
    return f"letter-{number}"


def letter_number(trace_id: str) -> int | None:
    """The number of the dead letter that an entry was made of; None for an entry of the API."""
    match = _LETTER.fullmatch(trace_id)
    return int(match[1]) if match else None


FIELDS: tuple[str, ...] = tuple(field.name for field in fields(LandingEntry))
"""Names of an entry's fields."""
SOURCE_FIELDS = ("source", "source_seq")
"""Those that only a service's event has, which says them."""


@dataclass(frozen=True)
class RawEntries:
    """Entries of one stream as they came, in the order of the stream: column by column, so that no object per entry.

    `ids` are the stream's entry ids; `columns` holds one list of values for each of FIELDS, `b""` where an entry has no
    such field.
    """

    ids: list[bytes]
    columns: dict[str, list[bytes]]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def body_bytes(self) -> int:
        """Bytes of all bodies."""
        return sum(map(len, self.columns["body"]))

    def take(self, positions: Iterable[int]) -> RawEntries:
        """The entries at `positions`, in that order."""
        chosen = list(positions)
        return RawEntries(
            [self.ids[position] for position in chosen],
            {name: [values[position] for position in chosen] for name, values in self.columns.items()},
        )

    def runs(self, most: int, max_bytes: int) -> Iterator[RawEntries]:
        """The entries in runs of at most `most`, each ending where its bodies have reached `max_bytes`."""
        first = size = 0
        for position, body in enumerate(self.columns["body"]):
            size += len(body)
            if position - first + 1 == most or size >= max_bytes:
                yield self.take(range(first, position + 1))
                first, size = position + 1, 0
        if first < len(self):
            yield self if first == 0 else self.take(range(first, len(self)))

    @staticmethod
    def joined(parts: Iterable[RawEntries]) -> RawEntries:
        """Several runs of entries as one."""
        whole = RawEntries([], {name: [] for name in FIELDS})
        for part in parts:
            whole.ids.extend(part.ids)
            for name, values in part.columns.items():
                whole.columns[name].extend(values)
        return whole
