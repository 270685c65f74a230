"""Posting pose frames: a verdict for each, one entry for all, and what refuses a frame or a whole session."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any
from uuid import UUID, uuid4, uuid5

import numpy as np
import pytest

from telemetry_platform.contracts.registry import kinds
from telemetry_platform.processing.frames import PACK
from telemetry_platform_tests.api.posing import POSE, exercise, frame, landmarks, post, results
from telemetry_platform_tests.api.serving import Api, at


def packed(body: dict[str, Any]) -> Any:  # noqa: ANN401 - an array
    """The numbers of a body: a row per frame, point and axis."""
    return np.frombuffer(b64decode(body[PACK]), "<f4").reshape(len(body["frame_no"]), 33, 4)


def test_frames_are_answered_one_by_one_and_travel_as_one_entry(api: Api) -> None:
    sent = exercise(frame(0), frame(1), frame(7), client={"max_touch_points": 5}, sent_at=at(0))
    answer = post(api, sent)
    assert answer.status_code == 202, answer.text
    assert results(answer) == [
        {
            "status": "accepted",
            "event_id": str(uuid5(UUID(sent["session_id"]), str(number))),
            "session_id": sent["session_id"],
            "frame_no": number,
        }
        for number in (0, 1, 7)
    ]
    (entry,) = api.entries("pose")
    assert (entry["event_id"], entry["consent_level"], len(entry["actor_hash"])) == (sent["session_id"], "2", 64)
    (body,) = api.bodies("pose")
    assert body["frame_no"] == [0, 1, 7]
    assert (body["skewed"], len(body["occurred_at"]), body["client_at"]) == ([False] * 3, 3, body["occurred_at"])
    assert np.array_equal(packed(body)[2, 5], np.array(list(landmarks(7)[5].values()), np.float32))
    assert not {"user-1", "squat-2", "sent_at"} & set(json.dumps(entry).split('"'))
    assert api.metric('telemetry_events_total{kind="pose",reason="",verdict="accepted"}') == 3


def test_one_session_or_several_in_a_batch(api: Api) -> None:
    one, other = exercise(frame(0)), exercise(frame(0), frame(1))
    answer = post(api, {"events": [one, other]})
    assert answer.status_code == 202
    assert [(result["session_id"], result["frame_no"]) for result in results(answer)] == [
        (one["session_id"], 0),
        (other["session_id"], 0),
        (other["session_id"], 1),
    ]
    assert [len(body["frame_no"]) for body in api.bodies("pose")] == [1, 2]


def test_e82_numbers_outside_of_the_picture_are_taken_as_they_are(api: Api) -> None:
    point = {"x": -0.015, "y": 1.7631, "z": -0.66, "visibility": 0.00059}
    answer = post(api, exercise(frame(landmarks=[point] * 33)))
    assert answer.status_code == 202
    (body,) = api.bodies("pose")
    assert np.array_equal(packed(body)[0], np.array([list(point.values())] * 33, np.float32))


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"x": 10.5}, "landmarks.4.x"),
        ({"y": -512.0}, "landmarks.4.y"),
        ({"z": 10**400}, "landmarks.4.z"),
        ({"visibility": 1.01}, "landmarks.4.visibility"),
        ({"visibility": -0.1}, "landmarks.4.visibility"),
        ({"x": True}, "landmarks.4.x"),
        ({"y": "0.5"}, "landmarks.4.y"),
        ({"z": None}, "landmarks.4.z"),
    ],
)
def test_e82_a_number_that_cannot_be_refuses_its_frame_alone_and_names_it(
    shared_api: Api, changed: dict[str, Any], field: str
) -> None:
    points = landmarks(1)
    points[4] = points[4] | changed
    answer = post(shared_api, exercise(frame(0), frame(1, landmarks=points), frame(2)))
    assert answer.status_code == 202
    first, second, third = results(answer)
    assert (first["status"], second["status"], third["status"]) == ("accepted", "rejected", "accepted")
    assert second["frame_no"] == 1
    assert [error["field"] for error in second["problem"]["errors"]] == [field]


def test_e82_a_number_beyond_all_doubles_refuses_its_frame(shared_api: Api) -> None:
    for text in (b"1e999", b"-1e999"):
        raw = (
            json.dumps(exercise(frame(3))).encode().replace(b'"visibility": ', b'"visibility": ' + text + b', "w": ', 1)
        )
        answer = post(shared_api, raw)
        assert answer.status_code == 422
        assert results(answer)[0]["frame_no"] == 3


def test_e82_nan_is_no_json(shared_api: Api) -> None:
    for text in (b"NaN", b"Infinity", b"-Infinity"):
        raw = (
            json.dumps(exercise(frame(3))).encode().replace(b'"visibility": ', b'"visibility": ' + text + b', "w": ', 1)
        )
        answer = post(shared_api, raw)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_number")


@pytest.mark.parametrize("count", [0, 1, 32, 34])
def test_e83_another_number_of_landmarks_is_refused_with_the_count(shared_api: Api, count: int) -> None:
    answer = post(shared_api, exercise(frame(5, landmarks=[*landmarks(), landmarks()[0]][:count])))
    assert answer.status_code == 422
    (result,) = results(answer)
    assert (result["status"], result["frame_no"]) == ("rejected", 5)
    assert f"33 landmarks, this one has {count}" in result["problem"]["detail"]
    assert result["problem"]["errors"][0]["field"] == "landmarks"


def test_e83_a_visibility_that_is_missing_is_unknown(api: Api) -> None:
    points: list[dict[str, Any]] = landmarks()
    points[1] = {axis: points[1][axis] for axis in ("x", "y", "z")}
    points[2] = {**points[2], "visibility": None}
    points[3] = {axis: points[3][axis] for axis in ("x", "y", "z")} | {"presence": 0.4}
    assert post(api, exercise(frame(landmarks=points))).status_code == 202
    (body,) = api.bodies("pose")
    assert np.flatnonzero(np.isnan(packed(body)[0]).any(axis=1)).tolist() == [1, 2, 3]
    assert api.metric('telemetry_unknown_fields_total{kind="pose"}') == 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"frame_no": -1}, "frame_no"),
        ({"frame_no": 2**32}, "frame_no"),
        ({"frame_no": 1.0}, "frame_no"),
        ({"frame_no": True}, "frame_no"),
        ({"frame_no": None}, "frame_no"),
        ({"timestamp": "2026-02-17T10:00:00"}, "timestamp"),
        ({"timestamp": 1_771_322_400}, "timestamp"),
        ({"landmarks": None}, "landmarks"),
        ({"landmarks": {"x": 1}}, "landmarks"),
    ],
)
def test_a_frame_that_is_none_is_refused_by_its_field(shared_api: Api, fields: dict[str, Any], field: str) -> None:
    answer = post(shared_api, exercise(frame(0), frame(1, **fields)))
    good, bad = results(answer)
    assert (good["status"], bad["status"]) == ("accepted", "rejected")
    assert bad["problem"]["errors"][0]["field"] == field
    assert bad["frame_no"] == (None if field == "frame_no" else 1)


def test_frames_that_are_no_objects_are_refused_one_by_one(shared_api: Api) -> None:
    answer = post(shared_api, exercise(None, 7, "frame", [], frame(1)))
    assert [result["status"] for result in results(answer)] == ["rejected"] * 4 + ["accepted"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"session_id": "today"}, "session_id"),
        ({"exercise_id": None}, "exercise_id"),
        ({"exercise_id": ""}, "exercise_id"),
        ({"sent_at": "yesterday"}, "sent_at"),
        ({"frames": None}, "frames"),
        ({"frames": []}, "frames"),
        ({"frames": {"0": 1}}, "frames"),
    ],
)
def test_a_fault_of_what_frames_share_costs_the_session(shared_api: Api, fields: dict[str, Any], field: str) -> None:
    wrong = exercise(frame(0), frame(1)) | fields
    wrong = {key: value for key, value in wrong.items() if value is not None}
    answer = post(shared_api, wrong)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    batch = post(shared_api, {"events": [wrong, exercise(frame(0))]})
    assert [result["status"] for result in results(batch)] == ["rejected", "accepted"]


def test_more_frames_than_a_request_may_bring_are_refused_together(api: Api) -> None:
    bare = [{"frame_no": number} for number in range(301)]
    whole = post(api, exercise(*bare))
    parts = post(api, {"events": [exercise(*bare[:200]), exercise(*bare[:101])]})
    for answer in (whole, parts):
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
        assert answer.json()["code"] == "too_many_frames"
        assert [error["field"] for error in answer.json()["errors"]] == ["frames"]
        assert "results" not in answer.json()
    assert api.entries("pose") == []


def test_a_number_that_comes_again_is_the_same_frame_or_refused(api: Api) -> None:
    sent = exercise(frame(4), frame(4), frame(4, landmarks=landmarks(9)))
    same, copy, other = results(post(api, sent))
    assert (same["status"], copy) == ("accepted", same)
    assert (other["status"], other["frame_no"], other["problem"]["code"]) == ("rejected", 4, "frame_conflict")
    (body,) = api.bodies("pose")
    assert body["frame_no"] == [4, 4]


def test_a_frame_of_last_week_is_too_late_and_the_others_are_not(api: Api) -> None:
    late, good = results(post(api, exercise(frame(0, timestamp=at(-8 * 86_400)), frame(1))))
    assert (late["problem"]["code"], late["frame_no"], good["status"]) == ("too_late", 0, "accepted")


def test_a_wrong_clock_is_corrected_for_each_frame(api: Api) -> None:
    frames = [frame(number, timestamp=at(3_600 + number)) for number in range(2)]
    post(api, exercise(*frames, sent_at=at(3_602)))
    (body,) = api.bodies("pose")
    assert np.diff(body["occurred_at"]).tolist() == [1_000]
    assert (body["skewed"], body["client_at"][0] - body["occurred_at"][0]) == ([True, True], 3_602_000)


@pytest.mark.parametrize(
    ("headers", "claims", "reason"),
    [
        ({"X-Consent-Level": "1"}, {}, "consent_too_low"),
        ({"X-Consent-Level": ""}, {}, "consent_too_low"),
        ({}, {"purposes": None}, "purpose_not_agreed"),
        ({"X-Consent-Level": "3"}, {"purposes": ["research"]}, "purpose_not_agreed"),
    ],
)
def test_without_consent_to_this_purpose_every_frame_is_dropped(
    api: Api, headers: dict[str, str], claims: dict[str, Any], reason: str
) -> None:
    sent = exercise(frame(0), frame(1), frame(2, landmarks=[]))
    answer = post(api, sent, headers, **claims)
    assert answer.status_code == 202
    assert [result.get("reason") for result in results(answer)] == [reason, reason, None]
    assert api.entries("pose") == []
    assert api.bodies("drops") == [{"kind": "pose", "event": "", "reason": reason}] * 2
    assert {entry["actor_hash"] for entry in api.entries("drops")} == {""}
    post(api, sent, headers, **claims)
    assert len({entry["event_id"] for entry in api.entries("drops")}) == 2


def test_a_session_stays_its_owners(api: Api) -> None:
    session = str(uuid4())
    assert post(api, exercise(frame(0), session_id=session)).status_code == 202
    other = post(api, exercise(frame(1), frame(2), session_id=session), sub="user-2")
    assert other.status_code == 422
    assert [(one["frame_no"], one["problem"]["code"]) for one in results(other)] == [
        (1, "session_owner_conflict"),
        (2, "session_owner_conflict"),
    ]
    assert len(api.entries("pose")) == 1


def test_a_request_of_the_most_frames_fits_a_body(api: Api) -> None:
    whole = exercise(*(frame(number) for number in range(300)))
    for point in (point for one in whole["frames"] for point in one["landmarks"]):
        point.update({axis: round(value, 5) for axis, value in point.items()})
    answer = post(api, whole)
    assert answer.status_code == 202, answer.text[:200]
    assert {result["status"] for result in results(answer)} == {"accepted"}
    assert len(results(answer)) == 300


def test_the_documents_example_can_be_posted(api: Api) -> None:
    document = api.client.get("/openapi.json").json()
    examples = document["paths"][POSE]["post"]["requestBody"]["content"]["application/json"]["examples"]
    for example in examples.values():
        assert post(api, example["value"]).status_code == 202
    assert kinds()["pose"].purpose == "pose"
