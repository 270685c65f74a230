"""Recorded decisions: what a person decided caps what a header claims, in every process, in any order."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from telemetry_platform.contracts.decision import Purpose
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.stores import postgres, redis
from telemetry_platform_tests.api.posing import exercise, frame, post, results
from telemetry_platform_tests.api.serving import NOW, Api, at, event, serving

if TYPE_CHECKING:
    import httpx

    from telemetry_platform.settings import Settings

CONSENT = "/v1/privacy/consent"
GPC = {"Sec-GPC": "1"}


def decide(api: Api, body: Any, headers: dict[str, str] | None = None, **claims: Any) -> httpx.Response:  # noqa: ANN401 - JSON
    """Put a decision of the person of these claims."""
    return api.client.put(CONSENT, content=json.dumps(body), headers={**_sent(api, **claims), **(headers or {})})


def _sent(api: Api, **claims: Any) -> dict[str, str]:  # noqa: ANN401 - JSON
    return {"Content-Type": "application/json", **api.headers(**claims)}


def decision(level: Any, seconds: float = 0, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """A body, decided so long after the server's clock."""
    return {"level": level, "decided_at": at(seconds), **more}


def person() -> str:
    """Somebody whom no other test knows."""
    return f"user-{uuid4().hex[:12]}"


def verdict(api: Api, headers: dict[str, str], **claims: Any) -> tuple[str, str | None]:  # noqa: ANN401 - JSON
    """What becomes of an event that needs level 2."""
    answer = api.post(event(), headers, **claims).json()
    return answer["status"], answer.get("reason")


def trail(settings: Settings, action: str = "consent.decided") -> list[dict[str, Any]]:
    """The trail's entries of an action: actor and details."""
    assert settings.postgres.read_url is not None
    with postgres.connect(settings.postgres.read_url.get_secret_value()) as connection:
        rows = connection.execute(
            "SELECT actor_hash, body FROM audit.audit_logs JOIN audit.details USING (seq) "
            "WHERE action = %s ORDER BY seq",
            (action,),
        ).fetchall()
    return [{"actor": actor, **details} for actor, details in rows]


def test_e72_a_stale_tab_cannot_claim_more_than_was_withdrawn(empty_platform: Settings) -> None:
    """Withdrawn in one process at 10:00:00, still claimed by a tab in another at 10:00:06."""
    somebody = person()
    with serving(empty_platform) as one, serving(empty_platform, NOW + timedelta(seconds=6)) as other:
        assert verdict(one, {"X-Consent-Level": "3"}, sub=somebody) == ("accepted", None)
        answer = decide(one, decision(1), sub=somebody)
        assert (answer.status_code, answer.json()["level"]) == (200, 1)
        assert verdict(other, {"X-Consent-Level": "3"}, sub=somebody) == ("dropped", "recorded_decision")
        assert verdict(one, {"X-Consent-Level": "3"}, sub=somebody) == ("dropped", "recorded_decision")
        # What was accepted before stays: an event is judged by what is true when it is received.
        assert len(one.entries("media")) == 1
        assert other.metric('telemetry_consent_drops_total{kind="media",level="1",reason="recorded_decision"}') == 1


def test_the_newest_decision_counts_whatever_order_they_arrive_in(shared_api: Api) -> None:
    somebody = person()
    assert decide(shared_api, decision(1, -10), sub=somebody).status_code == 200
    late = decide(shared_api, decision(3, -20), sub=somebody).json()
    assert (late["level"], late["decided_at"]) == (1, at(-10))
    assert verdict(shared_api, {"X-Consent-Level": "3"}, sub=somebody)[0] == "dropped"
    assert decide(shared_api, decision(2, -5), sub=somebody).json()["level"] == 2
    assert verdict(shared_api, {"X-Consent-Level": "3"}, sub=somebody)[0] == "accepted"
    # A decision never raises what the request itself states.
    assert verdict(shared_api, {"X-Consent-Level": "1"}, sub=somebody) == ("dropped", "consent_too_low")


