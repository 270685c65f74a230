"""When an event happened, as a device says it and as it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from telemetry_platform_tests.api.serving import NOW, Api, at, event

if TYPE_CHECKING:
    from datetime import datetime

RECEIVED = round(NOW.timestamp() * 1000)


@pytest.mark.parametrize("timestamp", [1771322400, 1771322400000, 1771322400000000, 1771322400000.0, "1771322400000"])
def test_e29_a_numeric_timestamp_is_refused(shared_api: Api, timestamp: object) -> None:
    answer = shared_api.post(event(timestamp=timestamp))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "timestamp"


def test_e28_a_timestamp_without_a_zone_is_refused(shared_api: Api) -> None:
    answer = shared_api.post(event(timestamp="2026-02-17T10:00:00"))
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {
            "field": "timestamp",
            "message": "must carry a time zone, like 2026-02-17T10:00:00Z or +02:00",
            "code": "timezone_required",
        }
    ]


def test_e26_what_an_event_does_not_say_is_null_and_never_a_date(api: Api) -> None:
    api.post({"events": [event("session_start"), event("session_end", data={"position_seconds": 1})]})
    for body in api.bodies("media"):
        assert {name for name, value in body.items() if name.endswith("_at") and value in {0, 2**32 - 1}} == set()
    start, end = api.bodies("media")
    assert start["ttfb_ms"] is None
    assert end["watched_seconds"] is None


def test_e32_a_clock_that_was_never_set_is_corrected_and_flagged(api: Api) -> None:
    api.post(event("session_start", timestamp="1970-01-01T01:30:27.383Z"))
    (body,) = api.bodies("media")
    assert (body["occurred_at"], body["client_at"], body["skewed"]) == (RECEIVED, 5427383, True)


@pytest.mark.parametrize("timestamp", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"])
def test_the_clocks_last_and_first_days_can_be_stored(api: Api, timestamp: str) -> None:
    assert api.post(event(timestamp=timestamp)).status_code == 202
    (body,) = api.bodies("media")
    assert body["occurred_at"] == RECEIVED
    assert -2_208_988_800_000 <= body["client_at"] <= 10_413_791_999_000


def test_an_event_of_last_week_is_refused_as_too_late(shared_api: Api) -> None:
    answer = shared_api.post(event(timestamp=at(-8 * 86_400)))
    assert answer.status_code == 422
    assert answer.json()["code"] == "too_late"


def _when(text: datetime) -> int:
    return round(text.timestamp() * 1000)


def test_e31_the_corrected_time_is_in_the_entry(api: Api) -> None:
    # The device is 15 minutes slow and sent after half a minute.
    api.post(event(timestamp=at(-900 - 30), sent_at=at(-900)))
    (body,) = api.bodies("media")
    assert body["occurred_at"] == _when(NOW) - 30_000
    assert body["skewed"] is True
