"""Posting media events: answers, entries in the queue, and what must not be in them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from telemetry_platform.contracts.columns import BESIDE_BODY, FROM_DRAIN, FROM_STORE
from telemetry_platform.contracts.landing import FIELDS, stream_name
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.stores import redis
from telemetry_platform_tests.api.serving import NOW, Api, at, event

if TYPE_CHECKING:
    from datetime import datetime

RECEIVED = round(NOW.timestamp() * 1000)


def test_an_event_is_accepted_and_its_entry_is_reduced(api: Api) -> None:
    sent = event("session_start", event_id=str(uuid4()), data={"ttfb_ms": 340})
    answer = api.post(sent)
    assert answer.status_code == 202
    assert answer.json() == {
        "status": "accepted",
        "event_id": sent["event_id"],
        "session_id": sent["session_id"],
    }
    (entry,) = api.entries("media")
    assert set(entry) == set(FIELDS)
    assert (entry["v"], entry["kind"], entry["org_id"], entry["consent_level"]) == ("1", "media", "clinic-1", "2")
    assert entry["received_at"] == str(RECEIVED)
    (body,) = api.bodies("media")
    assert body["ttfb_ms"] == 340
    assert body["ip_truncated"] == "127.0.0.0"
    text = json.dumps(entry)
    assert "user-1" not in text
    assert "knee-squat-2" not in text


def test_a_body_holds_columns_of_its_table_and_no_others(api: Api) -> None:
    api.post(event("error", data={"error_code": "E1", "error_message": "m"}), {"X-Consent-Level": "2"})
    api.post(event("session_start"))
    api.post(event("play"), {"X-Consent-Level": "1"})
    for name in ("media", "errors", "audit", "drops"):
        columns = {column.name for column in kinds()[name].table.columns} - BESIDE_BODY - FROM_DRAIN - FROM_STORE
        required = {
            column.name for column in kinds()[name].table.columns if column.name in columns and not column.nullable
        }
        for body in api.bodies(name):
            assert required <= set(body) <= columns


def test_a_batch_is_answered_event_by_event_and_one_wrong_event_costs_no_other(api: Api) -> None:
    wrong = event(data={"position_seconds": "abc"})
    events = [event(), wrong, event("seek", data={"from_position": 1, "to_position": 2})]
    answer = api.post({"events": events})
    assert answer.status_code == 202
    first, second, third = answer.json()["results"]
    assert (first["status"], second["status"], third["status"]) == ("accepted", "rejected", "accepted")
    assert second["problem"]["errors"][0]["field"] == "data.position_seconds"
    assert [body["session_id"] for body in api.bodies("media")] == [events[0]["session_id"], events[2]["session_id"]]


def test_a_batch_without_a_good_event_is_refused(api: Api) -> None:
    answer = api.post({"events": [event("rewind"), {}]})
    assert answer.status_code == 422
    assert [result["status"] for result in answer.json()["results"]] == ["rejected", "rejected"]
    assert api.entries("media") == []


def test_entries_are_numbered_without_gaps(api: Api) -> None:
    for _ in range(3):
        api.post({"events": [event(), event()]})
    numbers = [int(entry["producer_seq"]) for entry in api.entries("media")]
    assert numbers == [1, 2, 3, 4, 5, 6]
    assert len({entry["producer"] for entry in api.entries("media")}) == 1


def test_a_missing_event_id_is_derived_so_that_a_resend_is_the_same_event(api: Api) -> None:
    sent = event()
    first, second = api.post(sent).json(), api.post(sent).json()
    other = api.post({**sent, "timestamp": at(-1)}).json()
    assert first["event_id"] == second["event_id"] != other["event_id"]
    assert UUID(first["event_id"]).version == 5


def test_e70_raw_identifiers_do_not_get_in_by_allowed_fields(api: Api) -> None:
    sent = event(media_id="Knee Squat Level 2", data={"user_id": "u-42", "ip": "203.0.113.9", "position_seconds": 1.5})
    assert api.post(sent).status_code == 202
    assert api.post(event(session_id="ana@example.com")).status_code == 422
    (entry,) = api.entries("media")
    for raw in ("Knee Squat", "u-42", "203.0.113.9", "user_id"):
        assert raw not in json.dumps(entry)
    assert api.metric('telemetry_unknown_fields_total{kind="media"}') == 2


def test_e20_nul_and_lone_surrogates_are_replaced_and_counted(api: Api) -> None:
    raw = json.dumps(event("error", data={"error_code": "E1", "error_message": "boom@x"})).encode()
    raw = raw.replace(b"boom@x", rb"boom\u0000x \ud800 \\u0000")
    assert api.post(raw).status_code == 202
    (body,) = api.bodies("errors")
    assert body["message"] == "boom\ufffdx \ufffd \\u0000"
    assert api.metric('telemetry_sanitised_events_total{kind="media"}') == 1


def test_e68_an_error_message_is_scrubbed_before_it_is_queued(api: Api) -> None:
    message = "User ana@example.com failed from 203.0.113.9 in /Users/ana/app.js"
    api.post(event("error", data={"error_code": "E1", "error_message": message}))
    for entry in (*api.entries("media"), *api.entries("errors")):
        for raw in ("ana@example.com", "203.0.113.9", "/Users/ana"):
            assert raw not in entry["body"]


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e999", "-1e999"])
def test_e22_numbers_that_are_none_are_refused(shared_api: Api, text: str) -> None:
    raw = json.dumps(event(data={"position_seconds": 12345})).replace("12345", text).encode()
    answer = shared_api.post(raw)
    assert answer.status_code in {400, 422}
    problem = answer.json()
    assert "invalid_number" in {problem["code"], *(error["code"] for error in problem.get("errors", []))}


def test_e22_a_number_beyond_a_double_costs_its_own_event_only(api: Api) -> None:
    batch = json.dumps({"events": [event(), event(data={"position_seconds": 12345})]}).replace("12345", "1e999")
    answer = api.post(batch.encode())
    assert [result["status"] for result in answer.json()["results"]] == ["accepted", "rejected"]
    assert len(api.entries("media")) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (json.dumps(event(data={"current_bitrate": 18446744073709551616})).encode(), 422),
        (b'{"event":"play","data":{"current_bitrate":' + b"9" * 5_000 + b"}}", 400),
        (b"[" * 100_000, 400),
        (b'{"event":"play","event":"seek"}', 400),
        (b'{"event":"play","x":' + b"[" * 20 + b"]" * 20 + b"}", 400),
        (b"{", 400),
        (b"", 400),
        (b"[]", 422),
        (b"3", 422),
        (b'{"events":{}}', 422),
        (b'{"events":[]}', 422),
    ],
)
def test_e23_hostile_bodies_are_refused_with_a_problem(shared_api: Api, body: bytes, status: int) -> None:
    answer = shared_api.post(body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status


def test_e25_a_batch_of_too_many_events_names_the_limit(shared_api: Api) -> None:
    answer = shared_api.post({"events": [{}] * 100_001})
    assert answer.status_code == 422
    assert "500" in answer.json()["errors"][0]["message"]


def test_e25_too_many_keys_and_a_long_name_are_refused(shared_api: Api) -> None:
    many = shared_api.post(event(properties={f"k{number}": 1 for number in range(10_000)}))
    long = shared_api.post(event("x" * 5_000))
    for answer, limit in ((many, "64"), (long, "4096")):
        assert answer.status_code == 422
        assert limit in answer.json()["errors"][0]["message"]


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


def test_a_session_belongs_to_who_began_it(api: Api) -> None:
    sent = event()
    assert api.post(sent).status_code == 202
    taken = api.post({**sent, "timestamp": at(-1)}, sub="user-2")
    assert taken.status_code == 409
    assert taken.json()["code"] == "session_owner_conflict"
    batch = api.post({"events": [sent, event()]}, sub="user-2").json()["results"]
    assert [result["status"] for result in batch] == ["rejected", "accepted"]
    assert api.post(sent, sub="user-2", org_id="clinic-2").status_code == 202


def test_a_session_keeps_the_epoch_that_it_began_with(api: Api) -> None:
    sent = event()
    api.post(sent)
    with redis.connect(api.settings.redis) as client:
        pin = client.get(f"session:clinic-1:{sent['session_id']}")
        assert pin == f"1:{api.entries('media')[0]['actor_hash']}".encode()
        assert 0 < client.ttl(f"session:clinic-1:{sent['session_id']}") <= 172_800


def test_the_access_record_is_one_per_view_and_holds_no_session(api: Api) -> None:
    sent = event("session_start")
    for _ in range(2):
        api.post(sent)
    first, second = api.entries("audit")
    assert first["event_id"] == second["event_id"]
    assert sent["session_id"] not in json.dumps(first)
    assert first["actor_hash"] != api.entries("media")[0]["actor_hash"]
    assert api.bodies("audit")[0]["actor_type"] == "patient"


EXPECTED: dict[int, dict[str, int]] = {
    0: {"media": 0, "errors": 0, "audit": 1, "drops": 3},
    1: {"media": 0, "errors": 1, "audit": 1, "drops": 3},
    2: {"media": 3, "errors": 1, "audit": 1, "drops": 0},
    3: {"media": 3, "errors": 1, "audit": 1, "drops": 0},
}


@pytest.mark.parametrize("level", sorted(EXPECTED))
def test_e71_each_level_lets_through_what_it_may(api: Api, level: int) -> None:
    session = str(uuid4())
    events = [
        event("session_start", session_id=session),
        event("heartbeat", session_id=session),
        event("error", session_id=session, data={"error_code": "E1"}),
    ]
    answer = api.post({"events": events}, {"X-Consent-Level": str(level)})
    assert answer.status_code == 202
    assert {kind: len(api.entries(kind)) for kind in ("media", "errors", "audit", "drops")} == EXPECTED[level]
    for entry in (*api.entries("media"), *api.entries("errors")):
        assert entry["consent_level"] == str(level)
    for entry in api.entries("drops"):
        assert (entry["actor_hash"], entry["key_epoch"]) == ("", "0")
        assert session not in json.dumps(entry)
    if level < 2:
        assert {result["reason"] for result in answer.json()["results"]} == {"consent_too_low"}


@pytest.mark.parametrize("header", ["3x", "+3", "", "2, 2", "4", "two"])
def test_a_consent_header_that_is_none_counts_as_one(shared_api: Api, header: str) -> None:
    assert shared_api.post(event(), {"X-Consent-Level": header}).json()["status"] == "dropped"


def test_e74_the_privacy_signal_does_not_raise_a_level(shared_api: Api) -> None:
    assert shared_api.post(event(), {"X-Consent-Level": "1", "Sec-GPC": "1"}).json()["status"] == "dropped"
    assert shared_api.post(event(), {"X-Consent-Level": "3", "Sec-GPC": "1"}).json()["status"] == "accepted"


def test_no_key_of_redis_names_a_person(api: Api) -> None:
    api.post(event())
    with redis.connect(api.settings.redis) as client:
        found: Any = list(client.scan_iter("*"))
    names = {name.decode() for name in found}
    assert stream_name("media", 0) in names
    assert not any("user-1" in name for name in names)


def _when(text: datetime) -> int:
    return round(text.timestamp() * 1000)


def test_e31_the_corrected_time_is_in_the_entry(api: Api) -> None:
    # The device is 15 minutes slow and sent after half a minute.
    api.post(event(timestamp=at(-900 - 30), sent_at=at(-900)))
    (body,) = api.bodies("media")
    assert body["occurred_at"] == _when(NOW) - 30_000
    assert body["skewed"] is True
