"""Tombstones as the doors ask for them: was this person erased, and when.

Invariants: always asked by tenant and pseudonym together; the tombstone of an erasure that a legal hold keeps back
counts for nothing, also when the hold came after the request: what was queued by then is held too. Any other counts for
as long as its row is there, longer than anything older can arrive. A tombstone knows the keys of its time: what comes
late under a newer one is kept away by the API (`usecases/before_erasure.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from telemetry_platform.stores.postgres import Connection

# Of a tombstone `t` and its erasure `e`. What is swept to its end stays so: a later hold keeps nothing back.
IN_FORCE = (
    "(e.status IN ('erased', 'certified') OR e.status <> 'held' AND NOT EXISTS (SELECT FROM privacy.legal_holds h "
    "WHERE h.org_id = t.org_id AND h.subject_hash = t.subject_hash AND h.released_at IS NULL))"
)


def of_actors(conn: Connection, actors: Collection[str]) -> Mapping[tuple[str, str], int]:
    """When persons were erased (milliseconds since 1970, the latest time), by tenant and actor pseudonym.

    Where nobody was erased lately it costs one look at an empty table: a batch's pseudonyms are not sent then.
    """
    some = conn.execute("SELECT EXISTS (SELECT FROM privacy.tombstones)").fetchone()
    if not actors or some is None or not some[0]:
        return {}
    rows = conn.execute(
        "SELECT t.org_id, t.actor_hash, floor(extract(epoch FROM max(t.erased_at)) * 1000)::bigint "  # noqa: S608 - a constant
        "FROM privacy.tombstones t JOIN privacy.erasures e USING (erasure_id) "
        f"WHERE t.actor_hash = ANY(%s) AND {IN_FORCE} GROUP BY t.org_id, t.actor_hash",
        (sorted(actors),),
    ).fetchall()
    return {(org_id, actor_hash): erased_at for org_id, actor_hash, erased_at in rows}


def erased_at(conn: Connection, org_id: str, actor_hash: str) -> int | None:
    """When one person was erased; None for whoever was not."""
    return of_actors(conn, {actor_hash}).get((org_id, actor_hash))
