"""Support's pages and routes: sessions are found and shown with their verdict, and the look is in the trail first."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from telemetry_platform.contracts.pii import Domain
from telemetry_platform.stores import postgres
from telemetry_platform.usecases.ensure_keys import load_key_ring
from telemetry_platform_tests.api.page_reading import Page
from telemetry_platform_tests.api.serving import Api, event, serving
from telemetry_platform_tests.usecases.landing import drain_all, quick

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from telemetry_platform.settings import Settings

SEARCH = "/v1/media/sessions/search"
ANA = "ana-4711"
SESSION, FOREIGN = str(uuid4()), str(uuid4())
HOSTILE = "<script>alert(1)</script>"
BEGAN = datetime.now(UTC) - timedelta(minutes=10)
OURS = {"Sec-Fetch-Site": "same-origin"}
_VIEW: tuple[tuple[str, float, dict[str, Any]], ...] = (
    ("session_start", 0, {"ttfb_ms": 340.0, "total_duration_seconds": 60.0, "initial_bitrate": 2_000_000}),
    ("play", 2, {"position_seconds": 0.0}),
    ("buffering_start", 10, {"position_seconds": 8.0}),
    ("buffering_end", 14, {"position_seconds": 8.0, "duration_ms": 4000}),
    ("error", 20, {"error_code": "MEDIA_ERR_DECODE", "error_message": "decode", "fatal": True}),
    ("session_end", 21, {"position_seconds": 14.0, "reason": "abandoned", "watched_seconds": 14.0}),
)


@pytest.fixture(scope="module")
def filled(module_platform: Settings) -> Iterator[Api]:
    """A server whose tables hold a view of Ana's with a stall and an error, and one of hers in another tenant."""
    with serving(module_platform, None) as api:
        for org_id, session in (("clinic-1", SESSION), ("clinic-2", FOREIGN)):
            for name, after, data in _VIEW:
                moment = (BEGAN + timedelta(seconds=after)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
                body = event(name, session_id=session, data=data, timestamp=moment)
                assert api.post(body, org_id=org_id, sub=ANA).json()["status"] == "accepted"
        drain_all(quick(module_platform))
        yield api


def ask(api: Api, body: Any, **claims: Any) -> httpx.Response:  # noqa: ANN401 - JSON
    token = api.token(**({"sub": "helper-1", "roles": ["support"]} | claims))
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return api.client.post(SEARCH, content=json.dumps(body), headers=headers)


def cookie(api: Api, **claims: Any) -> dict[str, str]:  # noqa: ANN401 - JSON
    """The header of a browser that has signed in; the client itself forgets."""
    token = api.token(**({"sub": "helper-1", "roles": ["support"]} | claims))
    answer = api.client.post("/support/sign-in", data={"token": token}, headers=OURS)
    assert answer.status_code == 303, answer.text
    api.client.cookies.clear()
    return {"Cookie": answer.headers["set-cookie"].split(";")[0]}


def entries(settings: Settings, action: str) -> list[tuple[Any, ...]]:
    assert settings.postgres.read_url is not None
    with postgres.connect(settings.postgres.read_url.get_secret_value()) as connection:
        return connection.execute(
            "SELECT actor_hash, resource_id_hash, org_id, path, body FROM audit.audit_logs "
            "JOIN audit.details USING (seq) WHERE action = %s ORDER BY seq",
            (action,),
        ).fetchall()


def test_a_patients_sessions_are_found_with_their_verdict(filled: Api) -> None:
    answer = ask(filled, {"user_id": ANA})
    assert answer.status_code == 200, answer.text
    assert [one["session_id"] for one in answer.json()["sessions"]] == [SESSION]
    assert answer.json()["sessions"][0]["verdict"]["cause"] == "player_error"
    for body in ({"session_id": SESSION}, {"error_code": "MEDIA_ERR_DECODE"}):
        assert [one["session_id"] for one in ask(filled, body).json()["sessions"]] == [SESSION]
    assert ask(filled, {"user_id": ANA.upper()}).json() == {"sessions": []}
    before = {"user_id": ANA, "from": "2020-01-01T00:00:00Z", "to": "2020-02-01T00:00:00Z"}
    assert ask(filled, before).json() == {"sessions": []}


def test_one_session_tells_its_events_and_stalls(filled: Api) -> None:
    headers = {"Authorization": f"Bearer {filled.token(roles=['support'])}"}
    found = filled.client.get(f"/v1/media/sessions/{SESSION}", headers=headers).json()
    assert [one["event"] for one in found["timeline"]] == [name for name, _, _ in _VIEW]
    assert [one["duration_ms"] for one in found["stalls"]] == [4000]
    assert found["verdict"]["reasons"]
    assert filled.client.get("/v1/media/sessions/none", headers=headers).status_code == 404


def test_another_tenants_session_is_not_there(filled: Api) -> None:
    headers = {"Authorization": f"Bearer {filled.token(roles=['support'])}"}
    assert filled.client.get(f"/v1/media/sessions/{FOREIGN}", headers=headers).status_code == 404
    assert filled.client.get(f"/support/sessions/{FOREIGN}", headers=cookie(filled)).status_code == 404
    assert ask(filled, {"session_id": FOREIGN}).json() == {"sessions": []}
    assert len(ask(filled, {"session_id": FOREIGN}, org_id="clinic-2").json()["sessions"]) == 1


@pytest.mark.parametrize("role", ["patient", "staff", "service", "analyst", "compliance"])
def test_nobody_else_may_look(filled: Api, role: str) -> None:
    assert ask(filled, {"user_id": ANA}, roles=[role]).status_code == 403
    headers = {"Authorization": f"Bearer {filled.token(roles=[role])}"}
    assert filled.client.get(f"/v1/media/sessions/{SESSION}", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"user_id": "xxx", "error_code": "A"},
        {"user_id": "x" * 257},
        {"session_id": "xxx"},
        {"user_id": "xxx", "limit": 0},
        {"user_id": "xxx", "from": "2020-01-01T00:00:00Z"},
        {"user_id": "xxx", "org_id": "clinic-2"},
    ],
)
def test_a_question_that_is_none_is_refused_and_not_repeated(filled: Api, body: Any) -> None:  # noqa: ANN401 - JSON
    answer = ask(filled, body)
    assert answer.status_code == 422
    assert "xxx" not in answer.text


