"""Bodies that are broken, hostile or say too much: what is refused, what is repaired, and what is left out."""

from __future__ import annotations

import json

import pytest

from telemetry_platform_tests.api.serving import Api, event


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


@pytest.mark.parametrize("escape", [r"\u0000", r"\ud800", "x"])
@pytest.mark.parametrize("is_batch", [False, True])
def test_e23_no_depth_of_nesting_is_more_than_a_problem(shared_api: Api, escape: str, is_batch: bool) -> None:  # noqa: FBT001 - a parameter of the test
    for depth in (10, 100, 300, 500, 600, 700, 800, 900, 990, 5_000):
        for opening, closing in (("[", "]"), ('{"a":', "}")):
            nested = f'{{"x":{opening * depth}"{escape}"{closing * depth}}}'
            answer = shared_api.post((f'{{"events":[{nested}]}}' if is_batch else nested).encode())
            assert (answer.status_code, answer.json()["code"]) == (400, "too_deep"), depth
