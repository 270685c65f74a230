"""The truth is consistent in itself, and reads back as it was written."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from telemetry_platform.errors import ConfigurationError
from telemetry_platform.simulate.core_api import tell_core
from telemetry_platform.simulate.events import Outgoing, Row
from telemetry_platform.simulate.expected import read_expected
from telemetry_platform.simulate.fates import Fate
from telemetry_platform.simulate.http_client import Answered, Sending
from telemetry_platform.simulate.run import Scale, posted_kinds
from telemetry_platform.simulate.story import tell
from telemetry_platform.simulate.truth import entries_of, write_truth

if TYPE_CHECKING:
    from pathlib import Path

    from telemetry_platform.usecases.reconcile.expected import Expected

BEGIN = datetime(2026, 2, 16, 10, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a day that was answered with one word; events without an id have got one each."""
    told = [kind for kind in posted_kinds() if kind != "pose"]
    patients = tell(7, patients=200, days=1, begin=BEGIN, kinds=told)
    filmed = tell(7, patients=20, days=1, begin=BEGIN, kinds=["pose"])
    stories = [*patients, *filmed, *tell_core(7, patients, days=1, begin=BEGIN)]
    sent = [(story.sender, event) for story in stories for request in story.requests for event in request.events]
    answered = [
        Answered(sender, number, event, "accepted", f"answered-{number}", None)
        for number, (sender, event) in enumerate(sent)
    ]
    path = tmp_path_factory.mktemp("truth") / "7.jsonl"
    kinds = sorted({event.kind for _, event in sent})
    write_truth(path, patients, Sending(answered, requests=len(answered)), {"seed": 7, "kinds": kinds, "opt_outs": 0})
    return path


@pytest.fixture(scope="module")
def expected(truth: Path) -> Expected:
    return read_expected(truth)


def test_sent_is_accepted_plus_dropped_plus_rejected(expected: Expected) -> None:
    assert set(expected.posted) >= set(posted_kinds())
    for kind, posted in expected.posted.items():
        sent = sum(posted.answers.values())
        assert posted.answered == {"accepted": sent}
        assert 0 < posted.reasons == posted.answers["dropped"] + posted.answers["rejected"]
        assert posted.told == 0
        if kind not in {"errors", "audit"}:
            # Those two get entries of players as well.
            assert posted.answers["accepted"] == sum(expected.outcomes[kind].values())
    dropped = sum(posted.answers["dropped"] for posted in expected.posted.values())
    assert dropped == sum(expected.outcomes["drops"].values())
    assert expected.outcomes["drops"]["duplicate"] > 0
    assert sum(expected.drops.values()) == expected.outcomes["drops"]["stored"]


def test_every_stored_event_has_its_row(expected: Expected) -> None:
    for kind in posted_kinds():
        stored = expected.outcomes[kind]["stored"]
        accesses = sum(expected.accesses.values()) if kind == "audit" else 0
        assert len(expected.rows[kind]) == stored - accesses


def test_stored_events_are_the_sessions_events(expected: Expected) -> None:
    assert sum(session["event_count"] for session in expected.sessions.values()) == expected.outcomes["media"]["stored"]
    assert all(session["event_count"] > 0 for session in expected.sessions.values())
    assert sum(session["stall_count"] for session in expected.sessions.values()) == expected.stalls["rebuffer"]
    fatal = [session for session in expected.sessions.values() if session["fatal_error"]]
    assert fatal
    assert all(session["error_count"] >= 1 for session in fatal)


def test_every_view_is_accessed_once_at_every_level(truth: Path, expected: Expected) -> None:
    records = [json.loads(line) for line in truth.read_text().splitlines()]
    sent = [record for record in records if record["record"] == "sent" and record["kind"] == "media"]
    accesses = [record for record in sent if "audit" in record["entries"]]
    starts = Counter(record["level"] for record in accesses if record["entries"]["audit"] == "stored")
    assert set(starts) == {0, 1, 2, 3}
    sessions_started = {record["session_id"] for record in accesses}
    assert sum(starts.values()) == len(sessions_started) == sum(expected.accesses.values())


def _error(fate: Fate, *, kind: str = "media") -> Outgoing:
    return Outgoing(
        kind=kind,
        key="1",
        event="error",
        org_id="clinic",
        at=BEGIN,
        data={},
        level=2,
        rows={"media": Row(), "errors": Row()} if kind == "media" else {kind: Row()},
        fate=fate,
    )


def test_what_a_players_error_leaves_at_each_level() -> None:
    left = {fate: entries_of(_error(fate), is_first_access=False) for fate in Fate}
    assert left[Fate.STORED] == {"media": "stored", "errors": "stored"}
    assert left[Fate.ERROR_ONLY] == {"drops": "stored", "errors": "stored"}
    assert left[Fate.DROPPED] == {"drops": "stored"}
    assert left[Fate.DROPPED_AGAIN] == {"drops": "duplicate"}
    assert left[Fate.ERROR_ONLY_DUPLICATE] == {"drops": "duplicate", "errors": "duplicate"}
    assert left[Fate.REJECTED] == left[Fate.TOO_LATE] == {}


def test_an_event_of_another_kind_leaves_one_entry() -> None:
    left = {fate: entries_of(_error(fate, kind="audit"), is_first_access=False) for fate in Fate}
    assert left[Fate.STORED] == {"audit": "stored"}
    assert left[Fate.ID_CONFLICT] == {"audit": "id_conflict"}
    assert left[Fate.DROPPED] == {"drops": "stored"}


@pytest.mark.parametrize("wrong", [{"patients": 0}, {"patients": 1, "days": 7}, {"patients": 1, "speed": -1.0}])
def test_a_scale_that_cannot_be_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match="simulate one patient"):
        Scale(**wrong)
