"""Alert rules, read as Prometheus reads them: each says what to do, and asks for metrics that there are.

What they fire on is tested by `make alerts`, with Prometheus' own tool.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import promql_parser
import pytest
import typer
import yaml

import dashboards
from telemetry_platform.api.metrics import ApiMetrics
from telemetry_platform.cli import app
from telemetry_platform.contracts.platform_metrics import METRICS, PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER = Path(dashboards.__file__).parent / "prometheus"
_DOCS = Path(dashboards.__file__).parents[1] / "docs"
_COMMAND = re.compile(r"`(telemetry [^`]+)`")
_API_LABELS = {"route", "status", "le", "kind", "code", "reason", "verdict", "level"}


@dataclass(frozen=True)
class Alert:
    """One rule."""

    name: str
    expr: str
    lasting: str
    severity: str
    summary: str
    runbook: str


def _alerts() -> Iterator[Alert]:
    for path in sorted(_FOLDER.glob("*.rules.yml")):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}, rule
                assert set(rule["labels"]) == {"severity"}, rule
                assert set(rule["annotations"]) == {"summary", "runbook"}, rule
                yield Alert(rule["alert"], rule["expr"], rule["for"], rule["labels"]["severity"], **rule["annotations"])


ALERTS = list(_alerts())


def _exposed() -> dict[str, set[str]]:
    """Each metric's name as Prometheus stores it, with its labels."""
    found = {PREFIX + metric.name: {metric.label} - {""} for metric in METRICS.values()}
    for family in ApiMetrics().registry.collect():
        if family.type == "counter":
            names = [f"{family.name}_total"]
        elif family.type == "histogram":
            names = [f"{family.name}_{part}" for part in ("bucket", "count", "sum")]
        else:
            names = [family.name]
        found |= dict.fromkeys(names, _API_LABELS)
    return found


def _selectors(node: Any) -> Iterator[promql_parser.VectorSelector]:  # noqa: ANN401 - the parser's nodes share no type
    """Every selector of an expression, wherever it stands."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node
        return
    for part in ("lhs", "rhs", "expr", "vector_selector", "args", "param"):
        below = getattr(node, part, None)
        for one in below if isinstance(below, list) else [below]:
            if one is not None and not isinstance(one, (str, int, float)):
                yield from _selectors(one)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_asks_for_metrics_and_labels_that_there_are(alert: Alert) -> None:
    exposed = _exposed()
    selectors = list(_selectors(promql_parser.parse(alert.expr)))
    assert selectors
    for selector in selectors:
        assert selector.name in exposed
        assert {matcher.name for matcher in selector.matchers.matchers} - {"__name__"} <= exposed[selector.name]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_says_how_bad_it_is_and_what_to_do_by_commands_that_there_are(alert: Alert) -> None:
    assert alert.severity in {"page", "ticket"}
    assert len(alert.runbook) > 40
    for command in _COMMAND.findall(alert.runbook):
        _find_command(shlex.split(command)[1:])


def _find_command(words: list[str]) -> None:
    """Raise AssertionError when the command or its option is not there."""
    found: Any = typer.main.get_command(app)
    for word in words:
        if word.startswith("-"):
            assert any(word in option.opts for option in found.params), f"{word} is no option of {found.name}"
        else:
            assert word in found.commands, f"{found.name} has no command {word}"
            found = found.commands[word]


def test_every_alert_is_fired_by_the_tests_for_prometheus() -> None:
    tested = "".join(path.read_text(encoding="utf-8") for path in _FOLDER.glob("tests/*.yml"))
    assert [alert.name for alert in ALERTS if f'alertname="{alert.name}"' not in tested] == []
    assert len({alert.name for alert in ALERTS}) == len(ALERTS)


def test_the_page_names_every_alert_with_its_severity_and_summary() -> None:
    """docs/alerts.md is written by hand around a table that must equal the rules."""
    rows = [line for line in (_DOCS / "alerts.md").read_text(encoding="utf-8").splitlines() if line.startswith("| `T")]
    plain = [(alert, re.sub(r"\{\{.*?\}\}", "…", alert.summary)) for alert in ALERTS]
    assert rows == [f"| `{alert.name}` | {alert.severity} | {alert.lasting} | {said} |" for alert, said in plain]


def test_a_metric_that_nobody_exposes_is_found_out() -> None:
    found = [
        selector.name for selector in _selectors(promql_parser.parse("sum(rate(a[5m])) / on() max(b{c='d'}) > 0.1"))
    ]
    assert found == ["a", "b"]
    assert not set(found) & set(_exposed())
