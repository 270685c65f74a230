"""Sums of the rollups, as the statistics are made from them: of one tenant, over one stretch of time.

Invariants: the tenant stands in every statement; a statement reads only, and ends after a few seconds whatever it was
asked; pseudonyms of persons are never selected, only the marks that tell whether there are five.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from telemetry_platform.contracts.statistics import Stretch
    from telemetry_platform.stores.warehouse import Warehouse

Row = dict[str, Any]
LONGEST_SECONDS = 10
MOST_GROUPS = 1_000
"""Of routes, errors and figures of staff: of more, those that are asked for are named."""
_SETTINGS = {"max_execution_time": LONGEST_SECONDS, "readonly": 2}


def ask(warehouse: Warehouse, name: str, org_id: str, over: Stretch, **more: str | int) -> list[Row]:
    """The rows of a named statement."""
    parameters = {"org": org_id, "since": over.since, "until": over.until, **more}
    return list(warehouse.query(name, parameters, settings=_SETTINGS).to_pylist())


def pose_session(warehouse: Warehouse, org_id: str, session_id: str) -> Row | None:
    """One exercise session; None where the tenant has none."""
    parameters = {"org": org_id, "session": session_id}
    found = warehouse.query("select_pose_session", parameters, settings=_SETTINGS)
    rows = found.drop_columns(["session_id"]).to_pylist()
    return {"session_id": session_id, **rows[0]} if rows else None
