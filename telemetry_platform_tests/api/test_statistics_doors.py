"""Around the statistics: the trail says who saw what is a person's or another tenant's, and what may be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from telemetry_platform.stores import postgres
from telemetry_platform_tests.api.serving import Api, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from telemetry_platform.settings import Settings

BANDWIDTH = "/v1/media/bandwidth/stats"


@pytest.fixture(scope="module")
def api(module_platform: Settings) -> Iterator[Api]:
    with serving(module_platform, None) as running:
        yield running


def ask(api: Api, path: str, role: str, **given: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {api.token(sub='reader-1', roles=[role])}"}
    return api.client.get(path, params=given, headers=headers)


def told(api: Api, action: str) -> list[tuple[Any, ...]]:
    url = api.settings.postgres.read_url or api.settings.postgres.url
    with postgres.connect(url.get_secret_value()) as conn:
        return conn.execute(
            "SELECT org_id, actor_hash <> '', path FROM audit.audit_logs WHERE action = %s ORDER BY seq", (action,)
        ).fetchall()


def test_who_asked_for_an_exercise_session_is_in_the_trail_found_or_not(api: Api) -> None:
    path = f"/v1/pose/sessions/{UUID(int=5)}"
    assert ask(api, path, "support").status_code == 404
    assert told(api, "support.pose_read") == [("clinic-1", True, "/v1/pose/sessions/{session_id}")]
    assert ask(api, path, "analyst").status_code == 403
    assert len(told(api, "support.pose_read")) == 1, "nothing was shown"


def test_another_tenants_statistics_are_in_that_tenants_trail(api: Api) -> None:
    assert ask(api, BANDWIDTH, "admin").status_code == 200
    assert told(api, "statistics.read") == [], "one's own are no news"
    assert ask(api, BANDWIDTH, "admin", org_id="clinic-9").status_code == 200
    assert told(api, "statistics.read") == [("clinic-9", True, BANDWIDTH)]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"from": "0001-01-01T00:00:00Z", "to": "0001-01-02T00:00:00Z", "compare": "previous"}, "from"),
        ({"from": "2026-01-01T00:00:00Z", "to": "9999-12-31T23:30:00Z"}, "to"),
    ],
)
def test_a_date_beyond_any_data_is_refused(api: Api, given: dict[str, str], field: str) -> None:
    answer = ask(api, BANDWIDTH, "support", **given)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_search_beyond_any_data_is_refused(api: Api, moment: str) -> None:
    headers = {"Authorization": f"Bearer {api.token(sub='reader-1', roles=['support'])}"}
    body = {"error_code": "X", "to": moment}
    answer = api.client.post("/v1/media/sessions/search", json=body, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "to")


def test_an_answer_says_once_how_long_it_may_be_kept(api: Api) -> None:
    yesterday = ask(api, BANDWIDTH, "analyst", period="24h")
    assert yesterday.headers.get_list("cache-control") == ["private, max-age=30"]
    headers = {"Authorization": yesterday.request.headers["authorization"], "If-None-Match": yesterday.headers["etag"]}
    again = api.client.get(BANDWIDTH, params={"period": "24h"}, headers=headers)
    assert again.status_code == 304
    assert api.client.get("/health/live").headers.get_list("cache-control") == ["no-store"]


def test_counts_of_all_tenants_are_an_administrators(api: Api) -> None:
    parts = {
        role: {part["name"]: part for part in ask(api, "/v1/status", role).json()["parts"]}
        for role in ("analyst", "admin")
    }
    assert "0 events" in parts["admin"]["Drops of the last day"]["sentence"]
    assert "0" not in parts["analyst"]["Drops of the last day"]["sentence"]
