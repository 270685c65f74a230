"""What must be true of what is not stored: rejects are rare, table by table.

Invariants: counted in the drain's ledger and in the dead letters, where they rest; a count that fails raises; names of
reasons and counts, nothing of an event.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from telemetry_platform.contracts.registry import kinds
from telemetry_platform.defs.keys import table_key
from telemetry_platform.defs.landing.queues import streams
from telemetry_platform.defs.resources import PlatformResource
from telemetry_platform.defs.safe_errors import safely
from telemetry_platform.stores.rejects import Rejects, recent_rejects

RARE = "rejects_are_rare"
_WINDOW = timedelta(hours=24)
_OFTEN = 10
"""So many times the allowed share is no client's bug any more, but an incident."""
_SENTENCE = (
    "Of the entries of the last 24 hours hardly any could not be stored: dead-lettered ones and other events under a "
    "known id together stay within the share that TELEMETRY_DRAIN__REJECT_RATIO allows. Counted are entries that the "
    "API took and the drain judged. What the API refuses (4xx) is answered and never taken: it is counted in its "
    "`/metrics` alone. A batch that is invalid for the most part stops the drain, and shows as a failed run and as "
    "entries that wait (`queue_is_drained`)."
)


@dg.multi_asset_check(
    name="check_rejects",
    specs=[dg.AssetCheckSpec(RARE, asset=table_key(kind.table), description=_SENTENCE) for kind in kinds().values()],
    can_subset=True,
)
@safely
def check_rejects(context: dg.AssetCheckExecutionContext, platform: PlatformResource) -> Iterator[dg.AssetCheckResult]:
    """Count in PostgreSQL; also for tables that no drain touched."""
    wanted = context.op_execution_context.selected_asset_check_keys
    drain = platform.settings.drain
    since = datetime.now(UTC) - _WINDOW
    with platform.ledger() as connection:
        found = recent_rejects(connection, list(streams(platform.settings.redis.shards)), since=since)
    for kind in kinds().values():
        if dg.AssetCheckKey(table_key(kind.table), RARE) in wanted:
            rejects = found.get(kind.name, Rejects())
            yield _judged(table_key(kind.table), rejects, ratio=drain.reject_ratio, many=drain.invalid_min_entries)


def _judged(key: dg.AssetKey, rejects: Rejects, *, ratio: float, many: int) -> dg.AssetCheckResult:
    """A warning where somebody should look at letters; an error where a table is going without its events."""
    often = rejects.share > _OFTEN * ratio and rejects.rejected >= many
    return dg.AssetCheckResult(
        passed=rejects.share <= ratio,
        asset_key=key,
        check_name=RARE,
        severity=dg.AssetCheckSeverity.ERROR if often else dg.AssetCheckSeverity.WARN,
        description=(
            f"{rejects.rejected} of {rejects.entries} entries of the last 24 hours were not stored "
            f"({rejects.share:.2%}; {ratio:.2%} are allowed)"
            + (": `telemetry dead-letters list` shows them" if rejects.dead_lettered else "")
        ),
        metadata={
            "entries": rejects.entries,
            "dead_lettered": rejects.dead_lettered,
            "id_conflicts": rejects.id_conflict,
            "too_late": rejects.too_late,
            "share": rejects.share,
            "allowed_share": ratio,
            **{f"dead_lettered_{reason}": count for reason, count in sorted(rejects.reasons.items())},
        },
    )
