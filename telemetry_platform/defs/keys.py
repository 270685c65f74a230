"""Asset keys: where a queue, a table and the drain's heartbeat stand in the graph.

Invariant: a key is derived from a contract's name, so that history survives whatever else changes about a table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from telemetry_platform.contracts.event_kind import EventKind, Table

HEARTBEAT = dg.AssetKey(["operations", "drain_heartbeat"])
"""Materialised by every drain, also by one that found nothing."""


def queue_key(kind: EventKind) -> dg.AssetKey:
    """The landing streams of a kind, all shards together."""
    return dg.AssetKey(["landing", kind.name])


def table_key(table: Table) -> dg.AssetKey:
    """A table at rest: its store, then its name with its schema."""
    return dg.AssetKey([table.store.value, *table.name.split(".")])
