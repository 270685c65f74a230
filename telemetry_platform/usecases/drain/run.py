"""The drain as one call: take the lease, let two workers drain their stores' streams, say what was done.

Invariants: at most one drain works at a time (the lease); a worker that fails stops the other one after its present
batch, and its error leaves from here, so that a run never looks well that is not; SIGKILL at any moment loses and
doubles nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.contracts.landing import stream_name
from telemetry_platform.contracts.registry import kinds_in
from telemetry_platform.stores import redis
from telemetry_platform.stores.landing_queue import backlog
from telemetry_platform.usecases.drain.holding import held
from telemetry_platform.usecases.drain.report import DrainReport, TableReport, Tally
from telemetry_platform.usecases.drain.turns import Turns
from telemetry_platform.usecases.drain.worker import Worker
from telemetry_platform.usecases.restored import copy_tombstones, refuse_restored

if TYPE_CHECKING:
    from collections.abc import Callable

    from telemetry_platform.contracts.event_kind import EventKind
    from telemetry_platform.settings import Settings
    from telemetry_platform.usecases.drain.stores import DrainStores

_log = logging.getLogger(__name__)


def utc_now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


def no_checkpoint(_: str) -> None:
    """Nothing happens at the named points."""


def streams_of(store: Store, settings: Settings) -> dict[str, EventKind]:
    """The landing streams whose entries go to `store`, each with its kind."""
    return {stream_name(kind.name, shard): kind for kind in kinds_in(store) for shard in range(settings.redis.shards)}


def drain(  # noqa: PLR0913 - what a drain is told; all but the first two by name
    stores: DrainStores,
    settings: Settings,
    *,
    holder: str,
    run_id: str = "",
    until_idle: bool = False,
    wait_for_lease: float = 0.0,
    clock: Callable[[], datetime] = utc_now,
    checkpoint: Callable[[str], None] = no_checkpoint,
    stop: threading.Event | None = None,
) -> DrainReport:
    """Drain until the budget is spent, `stop` is set or, with `until_idle`, nothing is left in the queue.

    Raises LeaseLostError when another drain holds the lease, RestoredDataError before anything is read from a database
    that was restored from a backup, TooManyInvalidError when most entries cannot be stored, and what a store answered
    when waiting for it did not help.
    """
    began = time.monotonic()
    stop = stop or threading.Event()
    with held(stores, settings.drain, holder=holder, run_id=run_id, wait_seconds=wait_for_lease) as lease:
        with stores.postgres() as connection:
            refuse_restored(connection, stores.warehouse, settings, clock())
            copy_tombstones(connection, settings.privacy.tombstone_copy, clock())
        stores.geo.refresh()
        turns = Turns()
        workers = [
            Worker(
                stores=stores,
                settings=settings.drain,
                held=lease,
                turns=turns,
                streams=streams_of(store, settings),
                run_id=run_id,
                until_idle=until_idle,
                now=clock,
                checkpoint=checkpoint,
                stop=stop,
            )
            for store in (Store.CLICKHOUSE, Store.POSTGRES)
        ]
        _run_together(workers, stop, began + settings.drain.budget_seconds)
        tally = Tally()
        for worker in workers:
            tally.add(worker.tally)
        return DrainReport(
            tables={table: TableReport(**counts) for table, counts in sorted(tally.tables.items())},
            drops=dict(tally.drops),
            batches=tally.batches,
            entries=tally.entries,
            missing=tally.missing,
            oldest_undrained_seconds=_oldest_undrained(settings),
            seconds=time.monotonic() - began,
            fencing=lease.fencing,
            geo=stores.geo.health,
            detected=tally.detected,
        )


def _run_together(workers: list[Worker], stop: threading.Event, deadline: float) -> None:
    """Run every worker in a thread of its own. Raises the first error, after all of them have ended."""
    failures: list[BaseException] = []

    def work(worker: Worker) -> None:
        try:
            worker.run()
        except BaseException as error:  # noqa: BLE001 - the thread's outermost edge: it is raised again below
            failures.append(error)
            stop.set()

    threads = [threading.Thread(target=work, args=(worker,), name="drain-worker") for worker in workers]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            while thread.is_alive():
                thread.join(timeout=0.2)
                if time.monotonic() >= deadline:
                    stop.set()
    finally:
        # Also when this thread is interrupted: batches in hand are ended before the lease is given back.
        stop.set()
        for thread in threads:
            thread.join()
    if failures:
        raise failures[0]


def _oldest_undrained(settings: Settings) -> float:
    """Age of the oldest entry that is still in a stream."""
    client = redis.connect(settings.redis)
    try:
        names = [stream for store in Store for stream in streams_of(store, settings)]
        return max(waiting.oldest_age_seconds for waiting in backlog(client, names).values())
    finally:
        client.close()
