"""The truth is consistent in itself, and reads back as it was written."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from telemetry_platform.errors import ConfigurationError
from telemetry_platform.simulate.fates import Fate
from telemetry_platform.simulate.http_client import Answered, Sending
from telemetry_platform.simulate.run import Scale
from telemetry_platform.simulate.story import PatientStory, tell
from telemetry_platform.simulate.truth import entries_of, read_expected, write_truth

if TYPE_CHECKING:
    from pathlib import Path

BEGIN = datetime(2026, 2, 16, 10, 0, tzinfo=UTC)


def _sent(stories: list[PatientStory]) -> Sending:
    """Everything sent and answered with one word."""
    answered = [
        Answered(story.patient, number, event, "accepted", None, None)
        for story in stories
        for number, request in enumerate(story.requests)
        for event in request.events
    ]
    return Sending(answered, requests=len(answered))


@pytest.fixture(scope="module")
def stories() -> list[PatientStory]:
    return tell(7, patients=200, days=1, begin=BEGIN)


def test_sent_is_accepted_plus_dropped_plus_rejected(tmp_path: Path, stories: list[PatientStory]) -> None:
    path = tmp_path / "7.jsonl"
    write_truth(path, stories, _sent(stories), {"seed": 7})
    expected = read_expected(path)
    assert expected.sent == sum(expected.answers.values()) == sum(expected.answered.values())
    assert expected.answered == {"accepted": expected.sent}
    assert expected.answers["dropped"] == sum(expected.outcomes["drops"].values())
    assert expected.outcomes["drops"]["duplicate"] > 0
    assert sum(expected.drops.values()) == expected.outcomes["drops"]["stored"]
    assert expected.answers["accepted"] == sum(expected.outcomes["media"].values())


def test_stored_events_are_the_sessions_events(tmp_path: Path, stories: list[PatientStory]) -> None:
    path = tmp_path / "7.jsonl"
    write_truth(path, stories, _sent(stories), {"seed": 7})
    expected = read_expected(path)
    assert sum(session["event_count"] for session in expected.sessions.values()) == expected.outcomes["media"]["stored"]
    assert all(session["event_count"] > 0 for session in expected.sessions.values())
    assert sum(session["stall_count"] for session in expected.sessions.values()) == expected.stalls["rebuffer"]
    fatal = [session for session in expected.sessions.values() if session["fatal_error"]]
    assert fatal
    assert all(session["error_count"] >= 1 for session in fatal)


def test_every_view_is_accessed_once_at_every_level(tmp_path: Path, stories: list[PatientStory]) -> None:
    path = tmp_path / "7.jsonl"
    write_truth(path, stories, _sent(stories), {"seed": 7})
    records = [json.loads(line) for line in path.read_text().splitlines()]
    starts = Counter(
        record["level"]
        for record in records
        if record["record"] == "sent" and record["entries"].get("audit") == "stored"
    )
    assert set(starts) == {0, 1, 2, 3}
    sessions_started = {
        record["session_id"] for record in records if record["record"] == "sent" and "audit" in record["entries"]
    }
    assert sum(starts.values()) == len(sessions_started) == read_expected(path).access_records


def test_what_an_error_leaves_at_each_level() -> None:
    assert entries_of("error", Fate.STORED, is_first_access=False) == {"media": "stored", "errors": "stored"}
    assert entries_of("error", Fate.ERROR_ONLY, is_first_access=False) == {"drops": "stored", "errors": "stored"}
    assert entries_of("error", Fate.DROPPED, is_first_access=False) == {"drops": "stored"}
    assert entries_of("error", Fate.DROPPED_AGAIN, is_first_access=False) == {"drops": "duplicate"}
    again = entries_of("error", Fate.ERROR_ONLY_DUPLICATE, is_first_access=False)
    assert again == {"drops": "duplicate", "errors": "duplicate"}
    assert entries_of("error", Fate.REJECTED, is_first_access=False) == {}


@pytest.mark.parametrize("wrong", [{"patients": 0}, {"patients": 1, "days": 7}, {"patients": 1, "speed": -1.0}])
def test_a_scale_that_cannot_be_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match="simulate one patient"):
        Scale(**wrong)
