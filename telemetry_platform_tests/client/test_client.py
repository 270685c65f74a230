"""The client for services, against the real API, and against transports that fail on purpose."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx

from telemetry_platform.client import ApiMetric, AuditEvent, Client, Counts, ErrorReport, SecurityEvent, StaffMetric
from telemetry_platform_tests.api.serving import serving

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings

METRIC = ApiMetric(method="GET", route="/v1/plans/{plan_id}", status_code=200, duration_ms=41.5)


class Answers(httpx.BaseTransport):
    """Gives the answers it was made with, then accepts everything, and keeps what was asked."""

    def __init__(self, *answers: httpx.Response | httpx.TransportError) -> None:
        self.left = list(answers)
        self.asked: list[list[dict[str, Any]]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        events = json.loads(request.read())["events"]
        self.asked.append(events)
        if not self.left:
            return httpx.Response(202, json={"results": [{"status": "accepted"}] * len(events)})
        answer = self.left.pop(0)
        if isinstance(answer, httpx.TransportError):
            raise answer
        return answer


def client_on(transport: httpx.BaseTransport, **given: Any) -> Client:  # noqa: ANN401 - settings of a client
    return Client("http://api.test", "t", transport=transport, first_pause=0.001, **given)


def test_all_kinds_reach_their_queues(module_platform: Settings) -> None:
    with serving(module_platform, None) as api:
        token = api.token(sub="core-api", roles=["service"])
        person: dict[str, Any] = {"org_id": "clinic-1", "actor_id": "user-1", "client_address": "203.0.113.7"}
        with Client(f"http://127.0.0.1:{api.port}", token, producer="core-api") as client:
            for _ in range(600):
                client.send(METRIC)
            client.send(
                AuditEvent(
                    actor_type="staff", action="patient.read", outcome="success", resource_type="patient", **person
                )
            )
            client.send(SecurityEvent(type="auth.failed", severity="medium", rule_id="auth_failures", **person))
            client.send(ErrorReport(error_code="E1", message="m"))
            client.send(
                StaffMetric(
                    org_id="clinic-1", staff_user_id="s-1", team_id="t-1", metric="response_time", value=2.5,
                    unit="minutes", period_start=datetime(2026, 2, 16, tzinfo=UTC),
                )
            )  # fmt: skip
        assert client.counts == Counts(accepted=604)
        assert len(api.entries("api_metrics")) == 600
        for kind in ("audit", "security", "errors", "staff_metrics"):
            assert len(api.entries(kind)) == 1, kind


def test_a_failed_batch_is_sent_again_with_the_same_ids() -> None:
    answers = Answers(
        httpx.ConnectError("down"), httpx.Response(503, headers={"Retry-After": "0"}), httpx.Response(429)
    )
    with client_on(answers) as client:
        client.send(METRIC)
    assert client.counts == Counts(accepted=1)
    assert [events[0]["event_id"] for events in answers.asked] == [answers.asked[0][0]["event_id"]] * 4
    assert UUID(answers.asked[0][0]["event_id"]).version == 4


def test_what_is_rejected_is_counted_and_not_sent_again() -> None:
    answers = Answers(httpx.Response(422, json={"results": [{"status": "rejected"}]}))
    with client_on(answers) as client:
        client.send(METRIC)
    assert (client.counts, len(answers.asked)) == (Counts(rejected=1), 1)


def test_a_batch_that_is_too_large_goes_in_halves() -> None:
    answers = Answers(httpx.Response(413))
    with client_on(answers) as client:
        for _ in range(4):
            client.send(METRIC)
    assert client.counts == Counts(accepted=4)


def test_numbers_are_of_one_producer_without_gaps() -> None:
    answers = Answers()
    with client_on(answers, producer="core-api") as client:
        for _ in range(3):
            client.send(AuditEvent(actor_type="staff", action="plan.read", outcome="success", resource_type="plan"))
    events = [event for batch in answers.asked for event in batch]
    assert [event["producer_seq"] for event in events] == [1, 2, 3]
    assert len({event["producer"] for event in events}) == 1


def test_what_cannot_be_sent_is_counted_as_lost_and_raises_nothing() -> None:
    answers = Answers(*[httpx.ConnectError("down")] * 2)
    with client_on(answers, most_attempts=2) as client:
        client.send(METRIC)
    assert client.counts == Counts(lost=1)
    assert not client.send(METRIC)
    assert client.counts == Counts(lost=2)


def test_a_full_queue_loses_the_newest_and_says_so() -> None:
    with client_on(Answers(), most_kept=2, every_seconds=60) as client:
        assert [client.send(METRIC) for _ in range(3)] == [True, True, False]
    assert client.counts == Counts(accepted=2, lost=1)
