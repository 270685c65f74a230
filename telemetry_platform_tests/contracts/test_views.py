"""What analysts may read is what the registry of views says: files, grants, and nothing that tells of persons."""

from __future__ import annotations

import re

import pytest

from telemetry_platform import sql_files
from telemetry_platform.contracts.rollup_registry import rollups
from telemetry_platform.contracts.view import FORBIDDEN, View, counted, view_pair
from telemetry_platform.contracts.view_registry import views

FILES = {file.name: file.text for file in sql_files.files("clickhouse/views")}
ROLE = sql_files.read("clickhouse/roles/telemetry_analyst.sql")
_READS = re.compile(r"\b(?:FROM|JOIN)\s+([A-Za-z_.]+)")
_OUTPUT = re.compile(r"\nSELECT\n(.*?)\nFROM ", re.DOTALL)
_GRANT = re.compile(r"^GRANT (.+) ON (\S+) TO (\S+);$", re.MULTILINE)
_RULE = "WHERE is_group_shown(marks, small_before, marks_before);"


def _code(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--"))


def test_the_role_is_granted_the_views_of_the_registry_and_nothing_else() -> None:
    granted = [(what, where) for what, where, whom in _GRANT.findall(ROLE) if whom == "telemetry_analyst"]
    assert sorted(granted) == sorted(("SELECT", name) for name in views())
    assert ROLE.count("GRANT ") == len(granted)


@pytest.mark.parametrize("limit", ["max_execution_time", "max_rows_to_read", "max_memory_usage", "max_result_rows"])
def test_the_roles_limits_cannot_be_raised_by_its_users(limit: str) -> None:
    assert re.search(rf"\b{limit} = [1-9]\d* CONST", ROLE)


def test_every_view_that_runs_with_its_definers_rights_has_a_contract() -> None:
    assert {name for name, text in FILES.items() if "SQL SECURITY DEFINER" in text} == set(views())


@pytest.mark.parametrize("view", views().values(), ids=views())
def test_a_view_reads_its_rollup_alone_and_shows_what_its_contract_says(view: View) -> None:
    code = _code(FILES[view.name])
    inner = {"gathered", "placed"} if view.withholds else set()
    assert set(_READS.findall(code)) == {view.source, *inner}
    assert view.source in rollups()
    (shown,) = _OUTPUT.findall(code.rsplit("\n)\n", 1)[-1])
    # What is put out ends each line of the last SELECT: under its own name, or behind AS.
    names = [re.split(r"\s+AS\s+", line.rstrip(","))[-1].strip() for line in shown.splitlines()]
    assert names == [column.name for column in view.columns]
    assert not FORBIDDEN & set(names)


@pytest.mark.parametrize("view", views().values(), ids=views())
def test_a_view_withholds_unless_its_rollup_knows_no_persons(view: View) -> None:
    persons = {"few_actors", "actor_hash"} & {column.name for column in rollups()[view.source].table.columns}
    assert view.withholds is bool(persons)
    assert (_RULE in FILES[view.name]) is view.withholds


@pytest.mark.parametrize("view", views().values(), ids=views())
def test_a_view_shows_whole_days_that_have_ended_and_have_not_expired(view: View) -> None:
    kept = rollups()[view.source].table.retention
    code = FILES[view.name]
    unit = f"toInterval{kept.unit.capitalize()}({kept.amount})"
    assert f"toDate(base.{kept.column}) > toDate(telemetry_now() - {unit})" in code
    assert f"toDate(base.{kept.column}) < toDate(telemetry_now())" in code
    for parameter, sign in (("since", ">="), ("until", "<")):
        asked = f"toDate(base.{kept.column}) {sign} {{{parameter}:Date}}" in code
        assert asked is (parameter in {column.name for column in view.parameters})


def test_a_view_that_shows_a_person_cannot_be_declared() -> None:
    with pytest.raises(TypeError, match="v shows session_id, which no analyst may see"):
        view_pair("v", "w", source="s", description="d", keys=(), measures=(counted("session_id", "ids"),))


_TOTALS = {
    "video_health": "dimension",
    "media_health": "",
    "stalls": "dimension, cause",
    "errors": "",
    "staff": "metric, unit",
    "exercise": "angle",
}
"""What the groups of one total have in common, beside tenant and time: groups that add up are judged together."""


@pytest.mark.parametrize("view", [view for view in views().values() if view.withholds], ids=lambda view: view.name)
def test_groups_of_one_total_are_judged_together_and_the_small_ones_come_first(view: View) -> None:
    within = next(common for name, common in _TOTALS.items() if view.name.startswith(name))
    common = ", ".join(filter(None, ("org_id", "" if view.parameters else "day", within)))
    own = [key for key in view.keys if key != "day" and key not in within.split(", ")]
    window = (
        f"PARTITION BY {common} ORDER BY largest_epoch_count(marks) < 5 DESC, size, {', '.join(own)} "
        "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"
    )
    code = " ".join(_code(FILES[view.name]).split())
    assert window in code
    assert "groupUniqArrayArray(marks) OVER earlier AS marks_before" in code
    assert "max(largest_epoch_count(marks) < 5) OVER earlier AS small_before" in code
