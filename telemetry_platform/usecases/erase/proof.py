"""Whether erased persons are gone: every swept table, for every erasure that was certified and whose tombstone stands.

Invariant: pseudonyms travel beside a statement, never in its text; what cannot be counted raises.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.stores import erasure_counts, erasures, rows_from_before
from telemetry_platform.usecases.erase.sweep import LETTERS, SECURITY, swept

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.warehouse import Warehouse


@dataclass(frozen=True)
class Proof:
    """Rows that are left, by table, of so many erasures."""

    erasures: int
    rows: Mapping[str, int]


def rows_of_erased(conn: Connection, warehouse: Warehouse, now: datetime) -> Proof:
    """Count what is left of everybody whose erasure was certified."""
    ended = {one.erasure_id for one in erasures.certified(conn)}
    by_erasure: dict[tuple[str, datetime], list[str]] = {}
    counted = set()
    for stone in erasures.tombstones(conn, now=now):
        if stone.erasure_id in ended:
            by_erasure.setdefault((stone.org_id, stone.erased_at), []).append(stone.actor_hash)
            counted.add(stone.erasure_id)
    rows = {table.name: 0 for table, _ in swept()} | {LETTERS: 0, SECURITY: 0}
    for (org_id, erased_at), actors in by_erasure.items():
        for table, column in swept():
            rows[table.name] += rows_from_before.count_named(warehouse, table, column, org_id, actors, erased_at)
        rows[LETTERS] += erasure_counts.letters(conn, org_id, actors, erased_at)
        rows[SECURITY] += erasure_counts.linked(conn, org_id, actors, erased_at)
    return Proof(len(counted), rows)
