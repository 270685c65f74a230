"""Frames in a body become rows: one a frame, the same row however they were sent, and none of a body that is broken."""

from __future__ import annotations

import base64
import json
import uuid
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry_platform.contracts.landing import FIELDS, RawEntries
from telemetry_platform.contracts.payloads.pose import AXES, LANDMARKS
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.processing import copies
from telemetry_platform.processing.batches import Decoded, decode
from telemetry_platform.processing.dead_bodies import scrubbed_body
from telemetry_platform.processing.frames import PACK, frame_ids, pack
from telemetry_platform_tests.usecases.landing import an_id
from telemetry_platform_tests.usecases.moving import points_of, pose_body, pose_entry

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from telemetry_platform.contracts.landing import LandingEntry

KIND = kinds()["pose"]
START = datetime(2026, 2, 17, 10, tzinfo=UTC)
SESSION = an_id("pose", 1)
POINTS = points_of(1, 40)
_SHAPE = (len(LANDMARKS), len(AXES))


def decoded(*entries: LandingEntry) -> Decoded:
    """As the drain reads a batch of these."""
    fields = [{name: str(value).encode() for name, value in asdict(each).items() if name != "body"} for each in entries]
    columns = {name: [found.get(name, b"") for found in fields] for name in FIELDS}
    columns["body"] = [each.body for each in entries]
    ids = [f"{number}-0".encode() for number in range(len(entries))]
    return decode(KIND, RawEntries(ids, columns), {1: None})


def numbers_of(row: dict[str, Any]) -> NDArray[np.float64]:
    """The points of a row: landmarks, axes; NaN for NULL."""
    assert KIND.frames is not None
    flat = [row[name] for name, _ in KIND.frames.columns]
    return np.array([np.nan if value is None else float(value) for value in flat]).reshape(_SHAPE)


def test_a_frame_is_a_row_under_an_id_made_of_its_session_and_number() -> None:
    found = decoded(pose_entry(SESSION, START, [4, 2], POINTS))
    first, second = found.rows.to_pylist()
    assert (first["frame_no"], second["frame_no"]) == (4, 2)
    assert first["event_id"] == str(uuid.uuid5(uuid.UUID(SESSION), "4")) == frame_ids([uuid.UUID(SESSION)], [4])[0]
    assert first["session_id"] == SESSION
    assert (first["occurred_at"] - second["occurred_at"]).total_seconds() == pytest.approx(0.066)
    assert np.nanmax(np.abs(numbers_of(first) - POINTS[4])) <= 0.5e-4 + 1e-6
    assert found.positions.to_pylist() == [0, 0]


def test_e82_what_lies_outside_of_the_picture_rests_as_it_came() -> None:
    points = np.tile(np.array([-0.015, 1.7631, -0.66, 0.00059], np.float32), (1, len(LANDMARKS), 1))
    (row,) = decoded(pose_entry(SESSION, START, [0], points)).rows.to_pylist()
    assert [str(row[f"left_foot_index_{axis.name}"]) for axis in AXES] == ["-0.0150", "1.7631", "-0.6600", "0.00059"]


def test_e83_a_visibility_that_is_missing_is_null_for_its_joint_alone() -> None:
    points = POINTS[:1].copy()
    points[0, 3, 3] = np.nan
    (row,) = decoded(pose_entry(SESSION, START, [0], points)).rows.to_pylist()
    assert row["left_eye_outer_visibility"] is None
    assert sum(row[f"{landmark}_visibility"] is None for landmark in LANDMARKS) == 1


def _changed(at: tuple[int, int, int], value: float) -> str:
    points = POINTS[:2].copy()
    points[at] = value
    return pack(points)


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({PACK: _changed((1, 4, 0), np.nan)}, "frames"),
        ({PACK: _changed((0, 32, 2), np.inf)}, "frames"),
        ({PACK: _changed((0, 0, 1), 10.01)}, "frames"),
        ({PACK: _changed((0, 0, 3), 1.01)}, "frames"),
        ({PACK: pack(POINTS[:3])}, "frames"),
        ({PACK: pack(POINTS[:2])[:-4]}, "frames"),
        ({PACK: "é" * len(pack(POINTS[:2]))}, "frames"),
        ({PACK: "=" * len(pack(POINTS[:2]))}, "frames"),
        ({PACK: pack(POINTS[:2])[:-1] + "="}, "frames"),
        ({PACK: pack(POINTS[:2])[:-2] + "=="}, "frames"),
        ({PACK: pack(POINTS[:2])[:700] + "AAA=" + pack(POINTS[:2])[704:]}, "frames"),
        ({PACK: None}, PACK),
        ({PACK: 7}, PACK),
        ({"frame_no": [1]}, "frames"),
        ({"frame_no": [1, None]}, "frame_no"),
        ({"frame_no": [1, 2**32]}, "frame_no"),
        ({"frame_no": 1}, "frame_no"),
        ({"skewed": [False, "no"]}, "skewed"),
        ({"occurred_at": [1, 2]}, "occurred_at"),
        ({"session_id": "ana@example.com"}, "session_id"),
        ({"exercise_id": "squat"}, "exercise_id"),
        ({"nose_x": 0.5}, "unknown or repeated field"),
    ],
)
def test_a_body_that_is_not_whole_is_one_dead_letter_and_costs_no_other(changes: dict[str, Any], detail: str) -> None:
    good = pose_entry(an_id("pose", 2), START, [7], POINTS)
    found = decoded(good, pose_entry(SESSION, START, [0, 1], POINTS, **changes), good)
    assert found.rows["frame_no"].to_pylist() == [7, 7]
    ((position, told),) = [(entry.position, entry.detail) for entry in found.dead]
    assert (position, told) == (1, detail)


