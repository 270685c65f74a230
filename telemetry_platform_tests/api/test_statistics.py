"""The statistics over HTTP equal plain SQL over the tables, for every grouping; analysts see no small group."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from telemetry_platform.api import stats_questions
from telemetry_platform.api.trail_questions import parameters
from telemetry_platform.contracts.statistics import Dimension
from telemetry_platform.stores import statistics
from telemetry_platform.usecases.drain.stores import open_stores
from telemetry_platform.usecases.rollups.touched import rebuild_due
from telemetry_platform_tests.api.serving import Api, serving
from telemetry_platform_tests.api.statistics_data import DAY, MEDIUM, NOW, PLAIN, TODAY, ask, fill, stretch
from telemetry_platform_tests.usecases.rollup_making import put, session

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from telemetry_platform.settings import Settings
    from telemetry_platform.usecases.drain.stores import DrainStores

BANDWIDTH, SESSIONS = "/v1/media/bandwidth/stats", "/v1/media/sessions/stats"


@pytest.fixture(scope="module")
def filled(module_platform: Settings) -> Iterator[tuple[Api, DrainStores]]:
    """A server over rollups that were rebuilt from random sessions, requests, errors and figures of staff."""
    with open_stores(module_platform, log_comment="tests") as stores:
        fill(stores)
        with serving(module_platform, None) as api:
            yield api, stores


@pytest.mark.parametrize("dimension", Dimension)
def test_figures_equal_plain_sql(filled: tuple[Api, DrainStores], dimension: Dimension) -> None:
    api, stores = filled
    answer = ask(api, BANDWIDTH, group_by=dimension.value, **stretch())
    assert answer.status_code == 200, answer.text
    told = {row[dimension.value] or "": row for row in answer.json()["stats"]}
    plain = stores.warehouse.client.query(
        PLAIN.replace("{{dimension}}", dimension.value), {"since": TODAY - 8 * DAY, "until": TODAY}
    )
    assert set(told) == {row[0] for row in plain}
    for value, sessions, ttfb, ttfb_n, load, completed, failed, bitrate, buffering, p95 in plain:
        row = told[value]
        assert (row["total_sessions"], row["n"]["avg_ttfb_ms"]) == (sessions, ttfb_n)
        assert row["avg_ttfb_ms"] == pytest.approx(ttfb)
        assert row["avg_load_time_ms"] == pytest.approx(load)
        assert row["completion_rate"] == pytest.approx(completed)
        assert row["error_rate"] == pytest.approx(failed)
        assert row["avg_bitrate"] == pytest.approx(bitrate)
        assert row["avg_buffering_count"] == pytest.approx(buffering)
        # A bucket's middle: at most 4.5 % off; of few values the rank may fall on a neighbour.
        assert row["p95_ttfb_ms"] == pytest.approx(p95, rel=0.1)


def test_e10_a_mean_over_days_is_the_mean_of_all_sessions(filled: tuple[Api, DrainStores]) -> None:
    (row,) = ask(filled[0], BANDWIDTH, period="7d", org_id_of="clinic-3").json()["stats"]
    assert row["avg_ttfb_ms"] == pytest.approx(109.0)
    assert row["p95_ttfb_ms"] == pytest.approx(100.0, rel=0.045)


def test_e11_nothing_is_an_empty_list_and_none_completed_is_zero(filled: tuple[Api, DrainStores]) -> None:
    api, _ = filled
    nothing = ask(api, BANDWIDTH, org_id_of="clinic-9")
    assert json.loads(nothing.text, parse_constant=pytest.fail)["stats"] == []
    assert nothing.json()["period"] == "7d"
    assert ask(api, SESSIONS, org_id_of="clinic-9").json()["stats"] is None
    (row,) = ask(api, BANDWIDTH, org_id_of="clinic-3").json()["stats"]
    assert row["completion_rate"] == 0.0
    assert (row["avg_bitrate"], row["avg_load_time_ms"], row["p95_load_time_ms"]) == (None, None, None)


def test_e02_a_session_that_was_stored_twice_counts_once(filled: tuple[Api, DrainStores]) -> None:
    api, stores = filled
    twice = session(5000, TODAY - 4 * DAY) | {"org_id": "clinic-4", "ttfb_ms": 80.0}
    put(stores, "media_sessions", [twice])
    put(stores, "media_sessions", [twice])
    rebuild_due(stores, now=NOW, budget=timedelta(minutes=1))
    (row,) = ask(api, BANDWIDTH, org_id_of="clinic-4").json()["stats"]
    assert (row["total_sessions"], row["avg_ttfb_ms"]) == (1, 80.0)


def test_analysts_see_no_small_group_and_counts_in_fives(filled: tuple[Api, DrainStores]) -> None:
    api, _ = filled
    exact = {row["country_code"]: row for row in ask(api, BANDWIDTH, **stretch()).json()["stats"]}
    assert "IS" in exact
    answer = ask(api, BANDWIDTH, roles=["analyst"], **stretch()).json()
    shown = {row["country_code"]: row for row in answer["stats"]}
    assert "IS" not in shown, "two people"
    assert answer["withheld"] == 2, "and with them the smallest other one, from which they could be told"
    assert len(shown) == len(exact) - 2
    for country, row in shown.items():
        assert row["total_sessions"] == exact[country]["total_sessions"] // 5 * 5
        assert row["avg_ttfb_ms"] == pytest.approx(exact[country]["avg_ttfb_ms"])
        assert all(count % 5 == 0 for count in row["n"].values())
    one = ask(api, BANDWIDTH, roles=["analyst"], media_id=MEDIUM, **stretch()).json()
    assert "IS" not in {row["country_code"] for row in one["stats"]}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"period": "2d"}, "period"),
        ({"period": "7d", "from": "2026-02-17T10:00:00Z", "to": "2026-02-18T10:00:00Z"}, "period"),
        ({"from": "2026-02-17T10:00:00Z"}, "to"),
        ({"from": "2026-02-17T10:00:00", "to": "2026-02-18T10:00:00Z"}, "from"),
        ({"from": "2026-02-18T10:00:00Z", "to": "2026-02-17T10:00:00Z"}, "to"),
        ({"from": "2020-02-18T10:00:00Z", "to": "2026-02-17T10:00:00Z"}, "from"),
        ({"group_by": "city"}, "group_by"),
        ({"media_id": "knee-squat-2"}, "media_id"),
        ({"color": "blue"}, "color"),
        ({"period": ["7d", "24h"]}, "period"),
    ],
)
def test_a_wrong_question_is_refused_by_its_parameter(
    filled: tuple[Api, DrainStores], given: dict[str, Any], field: str
) -> None:
    answer = ask(filled[0], BANDWIDTH, **given)
    assert answer.status_code == 422
    assert field in {error["field"] for error in answer.json()["errors"]}, answer.text
    assert "knee-squat" not in answer.text


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"period": "1h"}, "period"),
        ({"from": f"{TODAY - DAY:%Y-%m-%dT10:00:00Z}", "to": f"{TODAY:%Y-%m-%dT00:00:00Z}"}, "from"),
        ({"from": f"{TODAY:%Y-%m-%dT00:00:00Z}", "to": f"{TODAY + DAY:%Y-%m-%dT00:00:00Z}"}, "to"),
    ],
)
def test_analysts_are_answered_for_whole_days_that_have_ended(
    filled: tuple[Api, DrainStores], given: dict[str, str], field: str
) -> None:
    answer = ask(filled[0], BANDWIDTH, roles=["analyst"], **given)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


def test_who_may_ask_and_whose_rows_they_see(filled: tuple[Api, DrainStores]) -> None:
    api, _ = filled
    assert ask(api, BANDWIDTH, roles=["patient"]).status_code == 403
    assert api.client.get(BANDWIDTH).status_code == 401
    assert ask(api, BANDWIDTH, org_id="clinic-2").status_code == 403
    (row,) = ask(api, BANDWIDTH, roles=["admin"], org_id="clinic-2").json()["stats"]
    assert row["total_sessions"] == 1


def test_the_stretch_before_stands_beside_it(filled: tuple[Api, DrainStores]) -> None:
    api, _ = filled
    body = ask(api, SESSIONS, compare="previous", **stretch(4)).json()
    before = {"from": f"{TODAY - 8 * DAY:%Y-%m-%dT%H:%M:%SZ}", "to": f"{TODAY - 4 * DAY:%Y-%m-%dT%H:%M:%SZ}"}
    assert body["previous"]["stats"] == ask(api, SESSIONS, **before).json()["stats"]
    stats = body["stats"]
    assert sum(each["sessions"] for each in stats["startup_distribution"]) == stats["n"]["avg_startup_ms"]
    assert stats["totals"]["completed"] + stats["totals"]["abandoned"] == stats["total_sessions"]


def test_csv_a_tag_and_a_short_private_life(filled: tuple[Api, DrainStores]) -> None:
    api, plain = filled[0], ask(filled[0], BANDWIDTH, **stretch())
    assert plain.headers["cache-control"].startswith("private, max-age=")
    again = ask(api, BANDWIDTH, tag=plain.headers["etag"], **stretch())
    assert (again.status_code, again.content) == (304, b"")
    sheet = ask(api, BANDWIDTH, accept="text/csv", **stretch())
    assert sheet.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(sheet.text)))
    assert [int(row["total_sessions"]) for row in rows] == [row["total_sessions"] for row in plain.json()["stats"]]
    errors = ask(api, "/v1/errors/stats", accept="text/csv", **stretch()).text
    assert "'=HYPERLINK" in errors, "what a spreadsheet would run is quoted"


def test_the_core_api_by_route(filled: tuple[Api, DrainStores]) -> None:
    (row,) = ask(filled[0], "/v1/api/metrics/stats", roles=["analyst"], **stretch()).json()["stats"]
    assert (row["requests"], row["server_errors"], row["error_rate"]) == (100, 10, 0.1)
    assert row["avg_duration_ms"] == pytest.approx(50.5)
    assert row["p95_duration_ms"] == pytest.approx(95, rel=0.05)


def test_errors_by_fingerprint(filled: tuple[Api, DrainStores]) -> None:
    api, _ = filled
    exact = ask(api, "/v1/errors/stats", **stretch()).json()
    assert [(row["fingerprint"], row["errors"]) for row in exact["stats"]] == [("f1", 20), ("f2", 1)]
    analyst = ask(api, "/v1/errors/stats", roles=["analyst"], **stretch()).json()
    assert (analyst["stats"], analyst["withheld"]) == ([], 2), "f2 is one person's, and f1 would tell of it"


def test_staff_by_team(filled: tuple[Api, DrainStores]) -> None:
    api, _ = filled
    exact = {row["team_id"]: row for row in ask(api, "/v1/staff/metrics/stats", **stretch()).json()["stats"]}
    assert (exact["t1"]["figures"], exact["t1"]["mean"], exact["t1"]["largest"]) == (12, 5.5, 11.0)
    analyst = ask(api, "/v1/staff/metrics/stats", roles=["analyst"], **stretch()).json()
    assert (analyst["stats"], analyst["withheld"]) == ([], 2)


def test_an_exercise_session_is_for_support(filled: tuple[Api, DrainStores]) -> None:
    api, _ = filled
    path = f"/v1/pose/sessions/{UUID(int=1)}"
    found = ask(api, path).json()
    assert (found["session_id"], found["frames"], found["duration_ms"]) == (str(UUID(int=1)), 3, 2000)
    assert not {"actor_hash", "key_epoch", "org_id"} & found.keys()
    assert ask(api, f"/v1/pose/sessions/{UUID(int=2)}").status_code == 404
    assert ask(api, path, org_id_of="clinic-2").status_code == 404
    assert ask(api, path, roles=["analyst"]).status_code == 403


def test_a_medium_s_pseudonym_is_what_its_sessions_carry(filled: tuple[Api, DrainStores]) -> None:
    api, _ = filled
    headers = {"Authorization": f"Bearer {api.token(sub='reader-1', roles=['analyst'])}"}
    answer = api.client.post("/v1/media/pseudonyms", json={"media_id": "knee-squat-2"}, headers=headers)
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["media_id"]) == 64
    assert api.client.post("/v1/media/pseudonyms", json={"media": 1}, headers=headers).status_code == 422


@pytest.mark.parametrize(("hours", "sessions"), [((0, 1), [1]), ((1, 2), [1]), ((0, 24), [2]), ((2, 24), [])])
def test_e34_hours_are_utc_whatever_a_clock_is_set_to(
    filled: tuple[Api, DrainStores], hours: tuple[int, int], sessions: list[int]
) -> None:
    since = datetime(2026, 10, 25, tzinfo=UTC)
    ends = [f"{since + timedelta(hours=hour):%Y-%m-%dT%H:%M:%SZ}" for hour in hours]
    answer = ask(filled[0], BANDWIDTH, org_id_of="clinic-5", **{"from": ends[0], "to": ends[1]}).json()
    assert [row["total_sessions"] for row in answer["stats"]] == sessions


def test_a_stretch_is_widened_to_whole_hours_and_said(filled: tuple[Api, DrainStores]) -> None:
    given = {"from": "2026-10-25T02:30:00+02:00", "to": "2026-10-25T00:40:00Z"}
    answer = ask(filled[0], BANDWIDTH, org_id_of="clinic-5", **given).json()
    assert (answer["from"], answer["to"]) == ("2026-10-25T00:00:00.000Z", "2026-10-25T01:00:00.000Z")
    assert [row["total_sessions"] for row in answer["stats"]] == [1]


def test_a_filter_picks_one_group_and_shows_no_more_of_it(filled: tuple[Api, DrainStores]) -> None:
    api, _ = filled
    among_all = {row["country_code"]: row for row in ask(api, BANDWIDTH, **stretch()).json()["stats"]}
    for country in ("IS", ""):
        alone = ask(api, BANDWIDTH, country_code=country, **stretch()).json()
        assert alone["stats"] == [among_all[country or None]]
    answer = ask(api, BANDWIDTH, roles=["analyst"], country_code="IS", **stretch()).json()
    assert answer["stats"] == []
    refused = ask(api, BANDWIDTH, group_by="device_type", country_code="RO")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "country_code")


def test_a_medium_shows_nothing_that_all_media_less_it_would_tell(filled: tuple[Api, DrainStores]) -> None:
    api, stores = filled
    others = [session(6000 + n, TODAY - 2 * DAY) | {"org_id": "clinic-6", "media_id": "d" * 64} for n in range(8)]
    others += [session(6100, TODAY - 2 * DAY) | {"org_id": "clinic-6", "media_id": "e" * 64}]
    put(stores, "media_sessions", others)
    rebuild_due(stores, now=NOW, budget=timedelta(minutes=1))
    given: dict[str, Any] = {"org_id_of": "clinic-6", "roles": ["analyst"], **stretch()}
    (row,) = ask(api, BANDWIDTH, **given).json()["stats"]
    assert row["total_sessions"] == 5
    one = ask(api, BANDWIDTH, media_id="d" * 64, **given).json()
    assert (one["stats"], one["withheld"]) == ([], 1), "one person watched another medium"
    assert ask(api, SESSIONS, media_id="d" * 64, **given).json()["stats"] is None


def test_whoever_asks_too_often_waits_and_others_do_not(filled: tuple[Api, DrainStores]) -> None:
    api, _ = filled

    def asked(sub: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {api.token(sub=sub, roles=['analyst'])}"}
        return api.client.post("/v1/media/pseudonyms", json={"media_id": "m"}, headers=headers)

    answers = [asked("reader-2") for _ in range(150)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert int(refused[0].headers["retry-after"]) >= 1
    assert asked("reader-3").status_code == 200


def test_an_answer_that_takes_too_long_is_a_504(
    filled: tuple[Api, DrainStores], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(statistics._SETTINGS, "max_execution_time", 0.000001)  # noqa: SLF001 - no answer is slow here
    answer = ask(filled[0], BANDWIDTH, **stretch())
    assert (answer.status_code, answer.json()["code"]) == (504, "took_too_long")


def test_analysts_distributions_do_not_tell_of_a_few(filled: tuple[Api, DrainStores]) -> None:
    api, _ = filled
    exact = ask(api, SESSIONS, **stretch()).json()["stats"]["ttfb_distribution"]
    assert any(0 < each["sessions"] < 5 for each in exact), "the test needs a bucket of a few"
    shown = ask(api, SESSIONS, roles=["analyst"], **stretch()).json()["stats"]["ttfb_distribution"]
    assert shown == [{**each, "sessions": each["sessions"] // 5 * 5} for each in exact if each["sessions"] >= 5]


def test_the_document_of_the_parameters_refers_to_nothing() -> None:
    for model in (stats_questions.BandwidthQuestion, stats_questions.ApiQuestion, stats_questions.StaffQuestion):
        assert "$ref" not in json.dumps(parameters(model))