def test_a_decision_is_of_one_person_in_one_tenant(shared_api: Api) -> None:
    somebody = person()
    decide(shared_api, decision(1), sub=somebody)
    assert verdict(shared_api, {"X-Consent-Level": "2"}, sub=somebody, org_id="clinic-2")[0] == "accepted"
    assert verdict(shared_api, {"X-Consent-Level": "2"}, sub=person())[0] == "accepted"


def test_the_trail_tells_each_decision_once_and_nobody_by_name(empty_platform: Settings) -> None:
    somebody = person()
    with serving(empty_platform) as api:
        before = len(trail(empty_platform))
        for _ in range(2):
            decide(api, decision(1, -3), sub=somebody)
        decide(api, decision(3, -9), sub=somebody)
        entries = trail(empty_platform)[before:]
    assert [(entry["level"], entry["source"]) for entry in entries] == [(1, "decision")]
    assert somebody not in json.dumps(entries)
    assert len(entries[0]["actor"]) == 64


@pytest.mark.parametrize("level", [0, 4, -1, True, 2.0, "2", None, [2], {"level": 2}, 99])
def test_a_level_that_is_none_is_refused_and_names_the_field(shared_api: Api, level: Any) -> None:  # noqa: ANN401 - JSON
    somebody = person()
    answer = decide(shared_api, decision(level), sub=somebody)
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == {"level"}
    assert verdict(shared_api, {"X-Consent-Level": "2"}, sub=somebody)[0] == "accepted"


def test_a_decision_of_the_future_is_refused(shared_api: Api) -> None:
    somebody = person()
    refused = decide(shared_api, decision(1, 0.001), sub=somebody)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "in_the_future")
    assert decide(shared_api, decision(1), sub=somebody).status_code == 200


@pytest.mark.parametrize(
    "decided_at", [None, 1_771_322_400, "2026-02-17T10:00:00", "yesterday", "1999-12-31T23:59:59Z"]
)
def test_a_moment_that_is_none_is_refused_and_names_the_field(shared_api: Api, decided_at: Any) -> None:  # noqa: ANN401 - JSON
    answer = decide(shared_api, {"level": 1, "decided_at": decided_at}, sub=person())
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "decided_at"


def test_nobody_decides_for_somebody_else(shared_api: Api) -> None:
    named = decide(shared_api, decision(1, user_id="ana@example.com"), sub=person())
    assert named.status_code == 422
    assert "ana" not in named.text
    assert "user_id" not in named.text
    assert decide(shared_api, decision(1), roles=["service"]).status_code == 403
    assert decide(shared_api, decision(1), roles=["compliance", "admin"]).status_code == 403
    assert decide(shared_api, decision(1), {"Authorization": ""}).status_code == 401


def test_purposes_of_a_decision_replace_those_of_the_token(shared_api: Api) -> None:
    somebody = person()

    def reason(**claims: Any) -> str | None:  # noqa: ANN401 - JSON
        found: str | None = results(post(shared_api, exercise(frame()), sub=somebody, **claims))[0].get("reason")
        return found

    assert reason(purposes=["pose"]) is None
    decide(shared_api, decision(2, -4, purposes=[]), sub=somebody)
    assert reason(purposes=["pose"]) == "purpose_not_agreed"
    # Who then agrees to marketing, and says nothing of pose, has not agreed to pose.
    assert decide(shared_api, decision(3, -3), sub=somebody).json()["purposes"] == []
    assert reason(purposes=["pose"]) == "purpose_not_agreed"
    assert decide(shared_api, decision(2, -2, purposes=["pose"]), sub=somebody).json()["purposes"] == ["pose"]
    assert reason(purposes=None) is None
    decide(shared_api, decision(1, -1), sub=somebody)
    assert reason(purposes=["pose"]) == "recorded_decision"


def test_what_can_be_agreed_to_by_name_is_what_kinds_ask_for() -> None:
    assert set(Purpose.__args__) == {kind.purpose for kind in kinds().values()} - {None}  # type: ignore[attr-defined] # a Literal


