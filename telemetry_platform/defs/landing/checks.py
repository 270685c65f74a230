"""What must be true of the landing queue: nothing waits too long, and nothing was lost on its way in.

Invariant: a queue that cannot be looked at raises. These checks run every hour and by hand, not with the drain: the
drain has just emptied the queue, and would always find it in order.
"""

from collections.abc import Iterator

import dagster as dg

from telemetry_platform.contracts.registry import kinds
from telemetry_platform.defs.keys import queue_key
from telemetry_platform.defs.landing.queues import streams
from telemetry_platform.defs.resources import PlatformResource
from telemetry_platform.defs.safe_errors import safely
from telemetry_platform.stores import landing_queue
from telemetry_platform.stores.landing_queue import Backlog
from telemetry_platform.stores.producer_gaps import Gaps, lasting_gaps

DRAINED = "queue_is_drained"
WHOLE = "producers_have_no_gaps"
_TIMEOUT_SECONDS = 5.0
_GAP_SECONDS = 60.0
"""Two requests of one process can reach a stream in the other order; a gap that is older does not close any more."""

_SENTENCES = {
    DRAINED: "No entry waits longer than its kind's freshness allows.",
    WHOLE: (
        "Every entry that an API process numbered has reached the drain: no number is missing for longer than a minute."
    ),
}


@dg.multi_asset_check(
    name="check_queues",
    specs=[
        dg.AssetCheckSpec(name, asset=queue_key(kind), description=sentence)
        for kind in kinds().values()
        for name, sentence in _SENTENCES.items()
    ],
    can_subset=True,
)
@safely
def check_queues(context: dg.AssetCheckExecutionContext, platform: PlatformResource) -> Iterator[dg.AssetCheckResult]:
    """Look at Redis and at the drain's ledger, whichever the selected checks need."""
    wanted = context.op_execution_context.selected_asset_check_keys
    known = streams(platform.settings.redis.shards)
    with platform.queue_client(timeout_seconds=_TIMEOUT_SECONDS) as client:
        backlog = landing_queue.backlog(client, list(known))
    with platform.ledger() as connection:
        gaps = lasting_gaps(connection, older_than_seconds=_GAP_SECONDS)
    for kind in kinds().values():
        mine = [stream for stream, of in known.items() if of.name == kind.name]
        limit = kind.freshness.total_seconds()
        if dg.AssetCheckKey(queue_key(kind), DRAINED) in wanted:
            yield _drained(queue_key(kind), [backlog[stream] for stream in mine], limit)
        if dg.AssetCheckKey(queue_key(kind), WHOLE) in wanted:
            yield _whole(queue_key(kind), [gaps[stream] for stream in mine if stream in gaps])


def _drained(key: dg.AssetKey, waiting: list[Backlog], limit: float) -> dg.AssetCheckResult:
    oldest = max(one.oldest_age_seconds for one in waiting)
    return dg.AssetCheckResult(
        passed=oldest <= limit,
        asset_key=key,
        check_name=DRAINED,
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"the oldest entry waits for {oldest:.0f} s; {limit:.0f} s are allowed",
        metadata={"entries": sum(one.entries for one in waiting), "oldest_seconds": oldest, "allowed_seconds": limit},
    )


def _whole(key: dg.AssetKey, gaps: list[Gaps]) -> dg.AssetCheckResult:
    missing = sum(one.missing for one in gaps)
    return dg.AssetCheckResult(
        passed=missing == 0,
        asset_key=key,
        check_name=WHOLE,
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"{missing} numbered entries never reached the drain" if missing else "no number is missing",
        metadata={"missing_entries": missing, "producers": sum(one.producers for one in gaps)},
    )
