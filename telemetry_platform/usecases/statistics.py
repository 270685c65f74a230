"""The statistics: a tenant's rollups as figures, exact for whoever may see single persons, else without small groups.

Invariant: everything is of one tenant, and of the stretch that the answer names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from telemetry_platform.processing import statistics as figures
from telemetry_platform.processing.statistics import Row, Shown, Teller, permitted, values_that_show
from telemetry_platform.stores import statistics as store

if TYPE_CHECKING:
    from telemetry_platform.contracts.statistics import Dimension, Stretch
    from telemetry_platform.stores.warehouse import LastingWarehouse

_ALL = "all"


@dataclass(frozen=True)
class Asking:
    """Who asks: of which tenant, and whether small groups are shown."""

    org_id: str
    exact: bool

    @property
    def tell(self) -> Teller:
        """How figures are told to them."""
        return Teller(self.exact)


def bandwidth(  # noqa: PLR0913 - of whom, of when, by what
    kept: LastingWarehouse,
    asking: Asking,
    over: Stretch,
    group_by: Dimension,
    *,
    media_id: str | None = None,
    value: str | None = None,
) -> tuple[list[Row], int]:
    """Video by one dimension, the largest group first, and how many groups are withheld.

    With a `value` its group alone, of those that may be shown among all: asking for one at a time shows no more.
    """
    shown = _video(kept, asking, over, group_by.value, media_id)
    asked = [row for row in shown.rows if value is None or row["value"] == value]
    rows = [{group_by.value: row["value"] or None, **figures.bandwidth(row, asking.tell)} for row in asked]
    return rows, shown.withheld


def sessions(
    kept: LastingWarehouse, asking: Asking, over: Stretch, media_id: str | None = None
) -> tuple[Row | None, int]:
    """Video of the whole tenant; None where there is nothing, or too little to be shown."""
    shown = _video(kept, asking, over, _ALL, media_id)
    if not shown.rows:
        return None, shown.withheld
    found = figures.sessions(shown.rows[0], asking.tell)
    # Stalls are not counted by medium.
    return found | {"stalls": _stalls(kept, asking, over) if media_id is None else None}, shown.withheld


def _stalls(kept: LastingWarehouse, asking: Asking, over: Stretch) -> Row:
    """Of all sessions, by cause."""
    rows = _ask(kept, "select_stall_stats", asking.org_id, over, dimension=_ALL, value="")
    shown = permitted([row | {"n": row["stalls"]} for row in rows], "cause", exact=asking.exact)
    return {"withheld": shown.withheld, "causes": [figures.stalls(row, asking.tell) for row in shown.rows]}


def api(kept: LastingWarehouse, asking: Asking, over: Stretch, route: str | None = None) -> list[Row]:
    """Requests by route. They concern no person: everybody sees them exactly."""
    tell = Teller(exact=True)
    rows = _ask(kept, "select_api_stats", asking.org_id, over, route=route or "", most=store.MOST_GROUPS)
    return [
        {
            "method": row["method"],
            "route": row["route"],
            "requests": row["requests"],
            "client_errors": row["client_errors"],
            "server_errors": row["server_errors"],
            "error_rate": tell.mean(row["server_errors"], row["requests"]),
            "avg_duration_ms": tell.mean(row["duration_ms_sum"], row["requests"]),
            "p50_duration_ms": row["duration_ms_p50"],
            "p95_duration_ms": row["duration_ms_p95"],
            "p99_duration_ms": row["duration_ms_p99"],
        }
        for row in rows
    ]


def errors(kept: LastingWarehouse, asking: Asking, over: Stretch, source: str | None = None) -> tuple[list[Row], int]:
    """Errors by fingerprint, the most frequent first."""
    rows = _ask(kept, "select_error_stats", asking.org_id, over, source=source or "", most=store.MOST_GROUPS)
    for row in rows:
        row |= {"n": row["errors"], "key": f"{row['source']} {row['fingerprint']}"}
    # Within each source: one may be asked for alone, and must show no more then.
    parts = [
        permitted([row for row in rows if row["source"] == each], "key", exact=asking.exact)
        for each in dict.fromkeys(row["source"] for row in rows)
    ]
    keys = {row["key"] for part in parts for row in part.rows}
    shown = Shown(tuple(row for row in rows if row["key"] in keys), len(rows) - len(keys))
    tell = asking.tell
    told = [
        {
            "source": row["source"],
            "fingerprint": row["fingerprint"],
            "error_code": row["error_code"],
            "errors": tell.count(row["errors"]),
            "fatal_share": tell.mean(row["fatal"], row["errors"]),
            "status_4xx_share": tell.mean(row["status_4xx"], row["errors"]),
            "status_5xx_share": tell.mean(row["status_5xx"], row["errors"]),
            "first_seen": row["first_seen"] if asking.exact else None,
            "last_seen": row["last_seen"] if asking.exact else None,
        }
        for row in shown.rows
    ]
    return told, shown.withheld


def staff(kept: LastingWarehouse, asking: Asking, over: Stretch, metric: str | None = None) -> tuple[list[Row], int]:
    """Figures of staff by team, metric and unit; each metric is a total of its own, of which small teams go."""
    rows = _ask(kept, "select_staff_stats", asking.org_id, over, metric=metric or "", most=store.MOST_GROUPS)
    told: list[Row] = []
    withheld = 0
    tell = asking.tell
    for total in dict.fromkeys((row["metric"], row["unit"]) for row in rows):
        of_total = [row | {"n": row["figures"]} for row in rows if (row["metric"], row["unit"]) == total]
        shown = permitted(of_total, "team_id", exact=asking.exact)
        withheld += shown.withheld
        told += [
            {
                "team_id": row["team_id"],
                "metric": row["metric"],
                "unit": row["unit"],
                "figures": tell.count(row["figures"]),
                "mean": tell.mean(row["value_sum"], row["figures"]),
                # The smallest and the largest are one person's.
                "smallest": row["value_min"] if asking.exact else None,
                "largest": row["value_max"] if asking.exact else None,
            }
            for row in shown.rows
        ]
    return told, withheld


def pose_session(kept: LastingWarehouse, org_id: str, session_id: str) -> Row | None:
    """One exercise session; None where there is none."""
    return store.pose_session(kept.get(), org_id, session_id)


def _video(kept: LastingWarehouse, asking: Asking, over: Stretch, dimension: str, media_id: str | None) -> Shown:
    more: dict[str, Any] = {"dimension": dimension}
    allowed = None
    warehouse = kept.get()
    if media_id is None:
        rows = store.ask(warehouse, "select_video_stats", asking.org_id, over, **more)
    else:
        rows = store.ask(warehouse, "select_media_stats", asking.org_id, over, media=media_id, **more)
        if not asking.exact:
            of_all = store.ask(warehouse, "select_media_rest", asking.org_id, over, **more)
            allowed = values_that_show(of_all, media_id)
    return permitted([row | {"n": row["sessions"]} for row in rows], "value", exact=asking.exact, allowed=allowed)


def _ask(kept: LastingWarehouse, name: str, org_id: str, over: Stretch, **more: Any) -> list[Row]:  # noqa: ANN401 - parameters of a statement
    return store.ask(kept.get(), name, org_id, over, **more)
