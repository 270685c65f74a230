"""What is built of the declarations, and which declarations are refused."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

import dashboards
from dashboards.build import GRAFANA, built, stale
from dashboards.declaration import Panel, Variable, boards

_FOLDER = Path(dashboards.__file__).parent
_PANEL: dict[str, Any] = {
    "title": "Events",
    "description": "Events that came within the hour.",
    "type": "stat",
    "source": "postgres",
    "unit": "short",
    "columns": {"events": "int8"},
    "sql": "SELECT 1",
}


def test_the_files_are_what_the_declarations_say() -> None:
    assert stale() == [], "run `python -m dashboards.build`"
    assert built() == built()


def test_panels_lie_side_by_side_and_not_on_one_another() -> None:
    for board in boards():
        panels = json.loads((GRAFANA / f"{board.uid}.json").read_text(encoding="utf-8"))["panels"]
        places = [panel["gridPos"] for panel in panels]
        assert max(place["x"] + place["w"] for place in places) <= 24
        for one, other in combinations(places, 2):
            beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
            above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
            assert beside or above, (board.title, one, other)


def test_every_data_source_is_provisioned_and_boards_are_loaded_from_their_folder() -> None:
    sources = yaml.safe_load((_FOLDER / "provisioning/datasources/telemetry.yml").read_text(encoding="utf-8"))
    known = {(source["type"], source["uid"]) for source in sources["datasources"]}
    for text in built().values():
        board = json.loads(text)
        used = [panel["datasource"] for panel in board["panels"]]
        used += [variable["datasource"] for variable in board["templating"]["list"] if variable["type"] == "query"]
        assert {(source["type"], source["uid"]) for source in used} <= known
    secrets = [value for source in sources["datasources"] for value in source["secureJsonData"].values()]
    assert all(value.startswith("$") for value in secrets)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"titel": "Events"}, "Extra inputs are not permitted"),
        ({"unit": ""}, "`unit` is missing"),
        ({"description": "Events."}, "at least 20 characters"),
        ({"type": "timeseries"}, "the first column of a panel over time is `time`"),
        ({"units": {"event": "ms"}}, "which is no column"),
        ({"columns": {}}, "at least 1 item"),
        ({"limits": {"good": 5.0, "warn": 1.0, "better": "lower"}}, "wrong order"),
        ({"limits": {"good": 1.0, "warn": 5.0, "better": "higher"}}, "wrong order"),
    ],
)
def test_a_panel_that_makes_no_sense_is_refused(changed: dict[str, Any], said: str) -> None:
    assert Panel.model_validate(_PANEL).title == "Events"
    with pytest.raises(ValidationError, match=said):
        Panel.model_validate(_PANEL | changed)


def test_a_choice_is_of_a_list_or_of_a_query() -> None:
    for given in ({}, {"choices": ["a"], "sql": "SELECT 1", "source": "postgres"}, {"sql": "SELECT 1"}):
        with pytest.raises(ValidationError, match="give either"):
            Variable.model_validate({"name": "org", "label": "Tenant"} | given)