def test_a_privacy_signal_is_remembered_and_only_a_later_full_consent_lifts_it(empty_platform: Settings) -> None:
    somebody = person()
    full = {"X-Consent-Level": "3"}

    def stored_level(headers: dict[str, str]) -> str:
        assert api.post(event(), headers, sub=somebody).json()["status"] == "accepted"
        return str(api.entries("media")[-1]["consent_level"])

    with serving(empty_platform) as api:
        before = len(trail(empty_platform))
        assert stored_level(full) == "3"
        assert [stored_level({**full, **GPC}) for _ in range(2)] == ["2", "2"]
        # Remembered: another browser of theirs, without the signal, is capped too.
        assert stored_level(full) == "2"
        assert decide(api, decision(3, -60), sub=somebody).json()["opted_out_of_sale"] is True
        assert stored_level(full) == "2"
    with serving(empty_platform, NOW + timedelta(seconds=30)) as api:
        assert decide(api, decision(3, 20), sub=somebody).json()["opted_out_of_sale"] is False
        assert stored_level(full) == "3"
        assert stored_level({**full, **GPC}) == "2"
        assert stored_level(full) == "3"
    sources = [entry["source"] for entry in trail(empty_platform)[before:]]
    assert sources == ["sec_gpc", "decision", "decision"]


def test_a_privacy_signal_that_comes_with_a_decision_is_remembered(empty_platform: Settings) -> None:
    somebody, full = person(), {"X-Consent-Level": "3"}
    before = len(trail(empty_platform))
    with serving(empty_platform) as api:
        # The signal is not older than the decision it came with, so that the decision does not lift it.
        assert decide(api, decision(3), GPC, sub=somebody).json()["opted_out_of_sale"] is True
        assert verdict(api, full, sub=somebody) == ("accepted", None)
        assert api.entries("media")[-1]["consent_level"] == "2"
        # A decision that says nothing new brings the signal all the same.
        other = person()
        decide(api, decision(3, -5), sub=other)
        assert decide(api, decision(3, -9), GPC, sub=other).json()["opted_out_of_sale"] is True
    with serving(empty_platform, NOW + timedelta(seconds=30)) as api:
        lifted = decide(api, decision(3, 20), GPC, sub=somebody).json()
        assert (lifted["level"], lifted["opted_out_of_sale"]) == (3, False)
    sources = [entry["source"] for entry in trail(empty_platform)[before:]]
    assert sources == ["sec_gpc", "decision", "decision", "sec_gpc", "decision"]


@pytest.mark.parametrize("value", ["0", "true", "1, 1", "", "01"])
def test_what_is_not_exactly_the_signal_is_none(shared_api: Api, value: str) -> None:
    somebody = person()
    assert verdict(shared_api, {"X-Consent-Level": "3", "Sec-GPC": value}, sub=somebody)[0] == "accepted"
    assert decide(shared_api, decision(2), sub=somebody).json()["opted_out_of_sale"] is False


def test_the_support_resource_says_that_the_signal_is_honoured(shared_api: Api) -> None:
    found = shared_api.client.get("/.well-known/gpc.json")
    assert found.headers["content-type"].startswith("application/json")
    assert found.json()["gpc"] is True


def test_an_emptied_redis_is_no_agreement(empty_platform: Settings) -> None:
    """Decisions are copied from PostgreSQL again before anybody is judged."""
    somebody = person()
    with serving(empty_platform) as api:
        decide(api, decision(1), sub=somebody)
        with redis.connect(empty_platform.redis) as client:
            for key in [*client.scan_iter("subject:*"), *client.scan_iter("subjects:*")]:
                client.delete(key)
        first = api.post(event(), {"X-Consent-Level": "3"}, sub=somebody)
        # Either the copy is not whole yet, or it is and the decision counts.
        assert first.status_code == 503 or first.json()["reason"] == "recorded_decision"
    with serving(empty_platform) as api:
        assert verdict(api, {"X-Consent-Level": "3"}, sub=somebody) == ("dropped", "recorded_decision")
