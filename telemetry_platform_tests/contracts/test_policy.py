"""Every kind keeps the policy, and every rule of the policy finds what it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import pytest
from pydantic import Field

from telemetry_platform.contracts.pii import Kept
from telemetry_platform.contracts.policy import RULES, Rule, findings, findings_of_all
from telemetry_platform.contracts.registry import kinds
from telemetry_platform_tests.contracts.contract_making import contract, posted, said, service, trail
from telemetry_platform_tests.contracts.policy_cases_of_persons import OF_PERSONS
from telemetry_platform_tests.contracts.policy_cases_of_shape import OF_SHAPE

if TYPE_CHECKING:
    from telemetry_platform.contracts.event_kind import EventKind

KINDS = sorted(kinds().values(), key=lambda kind: kind.name)
BROKEN = [*OF_PERSONS, *OF_SHAPE]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_kind_keeps_the_policy(kind: EventKind) -> None:
    assert [str(finding) for finding in findings(kind)] == []


def places(kind: EventKind) -> list[str]:
    return [f"{finding.rule}: {finding.where}" for finding in findings(kind)]


def test_a_good_contract_has_no_finding() -> None:
    assert [places(kind) for kind in (contract(), service(), trail())] == [[], [], []]


@pytest.mark.parametrize(
    ("place", "broken", "right"), BROKEN, ids=[f"{place} {n}" for n, (place, *_) in enumerate(BROKEN)]
)
def test_a_rule_finds_what_breaks_it_and_nothing_else(place: str, broken: EventKind, right: EventKind) -> None:
    assert place in places(broken)
    assert [found for found in places(right) if found.startswith(place.partition(":")[0])] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_has_a_sentence_and_a_contract_that_breaks_it(rule: Rule) -> None:
    assert rule.sentence.endswith(".")
    assert rule.name in {place.partition(":")[0] for place, *_ in BROKEN}


UNBOUNDED = posted(share=said(Annotated[float, Field(ge=0)], Kept()), other=said(Annotated[float, Field(le=0)], Kept()))
PLACE = "numbers_fit_their_columns: Viewed.share"


def test_a_finding_says_where_what_to_do_and_how_to_except_it() -> None:
    found = str(findings(contract(UNBOUNDED))[0])
    assert found.startswith("leaflets: Viewed.share: bound it on both sides: Field(ge=..., le=...)")
    assert f'exceptions={{"{PLACE}": "<why>"}}' in found
    assert found.endswith("[numbers_fit_their_columns]")


def test_an_exception_covers_one_rule_at_one_place() -> None:
    excepted = contract(UNBOUNDED, exceptions={PLACE: "shares are computed by the app"})
    assert places(excepted) == ["numbers_fit_their_columns: Viewed.other"]


@pytest.mark.parametrize(
    ("exceptions", "text"),
    [
        ({PLACE: "shares are computed by the app"}, "the exception covers nothing: take it out"),
        ({"numbers_fit_their_columns": "numbers are hard"}, 'write "rule: where" as the finding shows it'),
        ({"numbers_are_nice: Viewed.share": "numbers are hard"}, "there is no rule numbers_are_nice"),
    ],
)
def test_an_exception_that_is_not_needed_is_a_finding(exceptions: dict[str, str], text: str) -> None:
    (finding,) = findings(contract(exceptions=exceptions))
    assert finding.rule == "exceptions_are_needed"
    assert text in str(finding)


def test_an_exception_without_a_reason_is_a_finding() -> None:
    for reason in ("", "because"):
        found = findings(contract(UNBOUNDED, exceptions={PLACE: reason}))
        assert ("exceptions_are_needed", PLACE) in {(finding.rule, finding.where) for finding in found}


def test_no_two_kinds_share_an_endpoint_or_a_table() -> None:
    assert findings_of_all(KINDS) == ()
    found = findings_of_all([contract(), contract(name="flyers", table={"name": "flyers_viewed"})])
    assert [str(finding) for finding in found] == [
        "flyers: /v1/leaflets/views: belongs to leaflets already: take another [names_are_one_kinds]"
    ]
    (shared,) = findings_of_all([contract(), contract(name="flyers", endpoint=None)])
    assert (shared.rule, shared.where) == ("names_are_one_kinds", "leaflets_viewed")
