"""Country and region of an address; whatever the file is, an event never suffers from it."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from telemetry_platform.stores.geo import NOWHERE, Geo, GeoState

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    assert geo.health.message == "Test-City answers"
    assert geo.place_of("203.0.113.0") == ("RO", "RO-CJ")
    assert geo.place_of("2001:db8:85a3::") == ("DE", None)
    assert geo.place_of("10.0.0.0") == NOWHERE


@pytest.mark.parametrize(
    ("kind", "record", "place"),
    [
        # ip-location-db: names instead of codes, and a city beside the country.
        ("country ipvAll", {"country_code": "RO"}, ("RO", None)),
        ("city ipvAll", {"country_code": "GB", "state1": "England", "city": "London"}, ("GB", None)),
        # DB-IP Lite: subdivisions by name only. GeoIP2: the largest subdivision, never the one within it.
        ("DBIP-City-Lite", {"country": {"iso_code": "RO"}, "subdivisions": [{"names": {"en": "Cluj"}}]}, ("RO", None)),
        (
            "GeoIP2-City",
            {"country": {"iso_code": "GB"}, "subdivisions": [{"iso_code": "ENG"}, {"iso_code": "OXF"}]},
            ("GB", "GB-ENG"),
        ),
        ("GeoIP2-Country", {"country": {"iso_code": "RO"}, "registered_country": {"iso_code": "DE"}}, ("RO", None)),
        ("GeoIP2-Enterprise", {"country": {"iso_code": "RO", "confidence": 99}}, ("RO", None)),
    ],
)
def test_databases_of_every_maker_are_read(
    tmp_path: Path, kind: str, record: dict[str, Any], place: tuple[str | None, str | None]
) -> None:
    geo = Geo(write(tmp_path / "geo.mmdb", {"203.0.113.0/24": record, "2001:db8::/32": record}, kind=kind))
    assert geo.health.ok
    assert geo.place_of("203.0.113.0") == geo.place_of("2001:db8::") == place


@pytest.mark.parametrize("content", [None, b"", b"0123456789", b"\xab\xcd\xefMaxMind.com"])
def test_e59_a_missing_or_corrupt_file_costs_nulls_and_says_so(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "geo.mmdb"
    if content is not None:
        path.write_bytes(content)
    geo = Geo(path)
    assert geo.place_of("203.0.113.0") == NOWHERE
    assert geo.health.state is GeoState.FAILS
    assert "TELEMETRY_GEO__DATABASE" in geo.health.message


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_e59_what_is_no_file_is_not_waited_for(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "geo.mmdb"
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    geo = Geo(path)
    assert geo.place_of("203.0.113.0") == NOWHERE
    assert geo.health.state is GeoState.FAILS


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter: pytest's own are this user's alone."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_e59_a_file_without_permission_costs_nulls(open_folder: Path) -> None:
    path = write(open_folder / "geo.mmdb", {"203.0.113.0/24": CLUJ})
    path.chmod(0)
    # To root permissions mean nothing: the reader is another user where this is root.
    code = (
        "import os, sys; from pathlib import Path; from telemetry_platform.stores.geo import Geo\n"
        "if os.geteuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        "geo = Geo(Path(sys.argv[1])); print(geo.place_of('203.0.113.0'), geo.health.state.value, geo.health.message)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("(None, None) fails the geo database cannot be used (PermissionError)")


def test_e59_a_cut_off_database_costs_nulls(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.mmdb", {f"10.{n}.0.0/16": CLUJ for n in range(200)}).read_bytes()
    path = tmp_path / "geo.mmdb"
    for length in range(0, len(whole), max(1, len(whole) // 50)):
        path.write_bytes(whole[:length])
        assert Geo(path).place_of("10.7.0.0") in (NOWHERE, ("RO", "RO-CJ"))


def test_e59_no_flipped_byte_raises(tmp_path: Path) -> None:
    networks = {f"10.{n}.0.0/16": CLUJ | {"location": {"latitude": 1.5, "accuracy_radius": n}} for n in range(20)}
    whole = write(tmp_path / "whole.mmdb", networks).read_bytes()
    path = tmp_path / "geo.mmdb"
    chance = random.Random(59)  # noqa: S311 - the same bytes in every run
    for _ in range(400):
        broken = bytearray(whole)
        for _ in range(chance.choice((1, 3, 30))):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        path.write_bytes(broken)
        geo = Geo(path)
        assert all(place is None or len(place) <= 6 for place in geo.place_of("10.7.0.0"))


def test_e59_a_record_that_cannot_be_read_costs_nulls_and_says_so(tmp_path: Path) -> None:
    good, bad = {"country": {"iso_code": "RO"}}, {"country": {"iso_code": "DE"}, "broken": 4_000_000_001}
    path = write(tmp_path / "geo.mmdb", {"10.0.0.0/16": good, "203.0.113.0/24": bad, "2001:db8::/32": good})
    whole = path.read_bytes()
    number = (4_000_000_001).to_bytes(4, "big")
    at = whole.index(number) - 1
    # The number says that it is 31 and more bytes long, which no number is.
    path.write_bytes(whole[:at] + bytes([whole[at] | 0x1F]) + whole[at + 1 :])
    geo = Geo(path)
    assert geo.health.ok
    assert geo.place_of("203.0.113.0") == NOWHERE
    assert geo.health.state is GeoState.FAILS
    assert "203.0.113" not in geo.health.message
    assert geo.place_of("10.0.0.0") == ("RO", None)


@pytest.mark.parametrize(("address", "version"), [("2001:db8::", "IPv6"), ("203.0.113.0", "IPv4")])
def test_e59_a_database_of_one_kind_of_addresses_is_used_for_those_and_says_so(
    tmp_path: Path, address: str, version: str
) -> None:
    networks = {"IPv6": {"203.0.113.0/24": CLUJ}, "IPv4": {"2001:db8::/32": CLUJ}}[version]
    geo = Geo(write(tmp_path / "geo.mmdb", networks, ip_version=4 if version == "IPv6" else 6))
    assert geo.place_of(address) == NOWHERE
    assert geo.place_of({"IPv6": "203.0.113.0", "IPv4": "2001:db8::"}[version]) == ("RO", "RO-CJ")
    assert geo.health.state is GeoState.PARTLY
    assert not geo.health.ok
    assert f"knows no {version} addresses" in geo.health.message


def test_e59_an_address_that_nobody_has_is_nowhere_and_no_fault(tmp_path: Path) -> None:
    geo = Geo(write(tmp_path / "geo.mmdb", {"203.0.113.0/24": CLUJ, "2001:db8::/32": CLUJ}))
    for address in ("10.0.0.0", "192.168.1.0", "127.0.0.0", "fd00:1::", "fe80::", "::"):
        assert geo.place_of(address) == NOWHERE
    assert geo.health.ok


def test_a_database_without_countries_is_not_used(tmp_path: Path) -> None:
    record = {"autonomous_system_number": 1, "autonomous_system_organization": "Test"}
    geo = Geo(write(tmp_path / "geo.mmdb", {"203.0.113.0/24": record}, kind="GeoLite2-ASN"))
    assert geo.place_of("203.0.113.0") == NOWHERE
    assert geo.health.state is GeoState.FAILS
    assert "`GeoLite2-ASN` holds no countries" in geo.health.message


def test_without_a_setting_places_are_unknown() -> None:
    geo = Geo(None)
    assert geo.place_of("203.0.113.0") == NOWHERE
    assert geo.health.state is GeoState.OFF


@pytest.mark.parametrize("content", [b"half of it", None])
def test_a_replaced_file_is_used_once_it_answers(tmp_path: Path, content: bytes | None) -> None:
    path = write(tmp_path / "geo.mmdb", {"203.0.113.0/24": CLUJ, "2001:db8::/32": CLUJ})
    geo = Geo(path)
    assert geo.place_of("203.0.113.0") == ("RO", "RO-CJ")
    path.unlink() if content is None else path.write_bytes(content)
    geo.refresh()
    assert geo.place_of("203.0.113.0") == geo.place_of("2001:db8::") == ("RO", "RO-CJ")
    assert geo.health.state is GeoState.FAILS
    assert "the one read before is still used" in geo.health.message
    write(path, {"203.0.113.0/24": {"country": {"iso_code": "DE"}}, "2001:db8::/32": CLUJ})
    geo.refresh()
    assert geo.place_of("203.0.113.0") == ("DE", None)
    assert geo.health.ok


def test_a_file_that_is_written_in_place_is_used_when_it_is_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "geo.mmdb", {"203.0.113.0/24": CLUJ, "2001:db8::/32": CLUJ})
    new = {"203.0.113.0/24": {"country": {"iso_code": "DE"}}, "2001:db8::/32": {"country": {"iso_code": "DE"}}}
    whole = write(tmp_path / "new.mmdb", new).read_bytes()
    geo = Geo(path)
    with path.open("wb") as file:
        for place in range(0, len(whole), 97):
            file.write(whole[place : place + 97])
            file.flush()
            geo.refresh()
            is_whole = place + 97 >= len(whole)
            assert geo.place_of("203.0.113.0") == (("DE", None) if is_whole else ("RO", "RO-CJ"))
    assert geo.health.ok


def test_a_broken_file_is_read_once_for_each_change_and_said_once(tmp_path: Path) -> None:
    path = tmp_path / "geo.mmdb"
    path.write_bytes(b"no database")
    # Another process, since what listens for opened files listens for ever.
    code = (
        "import sys; from pathlib import Path; from telemetry_platform.stores.geo import Geo\n"
        "path, opened = Path(sys.argv[1]), []\n"
        "sys.addaudithook(lambda event, args: event == 'open' and str(args[0]) == str(path) and opened.append(1))\n"
        "geo = Geo(path)\n"
        "for _ in range(100): geo.refresh(); geo.place_of('203.0.113.0')\n"
        "once = len(opened); path.write_bytes(b'no database either'); geo.refresh(); print(once, len(opened))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    # The writer's own opening is one of the three.
    assert done.stdout.split() == ["1", "3"]
    assert done.stderr.count("geo database") == 1


@pytest.mark.parametrize(
    "record",
    [
        "text",
        {"country": "RO"},
        {"country": {"iso_code": 7}},
        {"country": {"iso_code": "Romania"}},
        {"subdivisions": {"iso_code": "CJ"}},
        {"country_code": ["RO"]},
        {"country": {"iso_code": "RO"}, "subdivisions": "CJ"},
        {"country": {"iso_code": "RO"}, "subdivisions": [7]},
    ],
)
def test_records_of_an_odd_shape_are_nowhere(tmp_path: Path, record: object) -> None:
    good = {"country": {"iso_code": "DE"}}
    geo = Geo(write(tmp_path / "geo.mmdb", {"10.0.0.0/8": good, "203.0.113.0/24": record}))
    assert geo.place_of("203.0.113.0") == NOWHERE
    assert geo.place_of("10.0.0.0") == ("DE", None)


def test_a_region_that_is_no_code_is_left_out(tmp_path: Path) -> None:
    record = {"country": {"iso_code": "RO"}, "subdivisions": [{"iso_code": "Cluj-Napoca, str. Memorandumului 28"}]}
    assert Geo(write(tmp_path / "geo.mmdb", {"203.0.113.0/24": record})).place_of("203.0.113.0") == ("RO", None)