_CHARACTERS = st.characters(codec="utf-8", exclude_characters="\0") | st.sampled_from("=+/-_AQgw\n")


@given(st.dictionaries(st.integers(0, len(pack(POINTS[:2])) - 1), _CHARACTERS, min_size=1, max_size=4), st.data())
@settings(max_examples=150, deadline=None)
def test_whatever_becomes_of_a_pack_it_is_rows_or_one_dead_letter(changed: dict[int, str], data: st.DataObject) -> None:
    characters = list(pack(POINTS[:2]))
    for place, character in changed.items():
        characters[place] = character
    tail = data.draw(st.sampled_from(["", "=", "==", "AAA=", "AA=="]))
    text = "".join(characters)[: len(characters) - len(tail)] + tail
    good, bad = (pose_entry(an_id("pose", name), START, [0, 1], POINTS) for name in ("good", "bad"))
    tampered = type(bad)(**asdict(bad) | {"body": json.dumps(json.loads(bad.body) | {PACK: text}).encode()})
    found = decoded(good, tampered, good)
    whole = not found.dead
    assert found.rows.num_rows == (6 if whole else 4)
    assert [(entry.position, entry.events) for entry in found.dead] == ([] if whole else [(1, 2)])
    assert json.loads(scrubbed_body(KIND, tampered.body))[PACK] == (text if whole else "[frames]")


def test_frames_of_a_dead_entry_are_counted_where_the_body_says_how_many() -> None:
    numbers = list(range(40))
    unknown = pose_entry(SESSION, START, numbers, POINTS, key_epoch=9)
    cut = pose_entry(SESSION, START, numbers, POINTS)
    broken = [unknown, *decoded_bodies(cut.body[:-9], b"[]", b'{"frame_no": []}')]
    found = decoded(*broken)
    assert [entry.events for entry in found.dead] == [40, 1, 1, 1]
    assert found.dead_events == 43


def decoded_bodies(*bodies: bytes) -> list[LandingEntry]:
    """Entries whose bodies are these."""
    template = pose_entry(SESSION, START, [0], POINTS)
    return [type(template)(**asdict(template) | {"body": body}) for body in bodies]


def test_a_batch_of_broken_bodies_alone_has_no_rows() -> None:
    found = decoded(*decoded_bodies(b"{}", b"x"))
    assert (found.rows.num_rows, len(found.dead)) == (0, 2)


_COORDINATES = st.floats(-10, 10, width=32)
_VISIBILITIES = st.none() | st.floats(0, 1, width=32)
_LANDMARKS = st.tuples(_COORDINATES, _COORDINATES, _COORDINATES, _VISIBILITIES)


@given(st.lists(_LANDMARKS, min_size=len(LANDMARKS), max_size=len(LANDMARKS)))
@settings(max_examples=60, deadline=None)
def test_every_legal_frame_comes_back_within_its_precision(landmarks: list[tuple[float | None, ...]]) -> None:
    sent = np.array([landmarks], np.float64)
    (row,) = decoded(pose_entry(SESSION, START, [0], sent.astype(np.float32))).rows.to_pylist()
    rests = numbers_of(row)
    assert (np.isnan(rests) == np.isnan(sent[0])).all()
    for place, axis in enumerate(AXES):
        assert np.nanmax(np.abs(rests[:, place] - sent[0, :, place]), initial=0) <= 0.5000001 * 10**-axis.digits


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_however_frames_are_cut_into_requests_and_sent_again_the_rows_are_the_same(data: st.DataObject) -> None:
    whole = decoded(pose_entry(SESSION, START, range(12), POINTS)).rows
    requests = data.draw(st.lists(st.lists(st.integers(0, 11), min_size=1, max_size=8), max_size=6))
    left = sorted(set(range(12)) - {number for numbers in requests for number in numbers})
    sent = data.draw(st.permutations([*requests, *([left] if left else [])]))
    found = decoded(*(pose_entry(SESSION, START, numbers, POINTS) for numbers in sent)).rows
    again = copies.within_batch(KIND.table, found)
    kept = found.filter(again.keep).sort_by("frame_no")
    assert kept.drop_columns(["received_at"]).equals(whole.drop_columns(["received_at"]))
    assert (again.duplicate, again.id_conflict) == (found.num_rows - 12, 0)


def test_another_frame_under_the_same_number_is_a_conflict() -> None:
    other = points_of(2, 12)
    found = decoded(pose_entry(SESSION, START, [3, 4], POINTS), pose_entry(SESSION, START, [4, 5], other)).rows
    again = copies.within_batch(KIND.table, found)
    assert (again.duplicate, again.id_conflict) == (0, 1)


def test_a_dead_letter_keeps_the_frames_and_nothing_that_is_none() -> None:
    body = pose_body(SESSION, START, [0, 1], POINTS)
    assert json.loads(scrubbed_body(KIND, json.dumps(body).encode())) == body
    secret = base64.b64encode(b"Ana Popescu, ana@example.com, 0721234567".ljust(528)).decode()
    spoilt = body | {"frame_no": [0, 40_721_234_567], PACK: secret, "skewed": ["ana@example.com"]}
    found = json.loads(scrubbed_body(KIND, json.dumps(spoilt).encode()))
    assert found["session_id"] == SESSION
    assert found[PACK] == "[frames]"
    assert "40721234567" not in str(found["frame_no"])
    assert "ana@" not in str(found["skewed"])
