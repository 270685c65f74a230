"""Builds `grafana/*.json` from `boards/*.yml`: `python -m dashboards.build [--check]`.

Invariant: the same declarations give the same bytes, so that a difference in a review is one of a board. Nobody edits
the JSON: what Grafana's editor changes is written into a declaration, or it is lost with the next build.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dashboards.declaration import boards

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dashboards.declaration import Board, Limits, Panel, Source, Variable

GRAFANA = Path(__file__).parent / "grafana"
WRITTEN_FOR = {"grafana": "11.6.0", "clickhouse": "4.8.2"}
"""The Grafana and the ClickHouse plugin whose form the JSON has; the PostgreSQL data source comes with Grafana."""

_SCHEMA_VERSION = 41
_COLUMNS = 24
_HEIGHTS = {"stat": 4, "timeseries": 8, "table": 8}
_SOURCES: Mapping[Source, Mapping[str, str]] = {
    "clickhouse": {"type": "grafana-clickhouse-datasource", "uid": "telemetry-clickhouse"},
    "postgres": {"type": "grafana-postgresql-datasource", "uid": "telemetry-postgres"},
}
_GOOD, _WARN, _BAD = "green", "orange", "red"


def built() -> dict[str, str]:
    """Each file's name and content."""
    return {f"{board.uid}.json": json.dumps(_board(board), indent=2, ensure_ascii=False) + "\n" for board in boards()}


def stale() -> list[str]:
    """Files that are not what the declarations say: missing, different, or of no board."""
    wanted = built()
    held = {path.name: path.read_text(encoding="utf-8") for path in GRAFANA.glob("*.json")}
    return sorted(name for name in wanted.keys() | held.keys() if wanted.get(name) != held.get(name))


def write() -> list[str]:
    """Write what is stale; the names of what was written or removed."""
    wanted = built()
    names = stale()
    for name in names:
        if name in wanted:
            (GRAFANA / name).write_text(wanted[name], encoding="utf-8")
        else:
            (GRAFANA / name).unlink()
    return names


def _board(board: Board) -> dict[str, Any]:
    return {
        "uid": board.uid,
        "title": board.title,
        "description": board.description,
        "tags": ["telemetry"],
        "schemaVersion": _SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "1m",
        "timezone": "utc",
        "time": {"from": board.range, "to": "now"},
        "annotations": {"list": []},
        "links": [_LINK],
        "templating": {"list": [_variable(variable) for variable in board.variables]},
        "panels": list(_panels(board.panels)),
    }


_LINK = {
    "type": "dashboards",
    "tags": ["telemetry"],
    "title": "Boards",
    "asDropdown": True,
    "includeVars": False,
    "keepTime": True,
    "targetBlank": False,
    "icon": "external link",
    "tooltip": "",
    "url": "",
}


def _variable(variable: Variable) -> dict[str, Any]:
    if variable.source is None:
        return _choice(variable)
    query: Any = variable.sql.strip()
    if variable.source == "clickhouse":
        query = {"editorType": "sql", "rawSql": query, "refId": variable.name}
    return {
        "name": variable.name,
        "label": variable.label,
        "type": "query",
        "datasource": dict(_SOURCES[variable.source]),
        "query": query,
        "definition": variable.sql.strip(),
        "refresh": 2,
        "sort": 1,
        "multi": variable.multi,
        "includeAll": variable.multi,
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]} if variable.multi else {},
        "options": [],
        "hide": 0,
    }


def _choice(variable: Variable) -> dict[str, Any]:
    first = variable.choices[0]
    return {
        "name": variable.name,
        "label": variable.label,
        "type": "custom",
        "query": ",".join(variable.choices),
        "multi": False,
        "includeAll": False,
        "current": {"selected": True, "text": first, "value": first},
        "options": [{"selected": one == first, "text": one, "value": one} for one in variable.choices],
        "hide": 0,
    }


def _panels(panels: Sequence[Panel]) -> Iterator[dict[str, Any]]:
    """From left to right, in rows as high as their highest panel."""
    x = y = height = 0
    for number, panel in enumerate(panels, start=1):
        if x + panel.width > _COLUMNS:
            x, y, height = 0, y + height, 0
        place = {"h": _HEIGHTS[panel.type], "w": panel.width, "x": x, "y": y}
        x, height = x + panel.width, max(height, place["h"])
        yield {
            "id": number,
            "title": panel.title,
            "description": " ".join(panel.description.split()),
            "type": panel.type,
            "datasource": dict(_SOURCES[panel.source]),
            "gridPos": place,
            "fieldConfig": {"defaults": _defaults(panel), "overrides": list(_overrides(panel))},
            "options": _options(panel),
            "targets": [_target(panel)],
        }


def _defaults(panel: Panel) -> dict[str, Any]:
    drawn: dict[str, Any] = {"unit": panel.unit or "none", "noValue": "no data", "thresholds": _steps(panel.limits)}
    if panel.type == "timeseries":
        drawn["custom"] = {
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": 10,
            "spanNulls": False,
            "showPoints": "auto",
            # Of colours alone, a reader who cannot tell them apart would see nothing.
            "thresholdsStyle": {"mode": "dashed" if panel.limits else "off"},
        }
        drawn["color"] = {"mode": "palette-classic"}
    else:
        drawn["color"] = {"mode": "thresholds"}
    return drawn


def _steps(limits: Limits | None) -> dict[str, Any]:
    steps: list[dict[str, Any]]
    if limits is None:
        steps = [{"color": "text", "value": None}]
    elif limits.better == "lower":
        steps = [{"color": _GOOD, "value": None}, {"color": _WARN, "value": limits.good}]
        steps.append({"color": _BAD, "value": limits.warn})
    else:
        steps = [{"color": _BAD, "value": None}, {"color": _WARN, "value": limits.warn}]
        steps.append({"color": _GOOD, "value": limits.good})
    return {"mode": "absolute", "steps": steps}


def _overrides(panel: Panel) -> Iterator[dict[str, Any]]:
    for column, unit in panel.units.items():
        yield {"matcher": {"id": "byName", "options": column}, "properties": [{"id": "unit", "value": unit}]}


def _options(panel: Panel) -> dict[str, Any]:
    if panel.type == "stat":
        return {
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "colorMode": "value",
            "graphMode": "none",
            "textMode": "value",
        }
    if panel.type == "timeseries":
        return {
            "legend": {"displayMode": "table", "placement": "bottom", "showLegend": True, "calcs": ["max"]},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
    return {"showHeader": True, "cellHeight": "sm", "footer": {"show": False}}


def _target(panel: Panel) -> dict[str, Any]:
    over_time = panel.type == "timeseries"
    target: dict[str, Any] = {"refId": "A", "datasource": dict(_SOURCES[panel.source]), "rawSql": panel.sql.strip()}
    if panel.source == "postgres":
        return target | {"editorMode": "code", "rawQuery": True, "format": "time_series" if over_time else "table"}
    return target | {
        "editorType": "sql",
        "queryType": "timeseries" if over_time else "table",
        "format": 0 if over_time else 1,
        "pluginVersion": WRITTEN_FOR["clickhouse"],
    }


def main(arguments: Sequence[str]) -> int:
    """Write the files, or with --check say which are not as they should be."""
    if list(arguments) == ["--check"]:
        names = stale()
        if names:
            sys.stderr.write(f"not as declared: {', '.join(names)}; run `python -m dashboards.build`\n")
        return int(bool(names))
    for name in write():
        sys.stdout.write(f"wrote dashboards/grafana/{name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
