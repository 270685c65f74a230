"""Country and region of an address; whatever the file is, an event never suffers from it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from telemetry_platform.stores.geo import NOWHERE, Geo

if TYPE_CHECKING:
    from pathlib import Path

CLUJ = {
    "country": {"iso_code": "RO"},
    "subdivisions": [{"iso_code": "CJ"}],
    "city": {"names": {"en": "Cluj-Napoca"}},
    "location": {"latitude": 46.77, "longitude": 23.6},
}


def write(path: Path, networks: dict[str, Any], kind: str = "Test-City", ip_version: int = 6) -> Path:
    writer = MMDBWriter(ip_version=ip_version, database_type=kind, ipv4_compatible=ip_version == 6)
    for network, record in networks.items():
        writer.insert_network(IPSet([network]), record)
    fresh = path.with_suffix(".new")
    writer.to_db_file(str(fresh))
    os.replace(fresh, path)  # noqa: PTH105 - the call whose atomicity is meant
    return path


def test_country_and_region_and_nothing_finer(tmp_path: Path) -> None:
    geo = Geo(
        write(tmp_path / "geo.mmdb", {"203.0.113.0/24": CLUJ, "2001:db8:85a3::/48": {"country": {"iso_code": "DE"}}})
    )
    assert geo.health.ok
    assert geo.place_of("203.0.113.0") == ("RO", "RO-CJ")
    assert geo.place_of("2001:db8:85a3::") == ("DE", None)
    assert geo.place_of("10.0.0.0") == NOWHERE


@pytest.mark.parametrize("content", [None, b"", b"0123456789", b"\xab\xcd\xefMaxMind.com"])
def test_e59_a_missing_or_corrupt_file_costs_nulls_and_says_so(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "geo.mmdb"
    if content is not None:
        path.write_bytes(content)
    geo = Geo(path)
    assert geo.place_of("203.0.113.0") == NOWHERE
    assert not geo.health.ok
    assert "TELEMETRY_GEO__DATABASE" in geo.health.message


def test_e59_a_cut_off_database_costs_nulls(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.mmdb", {f"10.{n}.0.0/16": CLUJ for n in range(200)}).read_bytes()
    path = tmp_path / "geo.mmdb"
    for length in range(0, len(whole), max(1, len(whole) // 50)):
        path.write_bytes(whole[:length])
        assert Geo(path).place_of("10.7.0.0") in (NOWHERE, ("RO", "RO-CJ"))


def test_e59_ipv6_in_an_ipv4_database_is_nowhere(tmp_path: Path) -> None:
    geo = Geo(write(tmp_path / "geo.mmdb", {"203.0.113.0/24": CLUJ}, ip_version=4))
    assert geo.place_of("2001:db8::") == NOWHERE
    assert geo.place_of("203.0.113.0") == ("RO", "RO-CJ")


def test_a_database_of_another_type_is_not_used(tmp_path: Path) -> None:
    geo = Geo(write(tmp_path / "geo.mmdb", {"203.0.113.0/24": {"autonomous_system_number": 1}}, kind="Test-ASN"))
    assert geo.place_of("203.0.113.0") == NOWHERE
    assert not geo.health.ok


def test_without_a_setting_places_are_unknown() -> None:
    geo = Geo(None)
    assert geo.place_of("203.0.113.0") == NOWHERE
    assert not geo.health.ok


def test_a_replaced_file_is_used_once_it_answers(tmp_path: Path) -> None:
    path = write(tmp_path / "geo.mmdb", {"203.0.113.0/24": CLUJ})
    geo = Geo(path)
    assert geo.place_of("203.0.113.0") == ("RO", "RO-CJ")
    path.write_bytes(b"half of it")
    geo.refresh()
    assert geo.place_of("203.0.113.0") == ("RO", "RO-CJ")
    assert not geo.health.ok
    write(path, {"203.0.113.0/24": {"country": {"iso_code": "DE"}}})
    geo.refresh()
    assert geo.place_of("203.0.113.0") == ("DE", None)
    assert geo.health.ok


@pytest.mark.parametrize(
    "record", ["text", {"country": "RO"}, {"country": {"iso_code": 7}}, {"subdivisions": {"iso_code": "CJ"}}]
)
def test_records_of_an_odd_shape_are_nowhere(tmp_path: Path, record: object) -> None:
    assert Geo(write(tmp_path / "geo.mmdb", {"203.0.113.0/24": record})).place_of("203.0.113.0") == NOWHERE
