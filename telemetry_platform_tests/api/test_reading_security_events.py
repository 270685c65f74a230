"""Pages of the security events: of one tenant, everything once, and the trail says who looked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from telemetry_platform.contracts.registry import tables
from telemetry_platform_tests.api.serving import Api, serving
from telemetry_platform_tests.api.trail_reading import (
    SECURITY,
    bearer,
    fill_security,
    get,
    own_entries,
    refuse_records,
    trail_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings
    from telemetry_platform_tests.stores.trail import Trail


@pytest.fixture(scope="module")
def trail(engines: PlatformHandle, module_platform: Settings) -> Trail:
    found = trail_of(engines, module_platform)
    for _ in range(3):
        fill_security(found, "clinic-1", 9)
        fill_security(found, "clinic-2", 4, severity="high")
        fill_security(found, "clinic-1", 2, type="rate.limited", severity="medium", rule_id="flood")
    return found


@pytest.fixture(scope="module")
def api(module_platform: Settings, trail: Trail) -> Iterator[Api]:
    assert trail.rows("SELECT count(*) FROM security.security_events")[0][0] > 0
    with serving(module_platform, None) as running:
        yield running


def walk(api: Api, query: dict[str, Any], **claims: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - JSON values
    found: list[dict[str, Any]] = []
    asked = dict(query)
    while True:
        answer = get(api, SECURITY, asked, **claims)
        assert answer.status_code == 200, answer.text
        found += answer.json()["events"]
        if answer.json()["next"] is None:
            return found
        asked["after"] = answer.json()["next"]


@pytest.mark.parametrize("limit", [1, 5, 1000])
def test_a_walk_has_every_event_of_the_tenant_once(api: Api, trail: Trail, limit: int) -> None:
    stored = trail.rows(
        "SELECT event_id::text FROM security.security_events WHERE org_id = 'clinic-1' ORDER BY recorded_at, event_id"
    )
    found = walk(api, {"limit": limit})
    assert [event["event_id"] for event in found] == [row[0] for row in stored]
    assert list(found[0]) == [column.name for column in tables()["security.security_events"].columns]
    assert found[0]["occurred_at"] == "2026-02-17T10:00:00.123000Z"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"type": "rate.limited"}, 6),
        ({"severity": "medium"}, 6),
        ({"rule_id": "flood"}, 6),
        ({"severity": "high"}, 0),
        ({"from": "2026-02-17T10:00:00.123Z", "to": "2026-02-17T10:00:00.124Z"}, 33),
        ({"from": "2026-02-17T10:00:00.124Z"}, 0),
        ({"to": "2026-02-17T10:00:00.123Z"}, 0),
    ],
)
def test_a_filter_leaves_what_it_says(api: Api, query: dict[str, Any], expected: int) -> None:
    assert len(walk(api, query | {"limit": 4})) == expected


def test_other_tenants_take_the_role_admin(api: Api) -> None:
    assert get(api, SECURITY, {"org_id": "clinic-2"}).status_code == 403
    assert get(api, SECURITY, {"all_orgs": "true"}).status_code == 403
    assert {event["org_id"] for event in walk(api, {"org_id": "clinic-2"}, roles=["admin"])} == {"clinic-2"}
    everything = walk(api, {"all_orgs": "true", "limit": 2}, roles=["admin"])
    assert len(everything) == 45
    assert len({(event["org_id"], event["event_id"]) for event in everything}) == 45


@pytest.mark.parametrize("roles", [["patient"], ["staff"], ["service"], ["analyst"], ["support"]])
def test_nobody_else_may_read(api: Api, roles: list[str]) -> None:
    assert get(api, SECURITY, roles=roles).status_code == 403
    assert api.client.get(SECURITY).status_code == 401


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("action=x", "action"),
        ("severity=bad", "severity"),
        ("type=ana%40example.org", "type"),
        ("after=nonsense", "after"),
        ("after=bnVsbA", "after"),
        ("after=WzEsMiwzXQ", "after"),
        ("after=WyIyMDI2LTAyLTE3VDEwOjAwOjAwIiwiYSIsIjAwMDAwMDAwLTAwMDAtMDAwMC0wMDAwLTAwMDAwMDAwMDAwMCJd", "after"),
        ("after=%C3%A4", "after"),
        ("limit=1&limit=1", "limit"),
    ],
)
def test_a_question_that_is_none_is_refused_and_the_parameter_named(api: Api, query: str, field: str) -> None:
    answer = api.client.get(f"{SECURITY}?{query}", headers=bearer(api))
    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["errors"]] == [field]


def test_a_reading_is_recorded_first(api: Api, trail: Trail, module_platform: Settings) -> None:
    assert get(api, SECURITY, {"severity": "low", "limit": 3}).status_code == 200
    last = own_entries(trail, "security.read")[-1]
    assert (last[0], last[3]) == ("clinic-1", SECURITY)
    assert last[4] == {"filters": ["severity"], "rows": 3, "tenants": "own"}
    refuse_records(module_platform, refuse=True)
    answer = get(api, SECURITY)
    refuse_records(module_platform, refuse=False)
    assert answer.status_code == 503
    assert "events" not in answer.json()
