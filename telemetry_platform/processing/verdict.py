"""Why a session went as it did: the verdict of the decision table on its evidence.

Invariant: pure; any evidence has a verdict, and every verdict says why in figures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform.contracts.verdict import Verdict
from telemetry_platform.processing.verdict_rules import RULES, TELL_PATIENT
from telemetry_platform.processing.verdict_signals import Signals

if TYPE_CHECKING:
    from telemetry_platform.contracts.verdict import Evidence
    from telemetry_platform.processing.verdict_rules import Rule


def judge(evidence: Evidence) -> Verdict:
    """The most likely cause, by the first rule that holds."""
    signals = Signals(evidence)
    rule = next(rule for rule in RULES if holds(rule, signals))
    return Verdict(
        rule.cause, _reasons(rule, signals), TELL_PATIENT[rule.cause], signals.figures, rule.confidence, rule.name
    )


def holds(rule: Rule, signals: Signals) -> bool:
    """Whether a rule's signals are as it asks."""
    return (
        all(signals.has(name) for name in rule.needs)
        and (not rule.one_of or any(signals.has(name) for name in rule.one_of))
        and not any(signals.has(name) for name in rule.without)
    )


def _reasons(rule: Rule, signals: Signals) -> tuple[str, ...]:
    said = [reason for name in (*rule.needs, *rule.one_of) for reason in signals.reasons(name)]
    if not said:
        unknown = [figure.label for figure in signals.figures if figure.value is None]
        said = [f"{signals.evidence.event_count} events; not measured: {', '.join(unknown) or 'nothing'}"]
    return tuple(dict.fromkeys(said))
