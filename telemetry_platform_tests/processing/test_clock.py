"""The clock rule, with moments as a person reads them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_platform.processing.clock import LATE_MS, TOLERANCE_MS, Occurred, occurred_at


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def moment(found: Occurred) -> str:
    return datetime.fromtimestamp(found.at / 1000, UTC).isoformat(timespec="milliseconds")


RECEIVED = ms("2026-02-17T10:00:00Z")
DAY = 86_400_000


def test_e31_a_slow_clock_and_an_offline_delay_are_seen_through() -> None:
    found = occurred_at(ms("2026-02-17T09:45:00Z"), ms("2026-02-17T09:45:30Z"), ms("2026-02-17T10:00:31Z"))
    assert moment(found) == "2026-02-17T10:00:01.000+00:00"
    assert found.skewed
    assert not found.too_late


def test_e32_a_clock_that_was_never_set_counts_from_receipt() -> None:
    start = occurred_at(ms("1970-01-01T01:30:27.383Z"), None, RECEIVED)
    assert start == Occurred(RECEIVED, skewed=True, too_late=False)
    end = occurred_at(ms("2026-02-17T10:02:00Z"), None, ms("2026-02-17T10:02:00Z"))
    assert end.at - start.at == 120_000


def test_a_clock_set_between_event_and_sending_counts_from_receipt() -> None:
    assert occurred_at(0, RECEIVED, RECEIVED) == Occurred(RECEIVED, skewed=True, too_late=False)


def test_e27_an_offset_is_another_spelling_of_the_same_moment() -> None:
    received = ms("2026-02-18T07:30:01Z")
    found = occurred_at(ms("2026-02-17T23:30:00-08:00"), None, received)
    assert moment(found) == "2026-02-18T07:30:00.000+00:00"
    assert not found.skewed


def test_an_honest_clock_is_not_jittered_by_latency() -> None:
    assert occurred_at(RECEIVED - 900, RECEIVED - TOLERANCE_MS, RECEIVED).at == RECEIVED - 900


def test_a_negative_age_is_zero() -> None:
    ahead = RECEIVED + 3_600_000
    assert occurred_at(ahead + 1_000, ahead, RECEIVED).at == RECEIVED


@pytest.mark.parametrize(("ahead", "skewed"), [(TOLERANCE_MS, False), (TOLERANCE_MS + 1, True)])
def test_the_future_ends_five_seconds_after_receipt(ahead: int, skewed: bool) -> None:  # noqa: FBT001 - a parameter
    assert occurred_at(RECEIVED + ahead, None, RECEIVED).skewed is skewed


@pytest.mark.parametrize(("age", "too_late"), [(LATE_MS, False), (LATE_MS + 1, True), (364 * DAY, True)])
def test_an_event_of_more_than_seven_days_ago_is_too_late(age: int, too_late: bool) -> None:  # noqa: FBT001 - as above
    assert occurred_at(RECEIVED - age, None, RECEIVED).too_late is too_late


@given(
    st.integers(-62_135_596_800_000, 253_402_300_799_999),
    st.none() | st.integers(-62_135_596_800_000, 253_402_300_799_999),
)
def test_what_is_taken_lies_within_the_guards(timestamp: int, sent_at: int | None) -> None:
    found = occurred_at(timestamp, sent_at, RECEIVED)
    assert found.at <= RECEIVED + TOLERANCE_MS
    assert found.too_late or found.at >= RECEIVED - LATE_MS
