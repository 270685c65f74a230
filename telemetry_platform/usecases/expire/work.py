"""What a run of retention works with, and how it waits for its turn: it never harms ingestion.

Invariants: a table's turn has come when the landing queue is not long and, for one of ClickHouse, when no rewrite is
under way there and it keeps up with merging; a rewrite that stands still keeps nobody from their turn for ever; whoever
would write under the drain's feet has its lease first.
"""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.errors import TransientError
from telemetry_platform.stores import erasure_counts, expiry_warehouse, redis
from telemetry_platform.usecases.drain.holding import held
from telemetry_platform.usecases.queue_left import queue_left

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from telemetry_platform.settings import RetentionSettings, Settings
    from telemetry_platform.stores.expiry_warehouse import Mutation
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.warehouse import Warehouse
    from telemetry_platform.usecases.drain.stores import DrainStores
    from telemetry_platform.usecases.expire.targets import Target

_HOLDER = "retention"
_LOOK_SECONDS = 1.0
_SOON_SECONDS = 0.1


def _nothing(_: str) -> None:
    """Between two steps of a run: a test that kills one stands here."""


@dataclass(frozen=True)
class Work:
    """One run. `conn` is telemetry_retention's, and commits what is not in a transaction by itself.

    `is_alone`: no drain and no erasure can be at work, because the caller has made sure of it. `now` is the moment that
    every cut-off of the run counts from.
    """

    stores: DrainStores
    conn: Connection
    run_id: UUID
    now: datetime
    targets: Mapping[str, Target]
    dry_run: bool
    is_alone: bool = False
    sleep: Callable[[float], None] = time.sleep
    checkpoint: Callable[[str], None] = field(default=_nothing)

    @property
    def settings(self) -> Settings:
        """All settings of the process."""
        return self.stores.settings

    @property
    def limits(self) -> RetentionSettings:
        """How much at once, and how long to wait."""
        return self.settings.retention

    @property
    def warehouse(self) -> Warehouse:
        """ClickHouse."""
        return self.stores.warehouse

    def wait_for_turn(self, target: Target) -> str | None:
        """Wait until a table may be worked on; what kept it from its turn where that did not come in time."""
        waited = still = 0.0
        rewrites = self._rewrites(target)
        while (busy := self._busy(target, rewrites if still < self.limits.stall_seconds else ())) is not None:
            if waited >= self.limits.wait_seconds:
                return busy
            pause = min(_LOOK_SECONDS, max(self.limits.wait_seconds - waited, _SOON_SECONDS))
            self.sleep(pause)
            waited += pause
            before, rewrites = rewrites, self._rewrites(target)
            goes_on = rewrites != before or any(one.is_at_work for one in rewrites)
            still = 0.0 if goes_on else still + pause
        return None

    def _rewrites(self, target: Target) -> Sequence[Mutation]:
        """What ClickHouse is rewriting, where that concerns the table."""
        return expiry_warehouse.open_mutations(self.warehouse) if target.store is Store.CLICKHOUSE else ()

    def _busy(self, target: Target, rewrites: Sequence[Mutation]) -> str | None:
        """Why it is not the table's turn just now."""
        if rewrites:
            return f"ClickHouse rewrites {rewrites[0].table}"
        if target.store is Store.CLICKHOUSE and expiry_warehouse.most_parts(self.warehouse) > self.limits.most_parts:
            return "ClickHouse is behind with merging"
        if self.is_alone:
            # No drain may work: the queue grows no shorter by waiting.
            return None
        with redis.connect(self.settings.redis) as client, self.stores.postgres() as conn:
            if queue_left(client, conn, self.settings).entries > self.limits.most_waiting_entries:
                return "the landing queue is long"
        return None

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """The block runs while no drain and no erasure writes; false where that could not be had in time."""
        with ExitStack() as alone:
            yield self.is_alone or self._makes_alone(alone)

    def _makes_alone(self, alone: ExitStack) -> bool:
        """Take the lease and the erasures' lock, until the stack ends."""
        wait = self.limits.wait_seconds
        try:
            alone.enter_context(erasure_counts.only_run(alone.enter_context(self.stores.postgres())))
            alone.enter_context(
                held(self.stores, self.settings.drain, holder=_HOLDER, run_id=str(self.run_id), wait_seconds=wait)
            )
        except TransientError:
            # LeaseLostError is one: somebody else is at work, and stays.
            return False
        return True
