"""Erasures over HTTP: who may ask, what is answered, and what comes in of the person from then on."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from telemetry_platform_tests.api.serving import Api, event, serving
from telemetry_platform_tests.usecases.erased_person import carry_out
from telemetry_platform_tests.usecases.landing import drain_all, quick

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from telemetry_platform.settings import Settings

PATH = "/v1/privacy/erasures"


@pytest.fixture(scope="module")
def now_api(make_platform: Callable[[], Settings]) -> Iterator[Api]:
    """A server with the machine's clock."""
    with serving(make_platform(), None) as running:
        yield running


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ask(api: Api, body: Any, **claims: Any) -> httpx.Response:  # noqa: ANN401 - JSON
    token = api.token(**({"sub": "officer-1", "roles": ["compliance"]} | claims))
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return api.client.post(PATH, content=json.dumps(body), headers=headers)


def look(api: Api, erasure_id: str, **claims: Any) -> httpx.Response:  # noqa: ANN401 - JSON
    token = api.token(**({"sub": "officer-1", "roles": ["compliance"]} | claims))
    return api.client.get(f"{PATH}/{erasure_id}", headers={"Authorization": f"Bearer {token}"})


def test_an_erasure_is_asked_for_carried_out_and_read(now_api: Api) -> None:
    before = event(timestamp=_now())
    assert now_api.post(before, {"X-Consent-Level": "2"}, sub="ana-1").json()["status"] == "accepted"
    asked = ask(now_api, {"user_id": "ana-1"})
    assert (asked.status_code, asked.json()["status"]) == (202, "requested")
    assert ask(now_api, {"user_id": "ana-1"}).json()["erasure_id"] == asked.json()["erasure_id"]
    # The same event again, and a new one of the same session: from before.
    again = now_api.post(before, {"X-Consent-Level": "2"}, sub="ana-1").json()
    assert (again["status"], again["reason"]) == ("dropped", "erased")
    # A new session now: from after, but they have agreed to nothing any more.
    fresh = now_api.post(event(timestamp=_now()), {"X-Consent-Level": "2"}, sub="ana-1").json()
    assert (fresh["status"], fresh["reason"]) == ("dropped", "recorded_decision")
    assert look(now_api, asked.json()["erasure_id"]).json()["status"] == "requested"
    drain_all(quick(now_api.settings))
    carry_out(now_api.settings)
    found = look(now_api, asked.json()["erasure_id"]).json()
    assert found["status"] == "certified"
    # What was queued before the tombstone stood was left out by the drain.
    assert found["certificate"]["result"] == "nothing found"
    assert "ana-1" not in json.dumps(found)
    assert found["document"].startswith(f"# Erasure {found['erasure_id']}")


@pytest.mark.parametrize("roles", [["patient"], ["staff"], ["service"], ["analyst"], ["support"], ["admin"], []])
def test_only_compliance_asks_and_reads(now_api: Api, roles: list[str]) -> None:
    assert ask(now_api, {"user_id": "x"}, roles=roles).status_code == 403
    assert look(now_api, str(uuid4()), roles=roles).status_code == 403


def test_an_erasure_is_of_one_tenant(now_api: Api) -> None:
    asked = ask(now_api, {"user_id": "ana-2"}).json()
    assert look(now_api, asked["erasure_id"], org_id="clinic-2").status_code == 404
    assert ask(now_api, {"user_id": "ana-2"}, org_id="clinic-2").json()["erasure_id"] != asked["erasure_id"]
    assert look(now_api, str(uuid4())).status_code == 404
    assert look(now_api, "no-uuid").status_code == 422


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "user_id"),
        ({"user_id": ""}, "user_id"),
        ({"user_id": 42}, "user_id"),
        ({"user_id": "x" * 257}, "user_id"),
        ({"user_id": "ana", "ana@example.com": 1}, ""),
    ],
)
def test_a_body_that_is_none_is_refused_and_not_repeated(now_api: Api, body: Any, field: str) -> None:  # noqa: ANN401 - JSON
    answer = ask(now_api, body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert "ana" not in answer.text