def test_every_look_is_in_the_trail(filled: Api) -> None:
    headers = cookie(filled, sub="helper-9")
    found = filled.client.post("/support/find", data={"user_id": "never-seen"}, headers=headers | OURS)
    assert found.status_code == 200
    assert filled.client.get(f"/support/sessions/{SESSION}", headers=headers).status_code == 200
    with postgres.connect(filled.settings.postgres) as connection:
        ring = load_key_ring(connection, filled.settings.keys)
    helper, person = (ring.pseudonym(Domain.AUDIT_ACTOR, 1, one) for one in ("helper-9", "never-seen"))
    searched = entries(filled.settings, "support.person_searched")[-1]
    assert searched == (helper, person, "clinic-1", "/support/find", {"by": "user_id", "sessions": 0, "tenants": "own"})
    read = entries(filled.settings, "support.session_read")[-1]
    assert (read[0], read[3]) == (helper, "/support/sessions/{session_id}")
    assert read[4] == {"session_id": SESSION, "found": True, "tenants": "own"}


def test_what_cannot_be_recorded_is_not_shown(filled: Api) -> None:
    headers = cookie(filled)
    owner_url = filled.settings.postgres.owner_url
    assert owner_url is not None
    with postgres.connect(owner_url.get_secret_value(), autocommit=True) as owner:
        owner.execute("REVOKE EXECUTE ON FUNCTION audit.record(jsonb) FROM telemetry_ingest")
        try:
            answer = ask(filled, {"user_id": ANA})
            page = filled.client.get(f"/support/sessions/{SESSION}", headers=headers)
        finally:
            owner.execute("GRANT EXECUTE ON FUNCTION audit.record(jsonb) TO telemetry_ingest")
    assert answer.status_code == page.status_code == 503
    assert "sessions" not in answer.json()
    assert "The data cannot be read just now" in page.text
    assert "Verdict" not in page.text


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(filled: Api) -> None:
    def signed_in(**headers: str) -> str:
        token = filled.token(roles=["support"])
        answer = filled.client.post("/support/sign-in", data={"token": token}, headers=OURS | headers)
        filled.client.cookies.clear()
        return str(answer.headers["set-cookie"])

    here = signed_in()
    assert here.startswith("telemetry_support=")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(here.split("; "))
    # The token of the tests lives for ten minutes, and so does its cookie.
    assert 0 < int(re.findall(r"Max-Age=(\d+)", here)[0]) <= 600
    there = signed_in(Host="telemetry.example.org")
    assert there.startswith("__Host-telemetry_support=")
    assert "Secure" in there.split("; ")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 403),
        # What browsers send of a form of ours under the policy that no referrer is told.
        ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
def test_forms_are_taken_from_our_own_pages_only(filled: Api, headers: dict[str, str], status: int) -> None:
    signed_in = cookie(filled)
    answer = filled.client.post("/support/find", data={"user_id": ANA}, headers=signed_in | headers)
    assert answer.status_code == status
    assert (SESSION in answer.text) is (status == 200)


def test_a_token_that_is_none_is_not_let_in_and_tries_are_limited(filled: Api) -> None:
    assert "<h1>Sign in</h1>" in filled.client.get("/support").text
    ended = filled.token(roles=["support"], exp=1)
    page = filled.client.get("/support", headers={"Cookie": f"telemetry_support={ended}"})
    assert "<h1>Sign in</h1>" in page.text
    assert "<h1>Sign in</h1>" in filled.client.get(f"/support/sessions/{SESSION}").text
    tries = [filled.client.post("/support/sign-in", data={"token": ended}, headers=OURS).status_code for _ in range(20)]
    assert tries[0] == 401
    assert tries[-1] == 429
    assert "set-cookie" not in page.headers
    # Whoever has a valid one is let in all the same.
    assert cookie(filled)


