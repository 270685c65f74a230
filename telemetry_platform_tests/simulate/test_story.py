"""A patient's story follows from its seed and contains what the platform must cope with."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from telemetry_platform.simulate.fates import Fate
from telemetry_platform.simulate.people import make_patient
from telemetry_platform.simulate.story import PatientStory, tell
from telemetry_platform.simulate.wire import body_of

BEGIN = datetime(2026, 2, 16, 10, 0, tzinfo=UTC)
KINDS = ("media", "analytics", "errors")
"""Frames of pose tracking are large and have a test of their own."""
END = BEGIN + timedelta(days=1)


@pytest.fixture(scope="module")
def stories() -> list[PatientStory]:
    return tell(7, patients=200, days=1, begin=BEGIN, kinds=KINDS)


def _wire(stories: list[PatientStory], kind: str | None = None) -> list[str]:
    return [
        json.dumps(body_of(request, story.sender, END), sort_keys=True)
        for story in stories
        for request in story.requests
        if kind in {None, request.kind}
    ]


def test_the_same_seed_tells_the_same_story(stories: list[PatientStory]) -> None:
    assert _wire(tell(7, patients=200, days=1, begin=BEGIN, kinds=KINDS)) == _wire(stories)
    filmed = tell(7, patients=5, days=1, begin=BEGIN)
    assert {request.kind for story in filmed for request in story.requests} == {*KINDS, "pose"}
    assert _wire(tell(7, patients=5, days=1, begin=BEGIN)) == _wire(filmed)


def test_another_seed_tells_another_story(stories: list[PatientStory]) -> None:
    assert _wire(tell(8, patients=20, days=1, begin=BEGIN, kinds=KINDS)) != _wire(stories[:20])


def test_more_patients_do_not_change_the_first_ones(stories: list[PatientStory]) -> None:
    assert tell(7, patients=20, days=1, begin=BEGIN, kinds=KINDS) == stories[:20]


def test_one_kind_alone_is_told_as_it_is_among_the_others(stories: list[PatientStory]) -> None:
    alone = tell(7, patients=50, days=1, begin=BEGIN, kinds=("analytics",))
    assert {request.kind for story in alone for request in story.requests} == {"analytics"}
    assert _wire(alone) == _wire(stories[:50], "analytics")


def test_the_same_story_told_later_has_other_ids(stories: list[PatientStory]) -> None:
    later = tell(7, patients=20, days=1, begin=BEGIN + timedelta(hours=1), kinds=KINDS)
    ids = {session.session_id for story in stories for session in story.sessions}
    assert ids.isdisjoint(session.session_id for story in later for session in story.sessions)


def test_it_holds_everything_that_goes_wrong(stories: list[PatientStory]) -> None:
    events = [event for story in stories for request in story.requests for event in request.events]
    fates = Counter((event.kind, event.fate) for event in events)
    common = set(Fate) - {Fate.ERROR_ONLY, Fate.ERROR_ONLY_DUPLICATE}
    assert set(fates) >= {(kind, fate) for kind in ("media", "analytics") for fate in common}
    # Hardly anybody's errors may not be kept.
    assert set(fates) >= {("errors", fate) for fate in common - {Fate.DROPPED, Fate.DROPPED_AGAIN}}
    assert fates["media", Fate.ERROR_ONLY]
    assert len({event.event for event in events if event.kind == "media"}) == 11
    devices = {story.patient.device.device_type for story in stories}
    assert devices == {"desktop", "mobile", "tablet", "tv", "bot"}
    assert {story.patient.consent.level for story in stories} == {0, 1, 2, 3}
    assert {session.lived.state for story in stories for session in story.sessions} == {
        "completed",
        "abandoned",
        "open",
    }
    assert any(story.patient.sends_gpc for story in stories)
    assert any(story.patient.clock.offset_ms for story in stories)
    assert not all(request.has_token for story in stories for request in story.requests)
    drops = {event.drop for event in events}
    assert drops >= {"", "consent_too_low", "global_privacy_control"}


def test_no_event_lies_in_the_future_or_is_late_by_accident(stories: list[PatientStory]) -> None:
    for story in stories:
        for request in story.requests:
            for event in request.events:
                assert event.at <= END
                assert (event.at < END - timedelta(days=7)) == event.is_too_late


def test_copies_say_the_same(stories: list[PatientStory]) -> None:
    seen: dict[tuple[str, str], str] = {}
    copies: Counter[str] = Counter()
    for story in stories:
        for request in story.requests:
            for event in request.events:
                if event.broken is None and not event.contradicts:
                    said = json.dumps([event.event, event.at.isoformat(), event.data], sort_keys=True)
                    key = (story.patient.user_id, event.key)
                    copies[event.kind] += key in seen
                    assert seen.setdefault(key, said) == said
    assert copies["media"] > 100
    assert copies["analytics"] > 10
    assert copies["errors"] > 3


def test_counters_never_fall_and_positions_stay_in_the_medium(stories: list[PatientStory]) -> None:
    for story in stories:
        for session in story.sessions:
            events = sorted(
                (
                    event
                    for request in story.requests
                    for event in request.events
                    if event.kind == "media"
                    and event.session_id == session.session_id
                    and event.broken is None
                    and not event.contradicts
                ),
                key=lambda event: event.at,
            )
            counts = [event.data["buffering_count"] for event in events if "buffering_count" in event.data]
            assert counts == sorted(counts)
            assert all(0 <= event.data.get("position_seconds", 0) <= session.medium.seconds for event in events)


def test_patients_carry_synthetic_ids_only() -> None:
    patient = make_patient(7, 3)
    assert patient.user_id == "sim-patient-7-00003"
    assert patient.address.startswith(("198.18.", "2001:db8:"))


def test_the_frames_of_an_exercise_are_those_of_a_body_that_moves() -> None:
    stories = tell(7, patients=30, days=1, begin=BEGIN, kinds=["pose"])
    frames = [event for story in stories for request in story.requests for event in request.events]
    # Two poses in one frame are rare: see the whole day.
    others = {Fate.ERROR_ONLY, Fate.ERROR_ONLY_DUPLICATE, Fate.ID_CONFLICT}
    assert {event.fate for event in frames} >= set(Fate) - others
    assert {event.drop for event in frames} >= {"", "consent_too_low", "purpose_not_agreed"}
    unseen = 0
    for frame in frames:
        landmarks = frame.data["landmarks"]
        assert len(landmarks) == 33
        unseen += "visibility" not in landmarks[0]
        row = frame.rows["pose"].columns
        assert row["nose_x"] == round(landmarks[0]["x"], 7) or frame.contradicts
        assert (row["right_knee_visibility"] is None) == ("visibility" not in landmarks[26])
    assert 0 < unseen < len(frames)
    numbers = {event.key: event.data["frame_no"] for event in frames if not event.is_too_late}
    assert set(numbers.values()) == set(range(60))
