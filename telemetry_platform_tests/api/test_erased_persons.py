"""A person who was erased and came back: what is from before stays away, what they begin anew is taken."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from telemetry_platform.contracts.pii import Domain
from telemetry_platform.stores import postgres, redis, subject_states, subjects
from telemetry_platform.usecases.ensure_keys import load_key_ring
from telemetry_platform_tests.api.posing import exercise, frame, post, results
from telemetry_platform_tests.api.serving import NOW, Api, at, event, serving
from telemetry_platform_tests.api.test_decisions import decide, decision

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.settings import Settings

LATER = NOW + timedelta(minutes=10)
FULL = {"X-Consent-Level": "3"}


def erase(settings: Settings, user_id: str, erased_at: datetime) -> None:
    """What an erasure says of a person of clinic-1."""
    with postgres.connect(settings.postgres) as conn:
        subject_hash = load_key_ring(conn, settings.keys).pseudonym(Domain.SUBJECT, 1, user_id)
        state = subjects.erase(conn, "clinic-1", subject_hash, erased_at)
        conn.commit()
    with redis.connect(settings.redis) as client:
        subject_states.publish(client, "clinic-1", subject_hash, state)


def now() -> str:
    """By the machine's clock."""
    return at(0, datetime.now(UTC))


@pytest.fixture
def somebody(empty_platform: Settings) -> Iterator[tuple[Api, str, str]]:
    """A server at LATER; the person began a session at NOW, was erased five minutes later, and has agreed anew."""
    user, session = f"user-{uuid4().hex[:12]}", str(uuid4())
    with serving(empty_platform) as api:
        assert api.post(event(session_id=session), FULL, sub=user).json()["status"] == "accepted"
    erase(empty_platform, user, NOW + timedelta(minutes=5))
    with serving(empty_platform, LATER) as api:
        before = api.post(event(timestamp=at(0, LATER)), FULL, sub=user).json()
        assert (before["status"], before["reason"]) == ("dropped", "recorded_decision")
        assert decide(api, decision(3, 590, purposes=["pose"]), sub=user).status_code == 200
        yield api, user, session


def verdict(api: Api, body: Any, **claims: Any) -> tuple[str, str | None]:  # noqa: ANN401 - JSON
    answer = api.post(body, FULL, **claims).json()
    return answer["status"], answer.get("reason")


def test_what_they_begin_anew_is_taken(somebody: tuple[Api, str, str]) -> None:
    api, user, _ = somebody
    assert verdict(api, event(timestamp=at(0, LATER)), sub=user) == ("accepted", None)


def test_what_occurred_before_is_dropped_and_counted(somebody: tuple[Api, str, str]) -> None:
    api, user, _ = somebody
    taken = len(api.entries("media"))
    for seconds in (0, 299, 300):
        assert verdict(api, event(timestamp=at(seconds)), sub=user) == ("dropped", "erased")
    assert verdict(api, event(timestamp=at(301)), sub=user) == ("accepted", None)
    assert len(api.entries("media")) == taken + 1
    assert api.metric('telemetry_consent_drops_total{kind="media",level="3",reason="erased"}') == 3
    assert [body["reason"] for body in api.bodies("drops")][-3:] == ["erased"] * 3


def test_a_session_that_began_before_goes_on_in_vain(empty_platform: Settings) -> None:
    """Told by its pin: this server's clock and Redis' are the machine's."""
    user, session = f"user-{uuid4().hex[:12]}", str(uuid4())
    with serving(empty_platform, None) as api:
        assert verdict(api, event(session_id=session, timestamp=now()), sub=user) == ("accepted", None)
        erase(empty_platform, user, datetime.now(UTC))
        assert decide(api, {"level": 3, "decided_at": now()}, sub=user).status_code == 200
        for name, data in {"heartbeat": {"position_seconds": 1.0}, "error": {"error_code": "E1"}}.items():
            body = event(name, session_id=session, timestamp=now(), data=data)
            assert verdict(api, body, sub=user) == ("dropped", "erased")
        assert verdict(api, event(timestamp=now()), sub=user) == ("accepted", None)
        assert api.entries("errors") == []


def test_frames_are_judged_one_by_one(somebody: tuple[Api, str, str]) -> None:
    api, user, _ = somebody
    early, late = frame(1, NOW), frame(2, LATER)
    verdicts = [(one["status"], one.get("reason")) for one in results(post(api, exercise(early, late), FULL, sub=user))]
    assert verdicts == [("dropped", "erased"), ("accepted", None)]


def test_it_is_of_one_person_in_one_tenant(somebody: tuple[Api, str, str]) -> None:
    api, user, _ = somebody
    old = event(timestamp=at(0))
    assert verdict(api, old, sub=user, org_id="clinic-2") == ("accepted", None)
    assert verdict(api, old, sub="somebody-else") == ("accepted", None)
