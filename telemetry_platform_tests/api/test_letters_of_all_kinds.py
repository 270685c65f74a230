"""What the API writes into the queue can rest in a dead letter as it is, and be replayed from there: every kind."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from telemetry_platform.contracts.registry import kinds
from telemetry_platform.processing.dead_bodies import scrubbed_body
from telemetry_platform_tests.api.serving import Api, at, serving
from telemetry_platform_tests.contracts.test_samples import SAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from telemetry_platform.settings import Settings

POSTED = sorted(name for name, kind in kinds().items() if kind.endpoint)


@pytest.fixture(scope="module")
def taking(make_platform: Callable[[], Settings]) -> Iterator[Api]:
    """One server for all samples, with the machine's clock."""
    with serving(make_platform(), None) as running:
        yield running


def samples(kind: str) -> list[dict[str, Any]]:
    """The accepted samples, as if they were posted now."""
    moment = at(0, datetime.now(UTC))
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((SAMPLES / kind / "accepted").glob("*"))]
    return [_dated(sample, moment) for sample in found]


def _dated(sample: dict[str, Any], moment: str) -> dict[str, Any]:
    """The sample with this time wherever it says one."""
    if "frames" in sample:
        return {**sample, "frames": [_dated(frame, moment) for frame in sample["frames"]], "sent_at": moment}
    return {**sample, "timestamp": moment, "sent_at": moment}


@pytest.mark.parametrize("name", POSTED)
def test_a_body_that_was_fine_rests_unchanged(taking: Api, name: str) -> None:
    endpoint = kinds()[name].endpoint
    assert endpoint is not None
    role = min(endpoint.roles, default=None)
    before = len(taking.entries(name))
    for sample in samples(name):
        claims: dict[str, Any] = {"roles": [role or "patient"], "purposes": [kinds()[name].purpose or "none"]}
        answer = taking.post_to(endpoint.path, sample, {"X-Consent-Level": "3"}, **claims)
        assert answer.status_code == 202, answer.text
        verdicts = answer.json().get("results", [answer.json()])
        assert {verdict["status"] for verdict in verdicts} == {"accepted"}
    bodies = [entry["body"] for entry in taking.entries(name)[before:]]
    assert len(bodies) >= len(samples(name))
    for body in bodies:
        assert json.loads(scrubbed_body(kinds()[name], body.encode())) == json.loads(body)
