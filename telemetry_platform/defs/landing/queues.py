"""The landing streams as external assets: the API fills them, Dagster only sees how much waits and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from telemetry_platform.contracts.landing import GROUP, stream_name
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.defs.keys import queue_key

if TYPE_CHECKING:
    from telemetry_platform.contracts.event_kind import EventKind


def queue_specs() -> tuple[dg.AssetSpec, ...]:
    """One external asset for each kind."""
    return tuple(_spec(kind) for kind in kinds().values())


def streams(shards: int) -> dict[str, EventKind]:
    """Every landing stream there is with that many shards, and its kind."""
    return {stream_name(kind.name, shard): kind for kind in kinds().values() for shard in range(shards)}


def _spec(kind: EventKind) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=queue_key(kind),
        description=(
            f"{kind.description} Reduced by the API before they get here: pseudonyms, truncated addresses, scrubbed "
            f"text.\n\n- **Streams**: `{stream_name(kind.name, 0)}` and one more for each further shard\n"
            f"- **Consumer group**: `{GROUP}`\n"
            f"- **Freshness**: an entry waits {int(kind.freshness.total_seconds() // 60)} minutes at most\n"
        ),
        metadata={"freshness_seconds": kind.freshness.total_seconds(), "contract_version": kind.version},
        group_name="landing",
        owners=[kind.table.owner.value],
        tags={"kind": kind.name},
        kinds={"redis", "stream"},
    )
