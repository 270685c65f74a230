"""The rules of detection keep together, name what exists, and stand in docs/detection.md as they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from telemetry_platform.contracts.detection import DETECTED, LADDER, RULES, By, Rule, watched_kinds
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.contracts.sightings import sightings
from telemetry_platform.contracts.types import Code
from telemetry_platform.docs_generation import detection_page

PAGE = Path(__file__).parents[2] / "docs" / "detection.md"
_POSTED = {"auth.failed"}
"""Types that services post."""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_is_whole(rule: Rule) -> None:
    severities = [severity for severity, _ in rule.thresholds]
    numbers = [least for _, least in rule.thresholds]
    assert severities == sorted(severities, key=LADDER.index)
    assert numbers == sorted(set(numbers))
    assert numbers[0] >= 2  # one event is no burst
    assert rule.quiet >= rule.window
    assert rule.kind in watched_kinds()
    TypeAdapter(Code).validate_python(rule.id)
    table = {column.name for column in kinds()[rule.kind].table.carried}
    assert {by.value for by in (rule.by, rule.distinct) if by not in {None, By.TOKEN}} <= table


def test_rules_are_told_apart() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)


def test_every_type_that_counts_is_seen_by_somebody() -> None:
    seen = _POSTED | {sighting.type for sighting in sightings()}
    counted = {name for rule in RULES if rule.kind == "security" for name in rule.counts}
    assert counted <= seen
    assert {sighting.type for sighting in sightings()} <= counted
    assert DETECTED not in counted


def test_no_account_is_counted_by_what_a_refused_token_claims() -> None:
    of_refused_tokens = {"auth.refused", "token.expired", "token.signature_invalid", "rate.limited"}
    for rule in RULES:
        if By.ACCOUNT in {rule.by, rule.distinct}:
            assert of_refused_tokens.isdisjoint(rule.counts), rule.id


@pytest.mark.parametrize("sighting", sightings(), ids=lambda sighting: sighting.type)
def test_a_sighting_is_a_security_event(sighting: object) -> None:
    severity = kinds()["security"].payload[0].model_fields["severity"].rebuild_annotation()
    # Of a type that no service may say: see test_reserved_names.
    for annotation, value in (
        (Code, sighting.type),  # type: ignore[attr-defined]  # parametrised
        (severity, sighting.severity),  # type: ignore[attr-defined]  # as above
    ):
        assert TypeAdapter(annotation).validate_python(value) == value


def test_names_that_end_so_count() -> None:
    (rule,) = (rule for rule in RULES if rule.kind == "audit")
    assert rule.takes("patient.export")
    assert rule.takes("audit.exported")
    assert not rule.takes("patient.exported_view")
    assert not rule.takes("media.view")


def test_the_page_names_every_rule_as_it_is() -> None:
    assert detection_page.render() == PAGE.read_text("utf-8")
    assert re.findall(r"^\| `([a-z_]+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)[: len(RULES)] == [
        rule.id for rule in RULES
    ]
