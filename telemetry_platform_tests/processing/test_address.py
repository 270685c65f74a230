"""Whose address it is, and how much of it stays."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from telemetry_platform.processing.address import Network, client_address, parse, truncated

TRUSTED: tuple[Network, ...] = (ip_network("10.0.0.0/8"),)


def cut(text: str) -> str:
    address = parse(text)
    assert address is not None
    return truncated(address)


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
def test_e52_every_spelling_of_a_mapped_address_is_cut_alike(spelling: str) -> None:
    assert cut(spelling) == "192.0.2.0"


@pytest.mark.parametrize(
    ("address", "prefix"),
    [
        ("2001:db8:85a3:8d3:1319:8a2e:370:7348", "2001:db8:85a3::"),
        ("2a02:8109:aa00:1234::5", "2a02:8109:aa00::"),
        ("::1", "::"),
        ("fe80::1%eth0", "fe80::"),
    ],
)
def test_e53_ipv6_is_cut_to_48_bits_without_a_zone(address: str, prefix: str) -> None:
    assert cut(address) == prefix


@pytest.mark.parametrize("address", ["2002:c000:207::1", "64:ff9b::c000:207"])
def test_6to4_and_nat64_are_cut_as_the_ipv4_within(address: str) -> None:
    assert cut(address) == "192.0.2.0"


@pytest.mark.parametrize("text", ["", "garbage", "192.0.2.7:443", "1.2.3", "192.0.2.256", "[::1]", "010.1.1.1"])
def test_what_is_no_address_is_none(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.0.0.5", "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        ("198.51.100.7", "6.6.6.6", "198.51.100.7"),
        ("10.0.0.5", "203.0.113.9, garbage", "10.0.0.5"),
        ("10.0.0.5", "6.6.6.6, 203.0.113.9, 10.0.0.9", "203.0.113.9"),
    ],
)
def test_e57_forwarded_addresses_are_walked_from_the_right(peer: str, forwarded: str, client: str) -> None:
    assert str(client_address(peer, (forwarded,), TRUSTED)) == client


def test_lines_are_joined_in_order() -> None:
    assert str(client_address("10.0.0.5", ("6.6.6.6", "203.0.113.9, 10.0.0.9"), TRUSTED)) == "203.0.113.9"


def test_a_mapped_proxy_is_trusted_too() -> None:
    assert str(client_address("::ffff:10.0.0.5", ("203.0.113.9",), TRUSTED)) == "203.0.113.9"


def test_without_trusted_proxies_the_peer_counts_loopback_too() -> None:
    assert str(client_address("127.0.0.1", ("203.0.113.9",), ())) == "127.0.0.1"
