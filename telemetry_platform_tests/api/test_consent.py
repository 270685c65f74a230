"""Whose a session is, what consent lets through, and the access record that is kept at every level."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from telemetry_platform.contracts.landing import stream_name
from telemetry_platform.stores import redis
from telemetry_platform_tests.api.serving import Api, at, event


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


@pytest.mark.parametrize("level", ["0", "1", "2"])
def test_nobody_keeps_another_ones_view_out_of_the_trail(api: Api, level: str) -> None:
    sent = event("session_start")
    first = api.post(sent, {"X-Consent-Level": "1"}, sub="user-2")
    other_medium = api.post({**sent, "media_id": "hip-lift-1"}, {"X-Consent-Level": "1"})
    view = api.post(sent, {"X-Consent-Level": level})
    assert [answer.status_code for answer in (first, other_medium, view)] == [202, 202, 202]
    assert len({entry["event_id"] for entry in api.entries("audit")}) == 3


def test_a_drop_that_is_sent_again_is_the_same_drop(api: Api) -> None:
    sent = [event("play", event_id=str(uuid4())), event("pause")]
    for _ in range(2):
        api.post({"events": sent}, {"X-Consent-Level": "1"})
    api.post({"events": sent[:1]}, {"X-Consent-Level": "1"}, org_id="clinic-2")
    ids = [entry["event_id"] for entry in api.entries("drops")]
    assert ids[:2] == ids[2:4]
    assert len(set(ids)) == 3
    assert sent[0]["event_id"] not in ids
