"""A small database in MaxMind's City format that knows the simulated networks, and nothing else.

Invariant: its records look like GeoLite2-City's as far as the platform reads them (country and first subdivision), so
that a real file can take its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmdb_writer import MMDBWriter
from netaddr import IPSet

from telemetry_platform.simulate.places import PLACES

if TYPE_CHECKING:
    from pathlib import Path


def write_geo_database(path: Path) -> Path:
    """Write the database; the file appears whole or not at all."""
    writer = MMDBWriter(
        ip_version=6,
        ipv4_compatible=True,
        database_type="GeoLite2-City",
        languages=["en"],
        description="Simulated networks (benchmark and documentation ranges)",
    )
    for place in PLACES:
        record = {"country": {"iso_code": place.country}, "subdivisions": [{"iso_code": place.region}]}
        writer.insert_network(IPSet([str(place.network4), str(place.network6)]), record)
    temporary = path.with_name(f".{path.name}.new")
    writer.to_db_file(str(temporary))
    temporary.replace(path)
    return path
