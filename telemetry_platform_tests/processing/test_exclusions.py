"""Whether an address is excluded: the intervals say what asking every network would, on the address in full."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_platform.errors import ContractViolationError
from telemetry_platform.processing.address import client_address, unmapped
from telemetry_platform.processing.exclusions import ExclusionList, in_ipv4, merged, of_texts

if TYPE_CHECKING:
    from telemetry_platform.processing.address import Address, Network

# Few bits differ, so that networks meet, touch and contain each other, and addresses fall on their edges.
_V4 = st.builds(
    lambda low, length: IPv4Network((0x0A00_0000 | low, length), strict=False),
    st.integers(0, 0xFFFF),
    st.integers(8, 32),
)
_V6 = st.builds(
    lambda low, length: IPv6Network((0x2001_0DB8 << 96 | low, length), strict=False),
    st.integers(0, 0xFFFF),
    st.integers(100, 128),
)
_ADDRESSES = st.one_of(
    st.builds(lambda low: IPv4Address(0x0A00_0000 | low), st.integers(0, 0x1FFFF)),
    st.builds(lambda low: IPv6Address(0x2001_0DB8 << 96 | low), st.integers(0, 0x1FFFF)),
    st.builds(IPv4Address, st.integers(0, 2**32 - 1)),
    st.builds(IPv6Address, st.integers(0, 2**128 - 1)),
)


def asked_one_by_one(networks: list[Network], address: Address) -> bool:
    """What is true by definition."""
    whole = unmapped(address)
    return any(whole in network for network in networks if network.version == whole.version)


@given(networks=st.lists(st.one_of(_V4, _V6), max_size=30), address=_ADDRESSES)
def test_the_intervals_say_what_asking_every_network_would(networks: list[Network], address: Address) -> None:
    expected = asked_one_by_one(networks, address)
    assert ExclusionList(networks).contains(address) is expected
    assert of_texts(map(str, networks)).contains(address) is expected


@given(networks=st.lists(st.one_of(_V4, _V6), min_size=1, max_size=30))
def test_the_edges_of_every_network_are_in_it_and_what_lies_beside_is_judged_by_the_others(
    networks: list[Network],
) -> None:
    found = ExclusionList(networks)
    for network in networks:
        first, last = network.network_address, network.broadcast_address
        assert found.contains(first)
        assert found.contains(last)
        for beside in (first - 1, last + 1):
            assert found.contains(beside) is asked_one_by_one(networks, beside)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)).map(lambda pair: (pair[0], sum(pair))), max_size=20))
def test_merged_intervals_are_the_fewest_that_cover_the_same(intervals: list[tuple[int, int]]) -> None:
    firsts, lasts = merged(intervals)
    covered = {number for first, last in zip(firsts, lasts, strict=True) for number in range(first, last + 1)}
    assert covered == {number for first, last in intervals for number in range(first, last + 1)}
    assert all(last + 1 < first for last, first in zip(lasts, firsts[1:], strict=False))


@pytest.mark.parametrize(
    ("network", "address", "excluded"),
    [
        ("1.2.3.0/24", "::ffff:1.2.3.4", True),
        ("1.2.3.0/24", "::FFFF:0102:0304", True),
        ("1.2.3.0/24", "2002:0102:0304::1", True),
        ("1.2.3.0/24", "64:ff9b::1.2.3.4", True),
        ("1.2.3.0/24", "::ffff:1.2.4.4", False),
        ("1.2.3.0/24", "::1.2.3.4", False),
        ("2001:db8:1::/48", "2001:DB8:1:0:0:0:0:9", True),
        ("2001:db8:1::/48", "2001:db8:1:ffff:ffff:ffff:ffff:ffff", True),
        ("2001:db8:1::/48", "2001:db8:2::9", False),
        ("10.0.26.166/32", "10.0.26.166", True),
        ("10.0.26.166/32", "10.0.26.167", False),
        ("10.0.26.166/32", "10.0.26.165", False),
        ("2001:db8::9/128", "2001:db8::9", True),
        ("2001:db8::9/128", "2001:db8::8", False),
        ("0.0.0.0/8", "::", False),
        ("::/16", "0.0.0.1", False),
    ],
)
def test_e56_an_address_is_matched_in_full_in_whatever_spelling_it_comes(
    network: str, address: str, *, excluded: bool
) -> None:
    found = ExclusionList([ip_network(network)])
    assert found.contains(ip_address(address)) is excluded
    assert found.contains(unmapped(ip_address(address))) is excluded


def test_e57_what_a_stranger_wrote_into_the_header_excludes_nobody() -> None:
    found = ExclusionList([ip_network("6.6.6.0/24")])
    trusted = (ip_network("10.0.0.0/8"),)
    for peer, forwarded in (("10.0.0.5", "6.6.6.6, 203.0.113.9, 10.0.0.9"), ("198.51.100.7", "6.6.6.6")):
        address = client_address(peer, (forwarded,), trusted)
        assert address is not None
        assert not found.contains(unmapped(address))


@pytest.mark.parametrize(
    ("written", "matched"),
    [
        ("::ffff:1.2.3.0/120", "1.2.3.0/24"),
        ("64:ff9b::1.2.3.4/128", "1.2.3.4/32"),
        ("2002:102:304::/48", "1.2.3.4/32"),
        ("2002:102::/32", "1.2.0.0/16"),
        ("2002:102:304:7::/64", "1.2.3.4/32"),
        ("::/0", "0.0.0.0/0"),
        ("2001:db8::/32", None),
    ],
)
def test_a_network_of_addresses_that_are_ipv4_is_an_ipv4_network(written: str, matched: str | None) -> None:
    assert in_ipv4(IPv6Network(written)) == (None if matched is None else ip_network(matched))


@pytest.mark.parametrize("text", ["1.2.3.4", "1.2.3.4/33", "abc/8", "1.2.3.4/-1", "2001:db8::/129", ""])
def test_a_list_with_what_is_no_network_is_no_list_and_is_not_repeated(text: str) -> None:
    with pytest.raises(ContractViolationError) as caught:
        of_texts(["10.0.0.0/24", text])
    assert "1.2.3" not in str(caught.value)


def test_nothing_is_excluded_by_an_empty_list() -> None:
    assert not ExclusionList().contains(ip_address("10.0.0.1"))
    assert not of_texts([]).contains(ip_address("2001:db8::1"))
