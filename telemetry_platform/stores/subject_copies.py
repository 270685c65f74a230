"""Copies in Redis of persons whom PostgreSQL does not know any more: retention removes the row, and the copy after it.

Invariant: a copy whose row is there is never touched, nor one that is newer than what was looked at: a row is committed
before its copy is written, so that a copy without a row is one that was left behind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform.stores import redis
from telemetry_platform.stores.subject_states import PERSON

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from telemetry_platform.stores.postgres import Connection

_AT_ONCE = 1_000
_HASH_LENGTH = 64
# KEYS: the person's key. ARGV: the text that was looked at.
_FORGET = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""


def forget_orphans(client: redis.Redis, conn: Connection) -> int:
    """Remove copies whose row is gone; how many there were."""
    forgotten = 0
    for keys in _pages(client):
        with redis.own_errors():
            texts = client.mget(keys)
        held = {
            person: (key, text)
            for key, text in zip(keys, texts, strict=True)
            if isinstance(text, bytes) and (person := _person(key)) is not None
        }
        known = _known(conn, list(held))
        for person, (key, text) in held.items():
            if person not in known:
                with redis.own_errors():
                    forgotten += int(client.eval(_FORGET, 1, key, text))
    return forgotten


def _pages(client: redis.Redis) -> Iterator[list[bytes]]:
    """Keys of persons, some at a time; one may come twice."""
    cursor = 0
    while True:
        with redis.own_errors():
            cursor, keys = client.scan(cursor, match=f"{PERSON}*", count=_AT_ONCE)
        if keys:
            yield [key for key in keys if isinstance(key, bytes)]
        if not cursor:
            return


def _known(conn: Connection, persons: Sequence[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """Those of the persons who have a row."""
    rows = conn.execute(
        "SELECT s.org_id, s.subject_hash FROM privacy.subjects s "
        "JOIN unnest(%s::text[], %s::text[]) AS asked (org_id, subject_hash) USING (org_id, subject_hash)",
        ([org_id for org_id, _ in persons], [subject_hash for _, subject_hash in persons]),
    ).fetchall()
    return frozenset((row[0], row[1]) for row in rows)


def _person(key: bytes) -> tuple[str, str] | None:
    """Tenant and subject hash of a key; None for another key that begins alike. A tenant may have colons."""
    text = key.decode("utf-8", "replace").removeprefix(PERSON)
    org_id, _, subject_hash = text.rpartition(":")
    return (org_id, subject_hash) if org_id and len(subject_hash) == _HASH_LENGTH else None
