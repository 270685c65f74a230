"""Where patients are: countries and regions with networks of their own and the quality of their lines.

Invariant: addresses come from ranges that are set aside for benchmarks and documentation (198.18.0.0/15,
2001:db8::/32), so that no simulated patient ever carries a real person's address.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING

from telemetry_platform.simulate.chance import happens, one_of

if TYPE_CHECKING:
    from random import Random


@dataclass(frozen=True)
class Place:
    """One region of one country. `ttfb_ms` is its median; `stalls` how many a view has on average."""

    country: str
    region: str
    network4: IPv4Network
    network6: IPv6Network
    weight: float
    ttfb_ms: float
    stalls: float

    def address(self, random: Random) -> str:
        """An address of the place; every fifth is IPv6."""
        if happens(random, 0.2):
            return str(self.network6[random.randrange(1, 2**80)])
        return str(self.network4[random.randrange(1, self.network4.num_addresses - 1)])


def _place(number: int, country: str, region: str, weight: float, quality: tuple[float, float]) -> Place:
    """The place with the `number`th /20 and /40 of the reserved ranges."""
    return Place(
        country,
        region,
        IPv4Network(f"198.18.{16 * number}.0/20"),
        IPv6Network((0x20010DB8 << 96 | number << 88, 40)),
        weight,
        *quality,
    )


PLACES = (
    _place(0, "RO", "B", 26, (180, 0.5)),
    _place(1, "RO", "CJ", 12, (230, 0.7)),
    _place(2, "DE", "BE", 14, (210, 0.5)),
    _place(3, "FR", "IDF", 10, (240, 0.6)),
    _place(4, "ES", "CT", 9, (290, 0.9)),
    _place(5, "PL", "MZ", 8, (260, 0.8)),
    _place(6, "US", "CA", 6, (420, 0.8)),
    _place(7, "US", "NY", 6, (390, 0.8)),
    _place(8, "BR", "SP", 5, (780, 1.9)),
    _place(9, "IN", "KA", 4, (930, 2.4)),
)


@dataclass(frozen=True)
class Connection:
    """What the browser says of its network, and what it does to startup and stalls."""

    name: str
    bandwidth_mbit: float
    rtt_ms: float
    slower: float
    weight: float


CONNECTIONS = (
    Connection("wifi", 48.0, 25.0, 1.0, 55),
    Connection("ethernet", 95.0, 12.0, 0.8, 12),
    Connection("4g", 14.0, 60.0, 1.4, 27),
    Connection("3g", 1.6, 280.0, 3.2, 6),
)


def choose_place(random: Random) -> Place:
    """A place, by where the patients of the clinics live."""
    return one_of(random, {place: place.weight for place in PLACES})


def choose_connection(random: Random, *, is_fixed: bool) -> Connection:
    """A connection; a television or desktop has no mobile line."""
    choices = CONNECTIONS[:2] if is_fixed else CONNECTIONS
    return one_of(random, {connection: connection.weight for connection in choices})
