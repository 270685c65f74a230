"""Whose address an entry keeps, and how much of it: from the socket or from behind trusted proxies."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest

from telemetry_platform_tests.api.serving import Api, event, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from telemetry_platform.settings import Settings


@pytest.fixture(scope="module")
def proxied_api(make_platform: Callable[[], Settings]) -> Iterator[Api]:
    """A server that believes a proxy on this machine."""
    given = make_platform()
    believing = given.api.model_copy(update={"trusted_proxies": (ip_network("127.0.0.0/8"),)})
    with serving(given.model_copy(update={"api": believing})) as running:
        yield running


def kept_of(api: Api, forwarded: str) -> str | None:
    """The address in the entry of an event that a proxy passed on."""
    assert api.post(event(), {"X-Forwarded-For": forwarded}).status_code == 202
    found: str | None = api.bodies("media")[-1]["ip_truncated"]
    assert forwarded not in str(api.entries("media")[-1])
    return found


@pytest.mark.parametrize(
    "spelling",
    [
        "::ffff:192.0.2.7",
        "::FFFF:192.0.2.7",
        "::ffff:c000:207",
        "0000:0000:0000:0000:0000:ffff:c000:0207",
        "192.0.2.7",
    ],
)
def test_e52_every_spelling_of_a_mapped_address_is_kept_as_one(proxied_api: Api, spelling: str) -> None:
    assert kept_of(proxied_api, spelling) == "192.0.2.0"


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("2001:db8:85a3:8d3:1319:8a2e:370:7348", "2001:db8:85a3::"),
        ("2a02:8109:aa00:1234::5", "2a02:8109:aa00::"),
        ("::1", "::"),
        ("fe80::1%eth0", "fe80::"),
    ],
)
def test_e53_an_ipv6_address_is_kept_as_its_48_bits(proxied_api: Api, address: str, kept: str) -> None:
    assert kept_of(proxied_api, address) == kept


def test_e57_the_address_is_found_behind_trusted_proxies(empty_platform: Settings) -> None:
    trusted = empty_platform.api.model_copy(
        update={"trusted_proxies": (ip_network("127.0.0.0/8"), ip_network("10.0.0.0/8"))}
    )
    with serving(empty_platform.model_copy(update={"api": trusted})) as api:
        for forwarded in ("6.6.6.6, 203.0.113.9", "203.0.113.9, garbage", "6.6.6.6, 203.0.113.9, 10.0.0.9"):
            api.post(event(), {"X-Forwarded-For": forwarded, "Forwarded": "for=6.6.6.6", "X-Real-IP": "6.6.6.6"})
        assert [body["ip_truncated"] for body in api.bodies("media")] == ["203.0.113.0", "127.0.0.0", "203.0.113.0"]


def test_e57_without_trusted_proxies_no_header_is_believed(empty_platform: Settings) -> None:
    alone = empty_platform.api.model_copy(update={"trusted_proxies": ()})
    with serving(empty_platform.model_copy(update={"api": alone})) as api:
        api.post(event(), {"X-Forwarded-For": "6.6.6.6"})
        assert api.bodies("media")[0]["ip_truncated"] == "127.0.0.0"
