"""Whether an address lies in an excluded network: 100,000 of them are asked in about a microsecond.

Invariants: networks of a family become intervals that neither overlap nor touch, in order, so that the one interval
which could hold an address is found by bisection; an address is matched in full, as the IPv4 address that is in it when
it is an IPv4-mapped, 6to4 or NAT64 one, before anything of it is cut off.
"""

from __future__ import annotations

from bisect import bisect_right
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TYPE_CHECKING

from telemetry_platform.errors import ContractViolationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from telemetry_platform.processing.address import Address, Network

Interval = tuple[int, int]
"""First and last address of a range, as numbers."""

_V4 = 0xFFFF_FFFF
_MAPPED = 0xFFFF  # ::ffff:0:0/96 without its last 32 bits
_NAT64 = 0x64_FF9B << 64  # 64:ff9b::/96 likewise
_SIX_TO_FOUR = 0x2002  # the first 16 bits


class ExclusionList:
    """Excluded networks of both families."""

    def __init__(self, networks: Iterable[Network] = ()) -> None:
        v4: list[Interval] = []
        v6: list[Interval] = []
        for network in networks:
            into = v4 if isinstance(network, IPv4Network) else v6
            into.append((int(network.network_address), int(network.broadcast_address)))
        self._set(v4, v6)

    @classmethod
    def of_intervals(cls, v4: Iterable[Interval], v6: Iterable[Interval]) -> ExclusionList:
        """The same from bare numbers: making 100,000 network objects takes longer than all the rest."""
        found = cls()
        found._set(v4, v6)
        return found

    def _set(self, v4: Iterable[Interval], v6: Iterable[Interval]) -> None:
        self._v4_firsts, self._v4_lasts = merged(v4)
        self._v6_firsts, self._v6_lasts = merged(v6)

    def contains(self, address: Address) -> bool:
        """Whether the address lies in one of the networks."""
        number = int(address)
        if address.version == 6:  # noqa: PLR2004 - IPv6
            front = number >> 32
            if front in {_MAPPED, _NAT64}:
                number &= _V4
            elif number >> 112 == _SIX_TO_FOUR:
                number = number >> 80 & _V4
            else:
                place = bisect_right(self._v6_firsts, number)
                return place > 0 and number <= self._v6_lasts[place - 1]
        place = bisect_right(self._v4_firsts, number)
        return place > 0 and number <= self._v4_lasts[place - 1]


def of_texts(networks: Iterable[str]) -> ExclusionList:
    """The list of networks as PostgreSQL writes them: an address and its prefix, no bits behind it.

    Raises ContractViolationError for anything else.
    """
    v4: list[Interval] = []
    v6: list[Interval] = []
    try:
        for network in networks:
            address, _, prefix = network.partition("/")
            if ":" in address:
                v6.append(_interval(int(IPv6Address(address)), 128, prefix))
            else:
                v4.append(_interval(int(IPv4Address(address)), 32, prefix))
    except ValueError:
        raise ContractViolationError("the list of excluded networks holds what is no network") from None
    return ExclusionList.of_intervals(v4, v6)


def _interval(first: int, bits: int, prefix: str) -> Interval:
    length = int(prefix)
    if not 0 <= length <= bits:
        raise ValueError
    return first, first | (1 << bits - length) - 1


def merged(intervals: Iterable[Interval]) -> tuple[list[int], list[int]]:
    """First and last numbers of the fewest intervals that cover the same, in order."""
    firsts: list[int] = []
    lasts: list[int] = []
    for first, last in sorted(intervals):
        if lasts and first <= lasts[-1] + 1:
            lasts[-1] = max(lasts[-1], last)
        else:
            firsts.append(first)
            lasts.append(last)
    return firsts, lasts


def in_ipv4(network: IPv6Network) -> IPv4Network | None:
    """The IPv4 network that addresses of this one are matched as; None when they stay what they are.

    Wider than IPv4 as a whole: 0.0.0.0/0. Raises nothing: every IPv6 network has an answer.
    """
    for base, whole in _TRANSLATED:
        if network.subnet_of(base):
            # A part of one 6to4 site: whose sites differ in the bits behind is not seen any more, so it is all of it.
            length = min(network.prefixlen - base.prefixlen, 32)
            number = int(network.network_address) >> whole & _V4
            return IPv4Network((number & _V4 << 32 - length & _V4, length))
        if network.supernet_of(base):
            return IPv4Network("0.0.0.0/0")
    return None


_TRANSLATED = ((IPv6Network("::ffff:0:0/96"), 0), (IPv6Network("64:ff9b::/96"), 0), (IPv6Network("2002::/16"), 80))
"""Where IPv4 addresses are within IPv6 ones, and how many bits stand behind them."""
