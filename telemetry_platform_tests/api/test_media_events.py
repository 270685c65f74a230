"""Posting media events: answers, entries in the queue, and their ids."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest

from telemetry_platform.contracts.columns import BESIDE_BODY, FROM_DRAIN, FROM_STORE
from telemetry_platform.contracts.landing import FIELDS, SOURCE_FIELDS
from telemetry_platform.contracts.registry import kinds
from telemetry_platform_tests.api.serving import NOW, Api, at, event

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
    assert set(entry) == set(FIELDS) - set(SOURCE_FIELDS)
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


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("milestone", {"percent": 25}, {"percent": 50}),
        ("seek", {"from_position": 1, "to_position": 9}, {"from_position": 1, "to_position": 8}),
        ("seek", {"from_position": 1, "to_position": 9}, {"from_position": 2, "to_position": 9}),
        ("error", {"error_code": "E1"}, {"error_code": "E2"}),
    ],
)
def test_two_events_of_one_millisecond_are_two_events(
    api: Api, name: str, one: dict[str, Any], other: dict[str, Any]
) -> None:
    first = event(name, data=one)
    batch = {"events": [first, {**first, "data": other}]}
    for _ in range(2):
        assert api.post(batch).status_code == 202
    ids = [entry["event_id"] for entry in api.entries("media")]
    assert ids[0] != ids[1]
    assert ids[:2] == ids[2:]


def test_two_events_of_one_name_and_millisecond_that_say_no_more_are_one_event(api: Api) -> None:
    sent = event("heartbeat", data={"position_seconds": 1})
    api.post({"events": [sent, {**sent, "data": {"position_seconds": 2}}]})
    one, other = api.entries("media")
    assert one["event_id"] == other["event_id"] == str(uuid5(UUID(sent["session_id"]), f"heartbeat:{RECEIVED}"))
