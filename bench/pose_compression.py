"""`pose.compression`: how many times smaller frames rest than the JSON that brought them, everything counted.

The frames go through the queue and the drain in many small batches, as they do in a day. What is divided is the JSON
of a frontend that rounds to the digits of 32 bits; a browser's own 17 digits are noted beside it. The other layouts and
codecs that the table's file speaks of are measured on the same movements, and noted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from bench.figures import Figure, note
from bench.posing import Exercise, exercises, fill_queue, json_bytes
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.usecases.drain.run import drain
from telemetry_platform.usecases.drain.stores import open_stores

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.warehouse import Warehouse

SESSIONS = 100
FRAMES = 1_200
ROUNDS = 6
AIM = 15.0
_SAMPLED = 3
_ALTERNATIVE = "pose_alternative"
_CHOSEN = "Delta, T64('bit'), ZSTD(1)"


@dataclass(frozen=True)
class Alternative:
    """Another way to keep the numbers: a type, a codec, and what is inserted."""

    type: str
    codec: str
    rounded: bool = True


ALTERNATIVES = (
    Alternative("Float32", "ZSTD(1)", rounded=False),
    Alternative("Float32", "Gorilla, ZSTD(1)", rounded=False),
    Alternative("Float32", "FPC, ZSTD(1)", rounded=False),
    Alternative("Float32", "ZSTD(3)"),
    Alternative("Decimal(9, 4)", "ZSTD(1)"),
    Alternative("Decimal(9, 4)", "Delta, ZSTD(1)"),
    Alternative("Decimal(9, 4)", "Delta, ZSTD(9)"),
    Alternative("Decimal(9, 4)", "DoubleDelta, ZSTD(1)"),
    Alternative("Decimal(9, 4)", "T64('bit'), ZSTD(1)"),
    Alternative("Decimal(9, 4)", _CHOSEN),
    Alternative("Array(Int32)", "T64('bit'), ZSTD(1)"),
    Alternative("Array(Int32)", _CHOSEN),
)
"""Of the 132 numbers alone, in columns or as one array a frame."""


def measure(settings: Settings) -> Figure:
    """The ratio, aim beside it."""
    given = exercises(SESSIONS, FRAMES)
    sampled = given[:_SAMPLED]
    frames = sum(each.frames for each in sampled)
    short, doubles = (sum(json_bytes(each, doubles=how) for each in sampled) / frames for how in (False, True))
    with open_stores(settings, log_comment="bench") as stores:
        seq = 1
        for number in range(ROUNDS):
            seq += fill_queue(settings, given[number::ROUNDS], first_seq=seq)
            drain(stores, settings, holder="bench", until_idle=True)
        warehouse = stores.warehouse
        table = kinds()["pose"].table.name
        inserted = _bytes(warehouse, table) / (SESSIONS * FRAMES)
        warehouse.client.command(f"OPTIMIZE TABLE {table} FINAL")
        merged = _bytes(warehouse, table) / (SESSIONS * FRAMES)
        note(f"JSON {short:,.0f} bytes a frame ({doubles:,.0f} with a browser's digits)")
        note(f"at rest {inserted:.1f} bytes a frame as inserted, {merged:.1f} when merged ({doubles / merged:.1f}x)")
        for alternative in ALTERNATIVES:
            size = _bytes_of(warehouse, alternative, given) / (SESSIONS * FRAMES)
            note(f"{alternative.type:14} {alternative.codec:28} {size:6.1f} bytes a frame for the numbers alone")
    return Figure("pose.compression", short / merged, "x", AIM)


def _bytes(warehouse: Warehouse, table: str) -> int:
    rows = warehouse.client.query(
        "SELECT sum(data_compressed_bytes) FROM system.parts "
        "WHERE database = currentDatabase() AND table = {table:String} AND active",
        {"table": table},
    )
    return int(rows[0][0])


def _bytes_of(warehouse: Warehouse, alternative: Alternative, given: list[Exercise]) -> int:
    """Compressed bytes of the numbers alone."""
    points = np.concatenate([each.movement.points for each in given]).reshape(-1, 132).astype(np.float64)
    rows = _ROWS[alternative.type](points, alternative)
    columns = ", ".join(f"{name} {alternative.type} CODEC({alternative.codec})" for name in rows.column_names)
    warehouse.client.command(f"DROP TABLE IF EXISTS {_ALTERNATIVE}")
    warehouse.client.command(f"CREATE TABLE {_ALTERNATIVE} ({columns}) ENGINE = MergeTree ORDER BY tuple()")
    warehouse.insert(_ALTERNATIVE, rows, token=_ALTERNATIVE)
    size = _bytes(warehouse, _ALTERNATIVE)
    warehouse.client.command(f"DROP TABLE {_ALTERNATIVE}")
    return size


def _floats(points: NDArray[np.float64], alternative: Alternative) -> pa.Table:
    shown = np.round(points, 4) if alternative.rounded else points
    return pa.table({f"n{place}": pa.array(shown[:, place].astype(np.float32)) for place in range(points.shape[1])})


def _units(points: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.rint(points * 10_000).astype(np.int32)


def _decimals(points: NDArray[np.float64], _: Alternative) -> pa.Table:
    units = _units(points)
    return pa.table(
        {
            f"n{place}": pa.Array.from_buffers(
                pa.decimal32(9, 4), len(units), [None, pa.py_buffer(np.ascontiguousarray(units[:, place]))]
            )
            for place in range(units.shape[1])
        }
    )


def _arrays(points: NDArray[np.float64], _: Alternative) -> pa.Table:
    units = _units(points)
    flat = pa.array(units.reshape(-1))
    return pa.table({"n": pa.FixedSizeListArray.from_arrays(flat, units.shape[1]).cast(pa.list_(pa.int32()))})


_ROWS: dict[str, Callable[[NDArray[np.float64], Alternative], pa.Table]] = {
    "Float32": _floats,
    "Decimal(9, 4)": _decimals,
    "Array(Int32)": _arrays,
}
