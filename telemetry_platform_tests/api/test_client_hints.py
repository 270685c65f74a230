"""What a browser says of itself beside its user agent reaches the row, and the user agent itself does not."""

from __future__ import annotations

import json

import pytest

from telemetry_platform_tests.api.serving import Api, event

IPAD = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.0 "
    "Safari/605.1.15"
)


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        (None, ("desktop", "macOS")),
        ({"max_touch_points": 0}, ("desktop", "macOS")),
        ({"max_touch_points": 5}, ("tablet", "iOS")),
    ],
)
def test_e85_touch_points_tell_an_ipad_from_a_mac(
    api: Api, client: dict[str, int] | None, expected: tuple[str, str]
) -> None:
    assert api.post(event(client=client), {"User-Agent": IPAD}).status_code == 202
    (body,) = api.bodies("media")
    assert (body["device_type"], body["os_family"], body["browser_family"]) == (*expected, "Safari")
    assert "Macintosh" not in json.dumps(api.entries("media"))


def test_e85_client_hint_headers_add_what_the_agent_leaves_open(api: Api) -> None:
    agent = {"User-Agent": "Mozilla/5.0"}
    hints = {"Sec-CH-UA-Mobile": "?1", "Sec-CH-UA-Platform": '"Android"'}
    for headers in (agent | hints, agent, agent | {"Sec-CH-UA-Platform": "Ana Popescu", "Sec-CH-UA-Mobile": "yes"}):
        assert api.post(event(), headers).status_code == 202
    found = [(body["device_type"], body["os_family"]) for body in api.bodies("media")]
    assert found == [("mobile", "Android"), ("unknown", "other"), ("unknown", "other")]
    assert "Ana Popescu" not in json.dumps(api.entries("media"))


def test_e85_an_agent_that_fills_the_header_costs_no_event(api: Api) -> None:
    for agent in ("(" * 30_000, "Mozilla/5.0 (Linux; Android " + "1." * 15_000, "-", ""):
        assert api.post(event(), {"User-Agent": agent}).status_code == 202
    assert len(api.bodies("media")) == 4
