"""A worker of the drain: the streams of one store, in a loop, until the budget is spent or nothing is left.

Invariants: what an earlier drain left comes first, committed batches before claimed entries; a store that does not
answer is waited for within the run, and whatever was in hand is then taken up again exactly as after a crash.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from telemetry_platform.errors import LeaseLostError, TransientError
from telemetry_platform.usecases.drain import folding
from telemetry_platform.usecases.drain.batching import finish_open, take_new
from telemetry_platform.usecases.drain.desk import Desk
from telemetry_platform.usecases.drain.report import Tally

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    from telemetry_platform.contracts.event_kind import EventKind
    from telemetry_platform.contracts.landing import RawEntries
    from telemetry_platform.settings import DrainSettings
    from telemetry_platform.stores.landing_queue import LandingQueue
    from telemetry_platform.usecases.drain.holding import HeldLease
    from telemetry_platform.usecases.drain.stores import DrainStores
    from telemetry_platform.usecases.drain.turns import Turns

_log = logging.getLogger(__name__)
_PATIENCE_SECONDS = 60.0
_LONGEST_PAUSE_SECONDS = 5.0
_SILENCE_EVERY_SECONDS = 10.0
# A request may have been received this long before its entries are in the stream.
_IN_FLIGHT = timedelta(seconds=5)


@dataclass
class Worker:
    """The streams of one store, each with its kind."""

    stores: DrainStores
    settings: DrainSettings
    held: HeldLease
    turns: Turns
    streams: Mapping[str, EventKind]
    run_id: str
    until_idle: bool
    now: Callable[[], datetime]
    checkpoint: Callable[[str], None]
    stop: threading.Event
    tally: Tally = field(default_factory=Tally)
    _silence_looked_at: float = 0.0

    def run(self) -> None:
        """Work until stopped. Raises what ended it: LeaseLostError, or what patience did not help against."""
        pause, since = 0.5, None
        while True:
            batches = self.tally.batches
            try:
                self._work()
            except LeaseLostError:
                raise
            except TransientError as error:
                began = time.monotonic() if since is None or self.tally.batches > batches else since
                if self.tally.batches > batches:
                    pause = 0.5
                since = began
                if time.monotonic() - since + pause > _PATIENCE_SECONDS or self.stop.is_set():
                    raise
                _log.warning("waiting for a store: %s", error)
                self.stop.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            else:
                return

    def _work(self) -> None:
        """One life of the worker's connections."""
        with self.stores.postgres() as conn:
            desk = Desk(
                stores=self.stores,
                settings=self.settings,
                conn=conn,
                queue=self.stores.queue(),
                held=self.held,
                turns=self.turns,
                tally=self.tally,
                run_id=self.run_id,
                now=self.now,
                checkpoint=self.checkpoint,
            )
            try:
                for stream, kind in self.streams.items():
                    desk.queue.ensure_group(stream)
                    self._recover(desk, kind, stream)
                self._loop(desk)
            finally:
                desk.queue.close()

    def _loop(self, desk: Desk) -> None:
        """Claim, store, acknowledge; when there is nothing, look whether anything is left behind.

        The next entries are claimed while the stores work on the present ones. What was claimed and not taken up when
        the loop ends is pending, and comes first in the next life.
        """
        with closing(self.stores.queue()) as queue, ThreadPoolExecutor(1, "drain-claim") as ahead:
            claiming = ahead.submit(self._claim, queue)
            while not self.stop.is_set():
                asked, claimed = claiming.result()
                if claimed:
                    claiming = ahead.submit(self._claim, queue)
                    for stream, entries in claimed.items():
                        self._take(desk, self.streams[stream], stream, entries)
                    self._derive(desk, min(map(_last_added, claimed.values())))
                    continue
                if not self._look_behind(desk, asked):
                    return
                claiming = ahead.submit(self._claim, queue)

    def _look_behind(self, desk: Desk, asked: datetime) -> bool:
        """Nothing is claimed: whether to go on."""
        # Nothing new, but something there: claimed by a drain that has been overtaken since.
        for stream in [stream for stream in self.streams if desk.queue.length(stream)]:
            self._recover(desk, self.streams[stream], stream)
        # This may be the last look of the run: who was silent up to here would stay active until the next one.
        self._derive(desk, asked, at_once=self.until_idle)
        return not self.until_idle or any(desk.queue.length(stream) for stream in self.streams)

    def _claim(self, queue: LandingQueue) -> tuple[datetime, dict[str, RawEntries]]:
        """New entries of all streams, and the queue's time before they were asked for.

        A small batch waits a moment to become a larger one, because large ones pay.
        """
        asked = queue.now()
        count, max_bytes = self.settings.batch_entries, self.settings.batch_bytes
        wait = None if self.until_idle else self.settings.block_ms
        claimed = queue.read_new(list(self.streams), count=count, max_bytes=max_bytes, block_ms=wait)
        if not claimed or max(map(len, claimed.values())) >= count // 2 or not self.settings.linger_ms:
            return asked, claimed
        self.stop.wait(self.settings.linger_ms / 1000)
        return asked, {
            stream: queue.top_up(stream, entries, count=count, max_bytes=max_bytes)
            for stream, entries in claimed.items()
        }

    def _recover(self, desk: Desk, kind: EventKind, stream: str) -> None:
        """End what was begun: committed batches first, then what was claimed and never committed."""
        finish_open(desk, kind, stream)
        pending, gone = desk.queue.read_pending(stream)
        desk.queue.acknowledge(stream, gone)
        self._take(desk, kind, stream, pending)

    def _take(self, desk: Desk, kind: EventKind, stream: str, entries: RawEntries) -> None:
        """Claimed entries as batches. What is read at once may be more than one: entries with frames are large.

        A batch must stay one block of its table, and is held in memory as a whole.
        """
        for batch in entries.runs(self.settings.batch_entries, self.settings.batch_bytes):
            take_new(desk, kind, stream, batch)

    def _derive(self, desk: Desk, drained_until: datetime, *, at_once: bool = False) -> None:
        """Now and then, or at once: what silence means, judged by what has been drained and not by the clock."""
        if at_once or time.monotonic() - self._silence_looked_at >= _SILENCE_EVERY_SECONDS:
            self._silence_looked_at = time.monotonic()
            # A run lives for minutes, and a database that is replaced serves from the next batches on.
            self.stores.geo.refresh()
            for kind in {kind.name: kind for kind in self.streams.values()}.values():
                while folding.fold_silent(desk, kind, drained_until - _IN_FLIGHT) and not self.stop.is_set():
                    _log.debug("more sessions fell silent than one statement folds")


def _last_added(entries: RawEntries) -> datetime:
    """When the last of these entries was added: the stream is drained up to there."""
    return datetime.fromtimestamp(int(entries.ids[-1].partition(b"-")[0]) / 1000, UTC)