def test_pages_run_nothing_that_is_not_theirs(filled: Api) -> None:
    headers = cookie(filled, org_id=f"clinic-1{HOSTILE}")
    for path in ("/support", "/status", f"/support/sessions/{FOREIGN}"):
        page = filled.client.get(path, headers=headers)
        assert page.headers["content-security-policy"].startswith("default-src 'self';")
        assert page.headers["cache-control"] == "no-store"
        assert HOSTILE not in page.text
        assert "&lt;script&gt;" in page.text
    form = {"error_code": HOSTILE}
    assert HOSTILE not in filled.client.post("/support/find", data=form, headers=headers | OURS).text
    for name, kind in (("support.css", "text/css"), ("support.js", "text/javascript")):
        assert filled.client.get(f"/support/static/{name}").headers["content-type"].startswith(kind)


def test_the_raw_id_stands_in_no_page_address_or_log(filled: Api, capfd: pytest.CaptureFixture[str]) -> None:
    # A server of its own: what the module's writes went past this test's ears.
    with serving(filled.settings, None) as api:
        headers = cookie(api)
        page = api.client.post("/support/find", data={"user_id": ANA}, headers=headers | OURS)
        wrong = api.client.post("/support/find", data={"user_id": ANA, "from": "never"}, headers=headers | OURS)
    assert (page.status_code, wrong.status_code) == (200, 422)
    written = capfd.readouterr()
    for text in (page.text, wrong.text, str(page.url), written.out, written.err):
        assert ANA not in text
    assert '"route":"/support/find"' in written.err


def test_pages_can_be_used_with_a_keyboard_and_a_reader(filled: Api) -> None:
    headers = cookie(filled)
    texts = [filled.client.get(path).text for path in ("/support",)]
    texts += [filled.client.get(path, headers=headers).text for path in ("/support", "/status")]
    texts += [filled.client.get(f"/support/sessions/{SESSION}", headers=headers).text]
    texts += [filled.client.post("/support/find", data={"user_id": ANA}, headers=headers | OURS).text]
    for text in texts:
        page = Page(text)
        assert page.all("html")[0]["lang"] == "en"
        assert page.all("a")[0] == {"class": "skip", "href": "#main"}
        assert len(page.all("h1")) == len(page.all("main")) == 1
        ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
        assert len(ids) == len(set(ids))
        labelled = {attributes["for"] for attributes in page.all("label")}
        assert all(attributes.get("id") in labelled for attributes in page.all("input", "textarea"))
        named = [attributes.get("aria-labelledby") or attributes.get("aria-label") for attributes in page.all("svg")]
        assert all(named)
        assert all("scope" in attributes for attributes in page.all("th"))
        assert not [attributes for _, attributes in page.tags if "style" in attributes or "onclick" in attributes]
        assert all(attributes.get("src") for attributes in page.all("script"))


def test_the_drawing_says_what_the_events_say(filled: Api) -> None:
    text = filled.client.get(f"/support/sessions/{SESSION}", headers=cookie(filled)).text
    page = Page(text)
    (stall,) = [one for one in page.all("rect") if one.get("class") == "stall"]
    # 21 s are 888 units wide, from 56 on; the stall goes from 10 s to 14 s.
    assert float(stall["x"] or 0) == pytest.approx(56 + 888 * 10 / 21, abs=0.1)
    assert float(stall["width"] or 0) == pytest.approx(888 * 4 / 21, abs=0.1)
    marks = [one["class"] for one in page.all("circle") if (one["class"] or "").startswith("mark")]
    assert marks == ["mark play", "mark error", "mark end"]
    assert "code MEDIA_ERR_DECODE, ended playback" in text
    assert f'value="http://127.0.0.1:{filled.port}/support/sessions/{SESSION}"' in text


def test_the_status_says_how_each_part_stands(filled: Api) -> None:
    headers = {"Authorization": f"Bearer {filled.token(roles=['analyst'])}"}
    answer = filled.client.get("/v1/status", headers=headers)
    assert answer.status_code == 200, answer.text
    parts = {part["name"]: part for part in answer.json()["parts"]}
    assert parts["Landing queue"]["state"] == "ok", parts
    assert [name for name, part in parts.items() if part["state"] == "unknown"] == [], parts
    assert parts["Retention"]["next_step"]
    page = filled.client.get("/status", headers=cookie(filled, roles=["analyst"]))
    assert all(f">{name}" in page.text for name in parts)
    # An analyst who signs in sees the status and nobody's sessions.
    assert filled.client.get("/support", headers=cookie(filled, roles=["analyst"])).status_code == 403
    assert filled.client.get("/v1/status", headers=filled.headers()).status_code == 403
