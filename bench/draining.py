"""`drain.<kind>`: rows per second that the real drain lands, against a plain insert of the same rows in columns.

The drain reads the queue, commits its batches, decodes, checks, removes duplicates, looks up places, inserts, folds
where the kind has sessions, and acknowledges. The floor inserts the finished rows, as one Arrow block, into a table of
the same shape. Invariant: both store the same rows, in turns, in the same run.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bench import accepting, posing, watching
from bench.figures import Figure, note
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.usecases.drain.run import drain
from telemetry_platform.usecases.drain.stores import open_stores

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.warehouse import Warehouse

ROUNDS = 3
EVENTS = 60_000
POSE_SESSIONS, POSE_FRAMES = 40, 1_500
_ROWS = "SELECT * FROM {table:Identifier} WHERE ingested_at >= {since:DateTime64(3, 'UTC')}"

Fill = Callable[["Settings", random.Random, int], int]
"""Adds the entries of one round; how many rows they must become. The last number counts what rounds added before."""


def _accepted(kind: str) -> Fill:
    return lambda settings, rng, _: accepting.fill_queue(settings, kind, rng, EVENTS)


def _pose(settings: Settings, _: random.Random, before: int) -> int:
    given = posing.exercises(POSE_SESSIONS, POSE_FRAMES, first=1_000_000 + before)
    posing.fill_queue(settings, given, first_seq=before // posing.FRAMES_PER_REQUEST + 1)
    return POSE_SESSIONS * POSE_FRAMES


@dataclass(frozen=True)
class Load:
    """What is drained: a kind of event, and how its queue is filled."""

    kind: str
    fill: Fill


LOADS = (
    Load("api_metrics", _accepted("api_metrics")),
    Load("analytics", _accepted("analytics")),
    Load("media", lambda settings, rng, before: watching.fill_queue(settings, rng, before + 1)),
    Load("pose", _pose),
)


def measure(settings: Settings, load: Load) -> Figure:
    """Both in turns, the median of the rounds each."""
    table = kinds()[load.kind].table.name
    rng = random.Random(7)  # noqa: S311 - the same load on every run
    drained: list[float] = []
    inserted: list[float] = []
    before = 0
    with open_stores(settings, log_comment="bench") as stores:
        floor = _Floor(stores.warehouse, table)
        for _ in range(ROUNDS):
            rows = load.fill(settings, rng, before)
            before += rows
            since, began = datetime.now(UTC), time.perf_counter()
            report = drain(stores, settings, holder="bench", until_idle=True)
            seconds = time.perf_counter() - began
            stored = report.tables[table].stored
            if stored != rows:
                raise ValueError(f"{rows} rows of {load.kind} were added, {stored} stored: nothing to compare")
            drained.append(rows / seconds)
            inserted.append(rows / floor.seconds(since))
            note(f"{load.kind}: drain {drained[-1]:,.0f} rows/s, plain insert {inserted[-1]:,.0f} rows/s")
        floor.end()
    return Figure(f"drain.{load.kind}", statistics.median(drained), "rows/s", statistics.median(inserted))


class _Floor:
    """A table of the same shape, and plain inserts into it."""

    def __init__(self, warehouse: Warehouse, table: str) -> None:
        self._warehouse = warehouse
        self._table = table
        self._name = f"{table}_floor"
        warehouse.client.command(f"DROP TABLE IF EXISTS {self._name}")
        warehouse.client.command(f"CREATE TABLE {self._name} AS {table}")

    def seconds(self, since: datetime) -> float:
        """How long one plain insert takes of all rows that the drain has stored since."""
        rows = self._warehouse.client.query_arrow(_ROWS, {"table": self._table, "since": since})
        began = time.perf_counter()
        self._warehouse.insert(self._name, rows, token=f"floor-{since.timestamp()}")
        return time.perf_counter() - began

    def end(self) -> None:
        """Remove the table: others count what lies in the database."""
        self._warehouse.client.command(f"DROP TABLE {self._name}")
