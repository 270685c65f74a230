"""`drain.pose`: frames per second landed, against a plain insert of the same rows in columns.

The drain reads the queue, commits its batches, unpacks and checks the frames, removes duplicates, inserts, and
acknowledges. The floor inserts the finished rows, as Arrow, into a table of the same shape.
"""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bench.figures import Figure, note
from bench.posing import exercises, fill_queue
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.usecases.drain.run import drain
from telemetry_platform.usecases.drain.stores import open_stores

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings

SESSIONS = 40
FRAMES = 1_500
ROUNDS = 3
_FLOOR = "pose_tracking_frames_floor"
_STORED = "SELECT * FROM pose_tracking_frames WHERE ingested_at >= {since:DateTime64(3, 'UTC')}"


def measure(settings: Settings) -> Figure:
    """Both in turns, the median of the rounds each."""
    table = kinds()["pose"].table
    drained: list[float] = []
    inserted: list[float] = []
    seq = 1
    with open_stores(settings, log_comment="bench") as stores:
        warehouse = stores.warehouse
        warehouse.client.command(f"DROP TABLE IF EXISTS {_FLOOR}")
        warehouse.client.command(f"CREATE TABLE {_FLOOR} AS {table.name}")
        for number in range(ROUNDS):
            given = exercises(SESSIONS, FRAMES, first=1_000 * (number + 1))
            seq += fill_queue(settings, given, first_seq=seq)
            began, since = time.perf_counter(), datetime.now(UTC)
            report = drain(stores, settings, holder="bench", until_idle=True)
            seconds = time.perf_counter() - began
            if report.tables[table.name].stored != SESSIONS * FRAMES:
                raise ValueError(f"{SESSIONS * FRAMES} frames, {report.tables[table.name].stored} stored")
            drained.append(SESSIONS * FRAMES / seconds)
            rows = warehouse.client.query_arrow(_STORED, {"since": since})
            began = time.perf_counter()
            warehouse.insert(_FLOOR, rows, token=f"floor-{number}")
            inserted.append(rows.num_rows / (time.perf_counter() - began))
            note(f"drain {drained[-1]:,.0f} frames/s, plain insert {inserted[-1]:,.0f} frames/s")
    return Figure("drain.pose", statistics.median(drained), "rows/s", statistics.median(inserted))
