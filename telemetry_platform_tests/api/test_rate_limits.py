"""The door without a token: what one address and one prefix may send, and what no header can change about it."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from telemetry_platform.stores import redis
from telemetry_platform_tests.api.serving import MEDIA, NOW, Api, at, serving
from telemetry_platform_tests.api.test_failures import changed, unused_port

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import httpx

    from telemetry_platform.settings import Settings

ERRORS = "/v1/errors/report"
BEHIND_A_PROXY = {"trusted_proxies": (ip_network("127.0.0.0/8"),)}


def error() -> dict[str, Any]:
    return {"source": "app", "error_code": "TypeError", "timestamp": at(0)}


def limited(platform: Settings, **values: Any) -> Settings:  # noqa: ANN401 - values of settings
    """A burst of three for an address, of five for a prefix, and then one every ten seconds."""
    by_address = {"anonymous_burst": 3, "anonymous_per_minute": 6}
    by_prefix = {"anonymous_prefix_burst": 5, "anonymous_prefix_per_minute": 6}
    return changed(platform, "api", **{"trusted_proxies": (), **by_address, **by_prefix, **values})


def report(api: Api, number: int = 1, headers: Mapping[str, str] | None = None) -> httpx.Response:
    """Reports without a token."""
    body = error() if number == 1 else {"events": [error()] * number}
    return api.post_to(ERRORS, body, {"Authorization": "", **(headers or {})})


def statuses(api: Api, forwarded: Iterable[str]) -> list[int]:
    """The answers to one report for each X-Forwarded-For line; an empty line is not sent."""
    return [report(api, headers={"X-Forwarded-For": line}).status_code for line in forwarded]


def test_the_answer_says_when_to_come_again_and_is_true(empty_platform: Settings) -> None:
    settings = limited(empty_platform)
    with serving(settings) as api:
        assert statuses(api, [""] * 3) == [202] * 3
        answer = report(api)
        assert answer.status_code == 429
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["retry-after"] == "10"
        assert answer.json() == {
            "type": "urn:telemetry:problem:rate_limited",
            "title": "Too Many Requests",
            "status": 429,
            "code": "rate_limited",
            "detail": "too many reports without a valid token from here: send it again in 10 s",
        }
        assert len(api.entries("errors")) == 3
        assert api.metric(f'telemetry_refused_requests_total{{code="rate_limited",route="{ERRORS}"}}') == 1
    with serving(settings, NOW + timedelta(seconds=10)) as later:
        assert statuses(later, [""] * 2) == [202, 429]


def test_two_processes_share_the_limit_and_whoever_has_a_token_has_none(empty_platform: Settings) -> None:
    settings = limited(empty_platform)
    with serving(settings) as first, serving(settings) as second:
        assert [report(api).status_code for api in (first, second, first, second)] == [202, 202, 202, 429]
        # A token that is not valid is none.
        assert report(first, headers={"Authorization": "Bearer a.b.c"}).status_code == 429
        expired = f"Bearer {first.token(exp=1)}"
        assert report(first, headers={"Authorization": expired}).status_code == 429
        for api in (first, second):
            assert [api.post_to(ERRORS, error()).status_code for _ in range(6)] == [202] * 6
        # Where a token is demanded, nothing is charged and nothing is limited.
        assert first.client.post(MEDIA, json={}).status_code == 401


def test_a_batch_costs_its_events_and_what_does_not_fit_leaves_nothing(empty_platform: Settings) -> None:
    settings = limited(empty_platform)
    with serving(settings) as api:
        answer = report(api, 4)
        assert (answer.status_code, answer.json()["code"]) == (422, "too_many_events")
        assert "at most 3" in answer.json()["detail"]
        # The request that was refused has cost one event: its first was charged before it was read.
        assert report(api, 2).status_code == 202
    with serving(settings, NOW + timedelta(seconds=10)) as later:
        # Now there is room for the first of two, which is lost; the wait is for both.
        answer = report(later, 2)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "20")
        assert len(later.entries("errors")) == 2
    with serving(settings, NOW + timedelta(seconds=30)) as later:
        assert report(later, 2).status_code == 202
        assert len(later.entries("errors")) == 4


def test_a_body_is_not_read_before_it_is_paid_for(empty_platform: Settings) -> None:
    with serving(limited(empty_platform)) as api:
        nobody = {"Authorization": ""}
        assert [api.post_to(ERRORS, b"{", nobody).status_code for _ in range(4)] == [400, 400, 400, 429]
        assert api.post_to(ERRORS, b" " * (1024 * 1024 + 1), nobody).status_code == 429


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "CF-Connecting-IP"])
def test_no_header_of_a_client_changes_its_address(empty_platform: Settings, header: str) -> None:
    with serving(limited(empty_platform)) as api:
        sent = [report(api, headers={header: f"203.0.113.{number}"}).status_code for number in range(4)]
        assert sent == [202, 202, 202, 429]


def test_behind_a_proxy_each_client_has_a_limit_and_cannot_invent_others(empty_platform: Settings) -> None:
    with serving(limited(empty_platform, **BEHIND_A_PROXY)) as api:
        for real in ("203.0.113.9", "198.51.100.9"):
            assert statuses(api, [f"6.6.6.{number}, {real}" for number in range(4)]) == [202, 202, 202, 429]


def test_every_spelling_of_an_address_is_one(empty_platform: Settings) -> None:
    spellings = ("192.0.2.7", "::ffff:192.0.2.7", "2002:c000:207::1", "2002:c000:207::2", "64:ff9b::192.0.2.7")
    with serving(limited(empty_platform, **BEHIND_A_PROXY)) as api:
        assert statuses(api, spellings) == [202, 202, 202, 429, 429]


@pytest.mark.parametrize(
    ("inside", "outside"), [("2001:db8:1:{}::{}", "2001:db8:2::1"), ("203.0.113.{}{}", "203.0.114.1")]
)
def test_going_from_address_to_address_ends_at_the_limit_of_the_prefix(
    empty_platform: Settings, inside: str, outside: str
) -> None:
    with serving(limited(empty_platform, **BEHIND_A_PROXY)) as api:
        assert statuses(api, [inside.format(number, number) for number in range(1, 8)]) == [202] * 5 + [429] * 2
        assert statuses(api, [outside]) == [202]


def test_whoever_is_refused_costs_the_neighbours_nothing(empty_platform: Settings) -> None:
    with serving(limited(empty_platform, **BEHIND_A_PROXY)) as api:
        assert statuses(api, ["203.0.113.9"] * 9) == [202] * 3 + [429] * 6
        assert statuses(api, ["203.0.113.10"] * 3) == [202, 202, 429]


def test_no_address_lies_in_redis(empty_platform: Settings) -> None:
    with serving(limited(empty_platform, **BEHIND_A_PROXY)) as api:
        assert statuses(api, ["203.0.113.77"]) == [202]
    with redis.connect(empty_platform.redis) as client:
        names = list(client.scan_iter("limits:*"))
        values = [client.get(name) for name in names]
    assert len(names) == 3
    assert b"203.0.113" not in b" ".join([*names, *values])


def test_without_redis_the_answer_is_503_as_everywhere(empty_platform: Settings) -> None:
    with unused_port(listening=False) as port:
        gone = changed(empty_platform, "redis", url=SecretStr(f"redis://127.0.0.1:{port}/0"))
        with serving(gone) as api:
            answer = report(api)
            assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
            assert int(answer.headers["retry-after"]) > 0
