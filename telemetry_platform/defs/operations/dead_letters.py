"""Dead letters from Dagster: queue them again, or give them up, chosen by kind, reason, number and age.

Invariants: a run that was not told otherwise changes nothing; what reaches Dagster is counts by kind and reason, never
anything of a letter. Choice by time is by age: run configuration carries no dates here.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from math import inf

import dagster as dg
from pydantic import Field

from telemetry_platform.contracts.registry import kinds
from telemetry_platform.contracts.rejects import DeadLetterReason
from telemetry_platform.defs.resources import PlatformResource
from telemetry_platform.defs.safe_errors import only_safe_errors, safely
from telemetry_platform.errors import ContractViolationError
from telemetry_platform.stores import dead_letters
from telemetry_platform.stores.dead_letters import Selection
from telemetry_platform.stores.landing_queue import LandingQueue
from telemetry_platform.stores.postgres import Connection
from telemetry_platform.usecases import replay_dead_letters

_MAX_RUNTIME_SECONDS = 1800
_QUEUE_TIMEOUT_SECONDS = 5.0


class Action(Enum):
    """What to do with the chosen letters."""

    replay = "replay"
    drop = "drop"


class DeadLettersConfig(dg.Config):
    """Which letters, and what to do with them. Only letters that wait are chosen, by everything that is given."""

    action: Action = Field(
        default=Action.replay,
        description=(
            "`replay` queues letters again, after what made them fail was mended: one that fails again waits again, "
            "one that was stored meanwhile is counted as a duplicate. `drop` gives them up: their bodies go for good."
        ),
    )
    dry_run: bool = Field(
        default=True, description="Count what would be done, and change nothing. Set it to false to do it."
    )
    kind: str = Field(
        default="", description="Only letters of this kind of event, such as `media`; empty: of every kind."
    )
    reason: str = Field(
        default="",
        description=f"Only letters with this reason: {', '.join(DeadLetterReason)}; empty: with any reason.",
    )
    ids: list[int] = Field(
        default_factory=list, description="Only these numbers, as `telemetry dead-letters list` shows them; none: all."
    )
    received_within_hours: float | None = Field(
        default=None, gt=0, description="Only letters of events that were received this many hours ago or later."
    )
    received_before_hours: float | None = Field(
        default=None, gt=0, description="Only letters of events that were received longer ago than this many hours."
    )
    limit: int = Field(default=100_000, ge=1, description="At most so many letters in one run, the oldest first.")
    why: str = Field(
        default="",
        description="For `drop`: the reason, which is kept with what remains of the letters. Name nobody in it.",
    )

    def selection(self, now: datetime) -> Selection:
        """The letters that are meant. Raises ContractViolationError for a kind or a reason that there is not."""
        if self.kind and self.kind not in kinds():
            raise ContractViolationError(f"`kind` must be one of {', '.join(sorted(kinds()))}")
        if self.reason and self.reason not in set(DeadLetterReason):
            raise ContractViolationError(f"`reason` must be one of {', '.join(DeadLetterReason)}")
        if self.action is Action.drop and not self.why.strip():
            raise ContractViolationError("`drop` needs `why`: the reason is kept with what remains of the letters")
        return Selection(
            ids=tuple(self.ids) or None,
            kind=self.kind or None,
            reason=self.reason or None,
            since=_ago(now, self.received_within_hours),
            before=_ago(now, self.received_before_hours),
        )


def _ago(now: datetime, hours: float | None) -> datetime | None:
    return None if hours is None else now - timedelta(hours=hours)


@dg.op(
    name="dead_letters",
    out=dg.Out(dg.Nothing),
    description="Counts the chosen letters by kind and reason; unless it is a dry run, replays or drops them.",
)
@safely
def work_on_dead_letters(context: dg.OpExecutionContext, config: DeadLettersConfig, platform: PlatformResource) -> None:
    """Look, and act when told so."""
    now = datetime.now(UTC)
    # A try changes nothing twice: what was replayed or dropped does not wait any more.
    with only_safe_errors(lambda: inf), platform.ledger() as connection:
        chosen = config.selection(now)
        counts = dead_letters.waiting_counts(connection, chosen)
        done = {} if config.dry_run else _act(context, config, platform, connection, chosen, now)
    context.add_output_metadata(
        {
            "dry_run": config.dry_run,
            "letters_chosen": sum(counts.values()),
            "letters_by_reason": dg.MetadataValue.md(_by_reason(counts)),
            **done,
        }
    )


def _act(  # noqa: PLR0913, PLR0917 - what the step has at hand
    context: dg.OpExecutionContext,
    config: DeadLettersConfig,
    platform: PlatformResource,
    connection: Connection,
    chosen: Selection,
    now: datetime,
) -> dict[str, int]:
    """Replay or drop; counts under the names that the run page shows."""
    letters = dead_letters.waiting_ids(connection, chosen)[: config.limit]
    if config.action is Action.drop:
        by = f"dagster run {context.run_id}"
        dropped = replay_dead_letters.drop(connection, letters, by=by, why=config.why, now=now)
        return {"dropped": dropped.dropped, "not_waiting_any_more": dropped.skipped}
    with platform.queue_client(timeout_seconds=_QUEUE_TIMEOUT_SECONDS) as client:
        shards = platform.settings.redis.shards
        replayed = replay_dead_letters.replay(connection, LandingQueue(client), letters, shards=shards, now=now)
    return {
        "queued_again": replayed.queued,
        "not_waiting_any_more": replayed.skipped,
        "cannot_be_replayed": replayed.refused,
        "of_erased_persons_emptied": replayed.erased,
    }


def _by_reason(counts: Mapping[tuple[str, str], int]) -> str:
    if not counts:
        return "none"
    lines = [f"| {kind} | {reason} | {count} |" for (kind, reason), count in counts.items()]
    return "\n".join(["| kind | reason | letters |", "| --- | --- | --- |", *lines])


@dg.job(
    name="handle_dead_letters",
    executor_def=dg.in_process_executor,
    description=(
        "Queues dead letters again, or gives them up, chosen by kind, reason, number and age. A dry run unless "
        "`dry_run` is set to false."
    ),
    run_tags={"dagster/max_runtime": str(_MAX_RUNTIME_SECONDS)},
)
def handle_dead_letters() -> None:
    """One step."""
    work_on_dead_letters()
