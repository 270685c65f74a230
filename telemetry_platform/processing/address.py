"""Addresses: which one is the client's, and how much of it may be kept.

Invariants: a header is believed only as far as trusted proxies wrote it; whatever does not parse is None, never kept
raw; every spelling of one address is cut to the same prefix.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NAT64 = IPv6Network("64:ff9b::/96")
_V4_KEPT = 0xFFFF_FF00
_V6_KEPT = ((1 << 48) - 1) << 80


def parse(text: str) -> Address | None:
    """An address without its zone; None for anything else."""
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return IPv6Address(int(address))
    return address


def unmapped(address: Address) -> Address:
    """The IPv4 address within an IPv4-mapped, 6to4 or NAT64 one; else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    return IPv4Address(int(address) & 0xFFFF_FFFF) if address in _NAT64 else address


@lru_cache(maxsize=8192)
def truncated(address: Address) -> str:
    """The address cut to /24 (IPv4) or /48 (IPv6)."""
    whole = unmapped(address)
    if isinstance(whole, IPv4Address):
        return str(IPv4Address(int(whole) & _V4_KEPT))
    return str(IPv6Address(int(whole) & _V6_KEPT))


def _is_trusted(address: Address, trusted: Sequence[Network]) -> bool:
    plain = (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
    return any(plain in network for network in trusted if network.version == plain.version)


@lru_cache(maxsize=8192)
def client_address(peer: str, forwarded: tuple[str, ...], trusted: tuple[Network, ...]) -> Address | None:
    """The client's address: X-Forwarded-For lines in order, walked from the right through the trusted proxies.

    A part that is no address stops the walk, and the peer's own address counts: what stands left of it was written by
    whoever wrote the nonsense.
    """
    first = parse(peer)
    found = first
    for part in reversed([part for line in forwarded for part in line.split(",")]):
        if found is None or not _is_trusted(found, trusted):
            break
        found = parse(part)
        if found is None:
            return first
    return found
