"""The drain's heartbeat: materialised by every drain, whether it found anything or not.

The freshness policy sits here and not on the tables: a quiet night would turn every table red and prove nothing.
"""

from __future__ import annotations

from datetime import timedelta

import dagster as dg

from telemetry_platform.contracts.owners import Owner
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.defs.keys import HEARTBEAT, queue_key


def heartbeat_spec() -> dg.AssetSpec:
    """What says that the queue is being drained at all."""
    return dg.AssetSpec(
        key=HEARTBEAT,
        deps=[queue_key(kind) for kind in kinds().values()],
        description=(
            "Every drain that came to its end: batches, entries, drops by reason, lag. Drains are asked for by the "
            "sensor when entries wait, and every half hour when none do, so that an hour without one means that the "
            "path from the queue to the tables stands still.\n\n"
            "- **entries_by_table**: stored, duplicates of what is stored, id conflicts (a known id, other content), "
            "too late, dead-lettered: with the missing ones they add up to the entries drained\n"
            "- **entries_missing**: claimed by an earlier drain and gone from the stream since\n"
            "- **events_dropped_by_api**: not taken, for the reasons in **drops_by_reason**, and only counted\n"
            "- **queue_lag_seconds**: age of the oldest entry still in any stream at the end\n"
        ),
        group_name="operations",
        owners=[Owner.DATA.value],
        kinds={"dagster"},
        # A drain lives ten minutes and quiet ones come every thirty: the longest honest silence is forty.
        freshness_policy=dg.FreshnessPolicy.time_window(
            fail_window=timedelta(minutes=75), warn_window=timedelta(minutes=45)
        ),
    )
