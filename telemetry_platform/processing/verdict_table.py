"""The decision table and the limits in Markdown, made from the rules: the page in `docs/` shows these very lines."""

from __future__ import annotations

from telemetry_platform.processing.verdict_figures import MEASURES
from telemetry_platform.processing.verdict_rules import RULES, TELL_PATIENT


def markdown() -> str:
    """Rules in their order, limits of the figures, and what patients are told."""
    return "\n".join(("## The decision table", "", *_rules(), "", "## Limits", "", *_limits(), "", *_told()))


def _rules() -> list[str]:
    lines = [
        "| # | rule | all of | one of | none of | verdict | confidence |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for number, rule in enumerate(RULES, 1):
        asked = (_names(rule.needs), _names(rule.one_of), _names(rule.without))
        lines.append(f"| {number} | {rule.name} | {' | '.join(asked)} | {rule.cause} | {rule.confidence} |")
    return lines


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "-"


def _limits() -> list[str]:
    lines = ["| figure | good | warn | unit |", "| --- | --- | --- | --- |"]
    for measure in MEASURES:
        sign = ">=" if measure.more_is_better else "<="
        named, good, warn = f"{measure.label} (`{measure.name}`)", f"{measure.good:g}", f"{measure.warn:g}"
        lines.append(f"| {named} | {sign} {good} | {sign} {warn} | {measure.unit} |")
    return lines


def _told() -> list[str]:
    return [
        "## What the patient is told",
        "",
        "| cause | words |",
        "| --- | --- |",
        *(f"| {cause} | {words} |" for cause, words in TELL_PATIENT.items()),
    ]
