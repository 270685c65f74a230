"""When requests leave."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from telemetry_platform.simulate.http_client import Pace

BEGIN = datetime(2026, 2, 16, 10, 0, tzinfo=UTC)
LATER = BEGIN + timedelta(hours=1)


def test_as_fast_as_possible_waits_for_nothing() -> None:
    assert Pace(BEGIN, 0.0).seconds_until(LATER, 0.0) == 0.0


def test_live_waits_until_it_happens() -> None:
    assert Pace(BEGIN, 1.0).seconds_until(LATER, 600.0) == 3_000.0


def test_sixty_times_as_fast_passes_an_hour_in_a_minute() -> None:
    assert Pace(BEGIN, 60.0).seconds_until(LATER, 0.0) == 60.0


def test_what_should_have_left_leaves_at_once() -> None:
    assert Pace(BEGIN, 60.0).seconds_until(LATER, 61.0) == 0.0
