"""The simulator's geo database knows its own networks, through the same reader as the drain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform.simulate.geo_database import write_geo_database
from telemetry_platform.simulate.people import make_patient
from telemetry_platform.stores.geo import NOWHERE, Geo

if TYPE_CHECKING:
    from pathlib import Path


def test_every_patient_is_found_where_they_are(tmp_path: Path) -> None:
    geo = Geo(write_geo_database(tmp_path / "geo.mmdb"))
    assert geo.health.ok
    for number in range(100):
        patient = make_patient(7, number)
        place = patient.place
        assert geo.place_of(patient.address) == (place.country, f"{place.country}-{place.region}")


def test_a_stranger_is_nowhere(tmp_path: Path) -> None:
    assert Geo(write_geo_database(tmp_path / "geo.mmdb")).place_of("203.0.113.0") == NOWHERE
