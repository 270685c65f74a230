"""What a worker of the drain has at hand, and the work it takes up: one batch with its entries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.errors import PermanentError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from telemetry_platform.contracts.event_kind import EventKind
    from telemetry_platform.contracts.landing import RawEntries
    from telemetry_platform.settings import DrainSettings
    from telemetry_platform.stores.ingest_ledger import Batch
    from telemetry_platform.stores.landing_queue import LandingQueue
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.usecases.drain.holding import HeldLease
    from telemetry_platform.usecases.drain.report import Tally
    from telemetry_platform.usecases.drain.stores import DrainStores
    from telemetry_platform.usecases.drain.turns import Turns


class TooManyInvalidError(PermanentError):
    """Most of what came is invalid: then the fault is ours, and the run stops without acknowledging anything."""


@dataclass(frozen=True)
class Desk:
    """A worker's own connection and queue, and what it shares with the other one.

    `checkpoint` is called at named points (`<kind>.<point>`); crash tests end the process there.
    """

    stores: DrainStores
    settings: DrainSettings
    conn: Connection
    queue: LandingQueue
    held: HeldLease
    turns: Turns
    tally: Tally
    run_id: str
    now: Callable[[], datetime]
    checkpoint: Callable[[str], None]


@dataclass(frozen=True)
class Work:
    """A batch and its entries as they are in the stream; `missing` of them are gone."""

    batch: Batch
    kind: EventKind
    entries: RawEntries
    missing: int = 0

    @property
    def first_try(self) -> bool:
        """Nothing of the batch can be in a store yet."""
        return self.batch.attempts == 1
