"""What goes beyond a limit in a request with frames: which part of it that costs, and what the answer says to do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from telemetry_platform_tests.api.posing import exercise, frame, post, results

if TYPE_CHECKING:
    from telemetry_platform_tests.api.serving import Api


def test_frames_with_all_digits_of_a_double_are_too_large_and_the_answer_says_what_to_do(api: Api) -> None:
    points = [dict.fromkeys(("x", "y", "z", "visibility"), 0.12345678901234567)] * 33
    answer = post(api, exercise(*(frame(number, landmarks=points) for number in range(300))))
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert "in several requests" in answer.json()["detail"]
    assert "digits" in answer.json()["detail"]


@pytest.mark.parametrize("text", ["a", r"\u0000"])
@pytest.mark.parametrize(("levels", "is_good"), [(2, True), (3, False), (4, False), (5, False), (300, False)])
def test_a_frame_that_is_too_deep_costs_that_frame_alone(api: Api, text: str, levels: int, is_good: bool) -> None:  # noqa: FBT001 - a parameter of the test
    raw = json.dumps(exercise(frame(0), frame(1, odd="here"), frame(2)))
    # The event, its list and the frame are three levels; two more may be used up.
    answer = post(api, raw.replace('"here"', "[" * levels + f'"{text}"' + "]" * levels).encode())
    assert answer.status_code == 202, answer.text
    statuses = [result["status"] for result in results(answer)]
    assert statuses == ["accepted", "accepted" if is_good else "rejected", "accepted"]
    assert is_good or [error["code"] for error in results(answer)[1]["problem"]["errors"]] == ["too_deep"]
    assert [body["frame_no"] for body in api.bodies("pose")] == [[0, 1, 2] if is_good else [0, 2]]


def test_a_text_that_no_store_can_keep_is_repaired_within_its_frame(api: Api) -> None:
    raw = json.dumps(exercise(frame(0, odd="here"), frame(1, odd="here"), frame(2)))
    raw = raw.replace('"here"', r'{"a\u0000": 1, "a\ud800": 2}', 1).replace('"here"', r'"\u0000"')
    first, *others = results(post(api, raw.encode()))
    assert [error["code"] for error in first["problem"]["errors"]] == ["duplicate_key"]
    assert (first["frame_no"], [other["status"] for other in others]) == (0, ["accepted", "accepted"])
    assert api.metric('telemetry_sanitised_events_total{kind="pose"}') == 1
