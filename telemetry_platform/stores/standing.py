"""How the platform stands, in figures: read from the views of `standing`, by the role that sees nothing else.

Invariant: no figure is about a person, and none needs a table to be read whole that grows with events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from telemetry_platform import sql_files

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.warehouse import Warehouse


class Figure(NamedTuple):
    """One figure of a metric; `label` is the value of the metric's one label, empty where it has none."""

    metric: str
    label: str
    value: float


class Disk(NamedTuple):
    """One disk of the warehouse, in bytes."""

    name: str
    free: int
    total: int


def figures(conn: Connection, rollups: Mapping[str, str]) -> list[Figure]:
    """All of them now. `rollups` are the names of rollups, each with its base's."""
    query = sql_files.read("postgres/queries/select_standing_figures.sql").encode()
    given = {"rollups": list(rollups), "bases": list(rollups.values())}
    return [Figure(metric, label, float(value)) for metric, label, value in conn.execute(query, given).fetchall()]


def disks(warehouse: Warehouse) -> list[Disk]:
    """The warehouse's disks."""
    return [Disk(str(name), int(free), int(total)) for name, free, total in warehouse.rows("select_disks")]
