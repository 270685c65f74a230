"""The entry in the landing queue: the agreement between the API, which writes it, and the drain, which reads it.

One stream per kind and shard, one entry per event. Everything that identifies, sweeps or judges an entry stands beside
the body, so that an entry with an unreadable body can still be counted, erased and dead-lettered.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    number the entries that one API process adds to one stream, from 1 without gaps, so that a loss is seen.
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
