"""A story follows from its seed, contains what the platform must cope with, and speaks the contract's language."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from pydantic import ValidationError

from telemetry_platform.contracts.payloads.media import MEDIA_EVENTS
from telemetry_platform.simulate.fates import Fate
from telemetry_platform.simulate.people import make_patient
from telemetry_platform.simulate.story import PatientStory, tell
from telemetry_platform.simulate.wire import body_of

BEGIN = datetime(2026, 2, 16, 10, 0, tzinfo=UTC)
END = BEGIN + timedelta(days=1)


@pytest.fixture(scope="module")
def stories() -> list[PatientStory]:
    return tell(7, patients=200, days=1, begin=BEGIN)


def _wire(stories: list[PatientStory]) -> list[str]:
    return [
        json.dumps(body_of(request, story.patient, END), sort_keys=True)
        for story in stories
        for request in story.requests
    ]


def test_the_same_seed_tells_the_same_story(stories: list[PatientStory]) -> None:
    assert _wire(tell(7, patients=200, days=1, begin=BEGIN)) == _wire(stories)


def test_another_seed_tells_another_story(stories: list[PatientStory]) -> None:
    assert _wire(tell(8, patients=20, days=1, begin=BEGIN)) != _wire(stories[:20])


def test_more_patients_do_not_change_the_first_ones(stories: list[PatientStory]) -> None:
    assert tell(7, patients=20, days=1, begin=BEGIN) == stories[:20]


def test_the_same_story_told_later_has_other_ids(stories: list[PatientStory]) -> None:
    later = tell(7, patients=20, days=1, begin=BEGIN + timedelta(hours=1))
    ids = {session.session_id for story in stories for session in story.sessions}
    assert ids.isdisjoint(session.session_id for story in later for session in story.sessions)


def test_it_holds_everything_that_goes_wrong(stories: list[PatientStory]) -> None:
    fates = Counter(event.fate for story in stories for request in story.requests for event in request.events)
    assert set(fates) == set(Fate) - {Fate.ERROR_ONLY_DUPLICATE}
    events = {event.event for story in stories for request in story.requests for event in request.events}
    assert len(events) == 11
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


def test_every_event_is_what_the_contract_accepts_unless_it_is_broken(stories: list[PatientStory]) -> None:
    models = {name: model for model in MEDIA_EVENTS for name in get_args(model.model_fields["event"].annotation)}
    for story in stories:
        for request in story.requests:
            body = body_of(request, story.patient, END)
            for event, sent in zip(request.events, body.get("events", [body]), strict=True):
                model = models.get(sent["event"])
                if event.broken is None:
                    assert model is not None
                    model.model_validate_json(json.dumps(sent))
                elif model is not None:
                    with pytest.raises(ValidationError):
                        model.model_validate_json(json.dumps(sent))


def test_no_event_lies_in_the_future_or_is_late_by_accident(stories: list[PatientStory]) -> None:
    for story in stories:
        for request in story.requests:
            for event in request.events:
                assert event.at <= END
                assert (event.at < END - timedelta(days=7)) == event.is_too_late


def test_copies_say_the_same(stories: list[PatientStory]) -> None:
    seen: dict[tuple[str, str], str] = {}
    copies = 0
    for story in stories:
        for request in story.requests:
            for event in request.events:
                if event.broken is None and not event.contradicts:
                    said = json.dumps([event.event, event.at.isoformat(), event.data], sort_keys=True)
                    key = (story.patient.user_id, event.key)
                    copies += key in seen
                    assert seen.setdefault(key, said) == said
    assert copies > 100


def test_counters_never_fall_and_positions_stay_in_the_medium(stories: list[PatientStory]) -> None:
    for story in stories:
        for session in story.sessions:
            events = sorted(
                (
                    event
                    for request in story.requests
                    for event in request.events
                    if event.session_id == session.session_id and event.broken is None and not event.contradicts
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
