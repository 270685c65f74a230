"""Pages of other origins: those on the list may call and read every answer, problems too; no other one may."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from telemetry_platform.settings import ApiSettings
from telemetry_platform_tests.api.serving import MEDIA, Api, event, serving
from telemetry_platform_tests.api.test_failures import changed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from telemetry_platform.settings import Settings

ERRORS = "/v1/errors/report"
ORIGIN = "https://app.example"
ALLOWED = "access-control-allow-origin"


@pytest.fixture(scope="module")
def cors_api(make_platform: Callable[[], Settings]) -> Iterator[Api]:
    """A server that pages of one origin may call; without a token one report at once."""
    settings = changed(make_platform(), "api", cors_origins=(ORIGIN,), anonymous_burst=1, anonymous_per_minute=1)
    with serving(settings) as running:
        yield running


def preflight(api: Api, origin: str, headers: str = "authorization,content-type,x-consent-level") -> dict[str, str]:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": headers,
    }
    answer = api.client.options(MEDIA, headers=asked)
    return {"status": str(answer.status_code), **answer.headers}


def test_a_preflight_is_answered_without_a_token(cors_api: Api) -> None:
    found = preflight(cors_api, ORIGIN)
    assert (found["status"], found[ALLOWED]) == ("200", ORIGIN)
    assert "POST" in found["access-control-allow-methods"]
    assert {"authorization", "content-type", "x-consent-level"} <= set(
        found["access-control-allow-headers"].lower().split(", ")
    )
    assert "Origin" in found["vary"]
    # Tokens travel in a header: no page may make a browser send cookies.
    assert "access-control-allow-credentials" not in found


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "https://app.example.evil.example", "http://app.example", f"{ORIGIN}:8443", "null"],
)
def test_other_origins_may_neither_ask_nor_read(cors_api: Api, origin: str) -> None:
    found = preflight(cors_api, origin)
    assert found["status"] == "400"
    assert ALLOWED not in found
    answer = cors_api.post(event(), {"Origin": origin})
    assert ALLOWED not in answer.headers
    assert "Origin" in answer.headers["vary"]


def test_a_header_that_is_not_ours_is_refused(cors_api: Api) -> None:
    assert preflight(cors_api, ORIGIN, "x-forwarded-for")["status"] == "400"


def test_the_page_can_read_every_answer_problems_too(cors_api: Api) -> None:
    page = {"Origin": ORIGIN}
    nobody = {**page, "Authorization": ""}
    reported = {"source": "app", "error_code": "E1", "timestamp": event()["timestamp"]}
    answers = [
        cors_api.post(event(), page),
        cors_api.post({}, page),
        cors_api.post(b"{", page),
        cors_api.post(event(), {**page, "Content-Type": "text/plain"}),
        cors_api.post(event(), nobody),
        cors_api.post(event(), page, roles=["analyst"]),
        cors_api.client.get("/no/such", headers=page),
        cors_api.post_to(ERRORS, reported, nobody),
        cors_api.post_to(ERRORS, reported, nobody),
    ]
    assert [answer.status_code for answer in answers] == [202, 422, 400, 415, 401, 403, 404, 202, 429]
    for answer in answers:
        assert answer.headers[ALLOWED] == ORIGIN
        assert "Origin" in answer.headers["vary"]
    # A script sees a header of ours only where it is named.
    assert "Retry-After" in answers[-1].headers["access-control-expose-headers"]
    assert answers[-1].headers["retry-after"] == "60"


def test_without_a_list_nobody_may(shared_api: Api) -> None:
    found = preflight(shared_api, ORIGIN)
    assert found["status"] == "405"
    assert ALLOWED not in found
    assert ALLOWED not in shared_api.post(event(), {"Origin": ORIGIN}).headers


@pytest.mark.parametrize(
    "origins",
    [
        "https://app.example",
        "https://app.example, http://localhost:5173",
        "capacitor://localhost,http://[::1]:3000",
        "",
    ],
)
def test_origins_as_browsers_send_them_are_taken(origins: str) -> None:
    assert ",".join(ApiSettings(cors_origins=origins).cors_origins) == origins.replace(" ", "")


@pytest.mark.parametrize(
    "origins",
    [
        "*",
        "null",
        "https://*.example",
        "https://app.example/",
        "https://app.example/path",
        "https://App.example",
        "https://app.example:443",
        "http://app.example:80",
        "app.example",
        "https://app.example,*",
        "https://user@app.example",
        "https://app.example\nhttps://evil.example",
    ],
)
def test_what_no_browser_sends_is_refused_by_name(origins: str) -> None:
    with pytest.raises(ValidationError, match="as a browser sends it"):
        ApiSettings(cors_origins=origins)
