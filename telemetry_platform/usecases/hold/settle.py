"""Bring the warehouse to what the holds in force say: which tables have a TTL, and whose copies are kept.

Placing and releasing a hold commits in PostgreSQL; what follows from it in ClickHouse is done here, and may be done
again at any time: after a command that was killed, and by every retention run. Invariants: one at a time, by a
database lock; the TTL goes before the first hold has anything to lose, and comes back after the last one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.contracts.held_copies import copied
from telemetry_platform.stores import held_copies, holds

if TYPE_CHECKING:
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.warehouse import Warehouse


@dataclass(frozen=True)
class Settled:
    """What was done: tables whose TTL went or came back, and copies that another hold keeps now or that are gone."""

    ttl_removed: tuple[str, ...] = ()
    ttl_restored: tuple[str, ...] = ()
    handed_on: int = 0
    deleted: int = 0


def settle(warehouse: Warehouse, conn: Connection) -> Settled:
    """Do what is to be done; `conn` commits by itself."""
    with holds.only_settling(conn):
        removed, restored = _settle_ttl(warehouse, held=holds.are_in_force(conn))
        handed_on, deleted = _settle_copies(warehouse, conn)
    return Settled(removed, restored, handed_on, deleted)


def settle_ttl(warehouse: Warehouse, conn: Connection) -> Settled:
    """The TTL alone, which waits for no merge: before anything that must not be kept waiting."""
    with holds.only_settling(conn):
        removed, restored = _settle_ttl(warehouse, held=holds.are_in_force(conn))
    return Settled(removed, restored)


def unsettled(warehouse: Warehouse, conn: Connection) -> list[str]:
    """What is not as the holds in force say; empty when all is. Looks only."""
    held = holds.are_in_force(conn)
    found = []
    for name, table in copied().items():
        has_ttl = held_copies.has_ttl(warehouse, table)
        if held and has_ttl:
            found.append(f"{table.name} has a TTL: merges delete expired rows of held persons before they are copied")
        elif not held and not has_ttl:
            found.append(f"{table.name} has no TTL, and nobody is held")
        copies = held_copies.by_hold(warehouse, name)
        if strangers := holds.strangers(conn, list(copies)):
            count = sum(copies[hold_id] for hold_id in strangers)
            found.append(f"{name} has {count} copies of unknown holds: was PostgreSQL restored from a backup?")
        ended = holds.keepers(conn, list(copies))
        if ended:
            count = sum(copies[hold_id] for hold_id in ended)
            found.append(f"{name} has {count} copies that their hold does not keep any more")
    return found


def _settle_ttl(warehouse: Warehouse, *, held: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    removed, restored = [], []
    for table in copied().values():
        has_ttl = held_copies.has_ttl(warehouse, table)
        if held and has_ttl:
            held_copies.remove_ttl(warehouse, table)
            removed.append(table.name)
        elif not held and not has_ttl:
            held_copies.restore_ttl(warehouse, table)
            restored.append(table.name)
    return tuple(removed), tuple(restored)


def _settle_copies(warehouse: Warehouse, conn: Connection) -> tuple[int, int]:
    """What is past its retention and kept by no hold is deleted; how many copies were handed on, and deleted."""
    handed_on = deleted = 0
    for name in copied():
        counts = held_copies.by_hold(warehouse, name)
        for hold_id, keeper in holds.keepers(conn, list(counts)).items():
            if keeper is None:
                held_copies.delete(warehouse, name, hold_id)
                deleted += counts[hold_id]
            else:
                held_copies.hand_on(warehouse, name, hold_id, keeper)
                handed_on += counts[hold_id]
    return handed_on, deleted
