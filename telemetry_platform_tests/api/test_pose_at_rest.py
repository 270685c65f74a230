"""Pose frames from a request to their rows: unclipped, unknown where nothing was said, once however they are sent."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

import pytest

from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform_tests.api.posing import exercise, frame, landmarks, post, results
from telemetry_platform_tests.api.serving import Api, serving
from telemetry_platform_tests.usecases.landing import drain_all, quick

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.settings import Settings

TABLE = "pose_tracking_frames"


@pytest.fixture
def now_api(empty_platform: Settings) -> Iterator[Api]:
    """A server with the machine's clock: its frames can be drained."""
    with serving(quick(empty_platform), None) as running:
        yield running


def rows(api: Api, columns: str, session: str) -> list[tuple[Any, ...]]:
    """These columns of the session's frames."""
    query = f"SELECT {columns} FROM {TABLE} WHERE session_id = {{session:UUID}} ORDER BY frame_no"  # noqa: S608 - ours
    with open_warehouse(api.settings.clickhouse) as warehouse:
        return [tuple(row) for row in warehouse.client.query(query, {"session": session})]


def test_e82_values_outside_of_the_picture_rest_unclipped_and_absurd_ones_nowhere(now_api: Api) -> None:
    now = datetime.now(UTC)
    point = {"x": -0.015, "y": 1.7631, "z": -0.66, "visibility": 0.00059}
    absurd = [*landmarks()[:-1], {**point, "x": -10.01}]
    sent = exercise(frame(0, now, landmarks=[point] * 33), frame(1, now, landmarks=absurd))
    answer = post(now_api, sent)
    assert [(one["status"], one["frame_no"]) for one in results(answer)] == [("accepted", 0), ("rejected", 1)]
    assert drain_all(now_api.settings).tables[TABLE].stored == 1
    columns = "nose_x, nose_y, nose_z, nose_visibility, right_foot_index_x, right_foot_index_visibility"
    expected = ("-0.015", "1.7631", "-0.66", "0.00059", "-0.015", "0.00059")
    assert rows(now_api, columns, sent["session_id"]) == [tuple(map(Decimal, expected))]


def test_e83_a_visibility_that_was_not_sent_rests_as_null(now_api: Api) -> None:
    now = datetime.now(UTC)
    bare: list[dict[str, Any]] = [{axis: point[axis] for axis in ("x", "y", "z")} for point in landmarks()]
    mixed = [{**bare[0], "visibility": 0}, {**bare[1], "visibility": 1}, {**bare[2], "visibility": None}, *bare[3:]]
    sent = exercise(
        frame(0, now, landmarks=bare),
        frame(1, now, landmarks=mixed),
        frame(2, now, landmarks=bare[:-1]),
        frame(3, now, landmarks=[*bare, bare[0]]),
    )
    found = results(post(now_api, sent))
    assert [one["status"] for one in found] == ["accepted", "accepted", "rejected", "rejected"]
    assert ["32" in found[2]["problem"]["detail"], "34" in found[3]["problem"]["detail"]] == [True, True]
    assert drain_all(now_api.settings).tables[TABLE].stored == 2
    columns = "nose_visibility, left_eye_inner_visibility, left_eye_visibility, right_foot_index_visibility"
    assert rows(now_api, columns, sent["session_id"]) == [(None,) * 4, (Decimal(0), Decimal(1), None, None)]


def test_frames_sent_again_in_other_requests_are_stored_once_and_the_first_of_two_wins(now_api: Api) -> None:
    now = datetime.now(UTC)
    frames = [frame(number, now) for number in range(6)]
    sent = exercise(*frames[:4])
    session = sent["session_id"]
    other = frame(5, now, landmarks=landmarks(50))
    for again in (sent, sent, {**sent, "frames": frames[2:]}):
        assert post(now_api, again).status_code == 202
    counts = drain_all(now_api.settings).tables[TABLE]
    assert (counts.stored, counts.duplicate, counts.id_conflict) == (6, 6, 0)
    assert post(now_api, {**sent, "frames": [frames[0], other]}).status_code == 202
    counts = drain_all(now_api.settings).tables[TABLE]
    assert (counts.stored, counts.duplicate, counts.id_conflict) == (0, 1, 1)
    assert rows(now_api, "frame_no, toString(event_id), round(nose_x * 10000)", session) == [
        (number, str(uuid5(UUID(session), str(number))), round(landmarks(number)[0]["x"] * 10_000))
        for number in range(6)
    ]
    assert len(set(rows(now_api, "actor_hash, key_epoch, exercise_id, consent_level", session))) == 1


def test_a_session_keeps_its_owner_and_a_drop_is_no_row(now_api: Api) -> None:
    now = datetime.now(UTC)
    sent = exercise(frame(0, now))
    assert post(now_api, sent, purposes=None).json()["results"][0]["reason"] == "purpose_not_agreed"
    assert post(now_api, sent, sub="user-2").status_code == 202
    assert post(now_api, {**sent, "frames": [frame(1, now)]}).json()["results"][0]["status"] == "rejected"
    report = drain_all(now_api.settings)
    assert report.tables[TABLE].stored == 1
    assert report.drops == {("pose", 2, "purpose_not_agreed"): 1}
