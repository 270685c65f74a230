"""What a legal hold keeps of a warehouse table, copied before retention deletes the table's expired rows.

Invariant: whoever deletes stands in `stores.holds.nothing_changes` from before this is called until the deletion has
happened: a hold that was placed in between would be too late for its rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform.contracts.held_copies import copied, name_of
from telemetry_platform.processing.calendar_cutoff import cut_off
from telemetry_platform.stores import held_copies, holds
from telemetry_platform.stores.clock import platform_now

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from telemetry_platform.contracts.event_kind import Table
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.warehouse import Warehouse


def preserve(warehouse: Warehouse, conn: Connection, table: Table, cutoff: datetime) -> int:
    """Copy held persons' rows from before the cut-off; how many there are, each with its copy.

    May be repeated: what has a copy gets no other. Nothing is done for a table that holds no persons. Raises
    PermanentError when a row could not be copied: then nothing of the table may be deleted.
    """
    if name_of(table) not in copied():
        return 0
    now, found = platform_now(conn), holds.in_force(conn)
    keepers = [hold.hold_id for hold in found]
    # A person whom two holds are on is counted once, where both know them by the same pseudonyms.
    persons = {(hold.org_id, hold.actors): hold for hold in reversed(found)}
    return sum(held_copies.keep(warehouse, table, hold, cutoff, now, keepers=keepers) for hold in persons.values())


def preserve_expired(warehouse: Warehouse, conn: Connection) -> Mapping[str, int]:
    """Copy what has passed its retention already and is still there, of all tables; how many rows by table."""
    now = platform_now(conn)
    with holds.nothing_changes(conn):
        found = {
            table.name: preserve(warehouse, conn, table, cut_off(table.retention, now)) for table in copied().values()
        }
    return {name: rows for name, rows in found.items() if rows}
