"""Tombstones as the doors ask for them: was this person erased, and when.

Invariants: always asked by tenant and pseudonym together; the tombstone of an erasure that a legal hold keeps back
counts for nothing. Any other counts for as long as its row is there, longer than anything older can arrive. A tombstone
knows the keys of its time: what comes late under a newer one is kept away by the API (`usecases/before_erasure.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from telemetry_platform.stores.postgres import Connection


def of_actors(conn: Connection, actors: Collection[str]) -> Mapping[tuple[str, str], int]:
    """When persons were erased (milliseconds since 1970, the latest time), by tenant and actor pseudonym.

    Where nobody was erased lately it costs one look at an empty table: a batch's pseudonyms are not sent then.
    """
    some = conn.execute("SELECT EXISTS (SELECT FROM privacy.tombstones)").fetchone()
    if not actors or some is None or not some[0]:
        return {}
    rows = conn.execute(
        "SELECT t.org_id, t.actor_hash, floor(extract(epoch FROM max(t.erased_at)) * 1000)::bigint "
        "FROM privacy.tombstones t JOIN privacy.erasures e USING (erasure_id) "
        "WHERE t.actor_hash = ANY(%s) AND e.status <> 'held' GROUP BY t.org_id, t.actor_hash",
        (sorted(actors),),
    ).fetchall()
    return {(org_id, actor_hash): erased_at for org_id, actor_hash, erased_at in rows}


def erased_at(conn: Connection, org_id: str, actor_hash: str) -> int | None:
    """When one person was erased; None for whoever was not."""
    return of_actors(conn, {actor_hash}).get((org_id, actor_hash))
