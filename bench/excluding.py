"""`exclusions.match`: how long a request waits for the answer whether its address is excluded, among 100,000 networks.

Half of the addresses lie in a network, a third is IPv6. The floor asks a dictionary for the same addresses, the least
that any look-up costs here. `exclusions.load` is what a process needs to take a list of that size over, beside its
requests; its floor makes a network object of each.
"""

from __future__ import annotations

import random
import time
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import TYPE_CHECKING

from bench.figures import Figure
from telemetry_platform.processing.exclusions import of_texts

if TYPE_CHECKING:
    from collections.abc import Callable

    from telemetry_platform.processing.address import Address

NETWORKS, ADDRESSES, ROUNDS = 100_000, 50_000, 5


def measure() -> list[Figure]:
    """The best of the rounds: everything else on the machine only adds."""
    rng = random.Random(29)  # noqa: S311 - the same networks on every run
    v4 = sorted({rng.getrandbits(24) << 8 for _ in range(NETWORKS * 2 // 3)})
    v6 = sorted({0x2001 << 112 | rng.getrandbits(32) << 80 for _ in range(NETWORKS // 3)})
    texts = [f"{IPv4Address(number)}/24" for number in v4] + [f"{IPv6Address(number)}/48" for number in v6]
    found = of_texts(texts)
    addresses: list[Address] = []
    for number in range(ADDRESSES):
        if number % 3:
            addresses.append(IPv4Address(rng.choice(v4) + 7 if number % 2 else rng.getrandbits(32)))
        else:
            addresses.append(IPv6Address(rng.choice(v6) + 7 if number % 2 else rng.getrandbits(128)))
    known = dict.fromkeys(addresses, True)
    match = _best(lambda: sum(map(found.contains, addresses))) / ADDRESSES
    look = _best(lambda: sum(known[address] for address in addresses)) / ADDRESSES
    load = _best(lambda: of_texts(texts))
    make = _best(lambda: [ip_network(text) for text in texts])
    return [
        Figure("exclusions.match", match * 1e6, "us", look * 1e6),
        Figure("exclusions.load", load * 1e3, "ms", make * 1e3),
    ]


def _best(work: Callable[[], object]) -> float:
    """Seconds that the fastest round took."""

    def once() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return min(once() for _ in range(ROUNDS))
