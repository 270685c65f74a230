"""The calendar of retention: from now backwards, in UTC, never forwards from a row."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_platform.contracts.retention import Retention
from telemetry_platform.processing.calendar_cutoff import begin_of_month, cut_off, is_expired, is_whole_day

SIX_YEARS = Retention(6, "year", "recorded_at", "the law")
SEVEN_YEARS = Retention(7, "year", "recorded_at", "the policy")
LEAP_DAY = datetime(2020, 2, 29, 12, tzinfo=UTC)

moments = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - hypothesis takes naive bounds, and gives what timezones says
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001 - as above
    timezones=st.just(UTC),
)
retentions = st.builds(
    Retention,
    amount=st.integers(min_value=0, max_value=100),
    unit=st.sampled_from(["day", "month", "year"]),
    column=st.just("occurred_at"),
    why=st.just("a test"),
)


def test_e44_six_calendar_years_are_not_six_times_365_days() -> None:
    before = datetime(2026, 2, 28, 23, 59, tzinfo=UTC)
    assert before - LEAP_DAY > timedelta(days=6 * 365)
    assert not is_expired(SIX_YEARS, LEAP_DAY, before)
    after = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert is_expired(SIX_YEARS, LEAP_DAY, after)
    assert not is_expired(SEVEN_YEARS, LEAP_DAY, after)


def test_e44_row_time_plus_interval_would_have_been_a_day_early() -> None:
    # 29 February and six years is 28 February, as engines have it: a row of the afternoon would have gone that day.
    evening = datetime(2026, 2, 28, 13, tzinfo=UTC)
    assert not is_expired(SIX_YEARS, LEAP_DAY, evening)


@pytest.mark.parametrize(
    ("amount", "unit", "now", "expected"),
    [
        (1, "year", datetime(2024, 2, 29, 12, tzinfo=UTC), datetime(2023, 2, 28, 12, tzinfo=UTC)),
        (6, "month", datetime(2024, 8, 31, 5, tzinfo=UTC), datetime(2024, 2, 29, 5, tzinfo=UTC)),
        (13, "month", datetime(2025, 3, 31, tzinfo=UTC), datetime(2024, 2, 29, tzinfo=UTC)),
        (1, "month", datetime(2025, 1, 31, tzinfo=UTC), datetime(2024, 12, 31, tzinfo=UTC)),
        (30, "day", datetime(2025, 3, 1, tzinfo=UTC), datetime(2025, 1, 30, tzinfo=UTC)),
        (0, "day", datetime(2025, 3, 1, tzinfo=UTC), datetime(2025, 3, 1, tzinfo=UTC)),
    ],
)
def test_a_day_that_the_month_does_not_have_becomes_its_last(
    amount: int, unit: str, now: datetime, expected: datetime
) -> None:
    assert cut_off(Retention(amount, unit, "occurred_at", "a test"), now) == expected  # type: ignore[arg-type]  # the parameters are text


def test_other_zones_are_read_as_utc() -> None:
    bucharest = timezone(timedelta(hours=2))
    local = datetime(2026, 3, 1, 1, 30, tzinfo=bucharest)
    assert cut_off(SIX_YEARS, local) == datetime(2020, 2, 28, 23, 30, tzinfo=UTC)


@given(retention=retentions, now=moments)
def test_the_cut_off_is_the_boundary_to_the_millisecond(retention: Retention, now: datetime) -> None:
    boundary = cut_off(retention, now)
    assert boundary.microsecond % 1000 == 0
    assert boundary <= now
    assert not is_expired(retention, boundary, now)
    assert is_expired(retention, boundary - timedelta(milliseconds=1), now)


@given(retention=retentions, earlier=moments, later=moments)
def test_what_has_expired_stays_expired(retention: Retention, earlier: datetime, later: datetime) -> None:
    first, second = sorted((earlier, later))
    assert cut_off(retention, first) <= cut_off(retention, second)


def test_a_day_that_is_half_expired_is_not_counted_again() -> None:
    ninety_days = Retention(90, "day", "occurred_at", "a test")
    now = datetime(2026, 11, 26, 3, tzinfo=UTC)
    assert not is_whole_day(ninety_days, date(2026, 8, 27), now)
    assert not is_whole_day(ninety_days, date(2026, 8, 28), now)
    assert is_whole_day(ninety_days, date(2026, 8, 29), now)
    assert is_whole_day(ninety_days, date(2026, 8, 28), now.replace(hour=0))


@given(now=moments)
def test_a_month_begins_with_its_first_day(now: datetime) -> None:
    begin = begin_of_month(now)
    assert (begin.day, begin.hour, begin.minute, begin.second, begin.microsecond) == (1, 0, 0, 0, 0)
    assert begin <= now < begin + timedelta(days=31)
