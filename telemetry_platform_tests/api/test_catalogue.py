"""Kinds beside media: who may post them, what they need, and what of them reaches the queue."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from telemetry_platform.contracts.event_kind import Role
from telemetry_platform.contracts.registry import kinds
from telemetry_platform_tests.api.serving import Api, at, event

ANALYTICS, ERRORS = "/v1/analytics/events", "/v1/errors/report"
API_METRICS, STAFF, AUDIT = "/v1/api/metrics", "/v1/staff/metrics", "/v1/audit/events"
SERVICE: dict[str, Any] = {"roles": ["service"], "sub": "core-api"}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"


def page_view(**fields: object) -> dict[str, Any]:
    return {"kind": "page_view", "timestamp": at(0), "route": "/exercises", **fields}


def error(**fields: object) -> dict[str, Any]:
    return {"source": "app", "error_code": "TypeError", "timestamp": at(0), **fields}


def api_metric(**fields: object) -> dict[str, Any]:
    return {
        "event_id": str(uuid4()),
        "timestamp": at(0),
        "method": "GET",
        "route": "/plans/{plan_id}",
        "status_code": 200,
        "duration_ms": 12.5,
        **fields,
    }


def audit_event(**fields: object) -> dict[str, Any]:
    return {
        "event_id": str(uuid4()),
        "timestamp": at(0),
        "actor_id": "user-1",
        "actor_type": "staff",
        "action": "plan.read",
        "resource_type": "plan",
        "outcome": "success",
        **fields,
    }


@pytest.mark.parametrize("name", sorted(name for name, kind in kinds().items() if kind.endpoint))
def test_a_role_that_may_not_post_a_kind_is_told_which_may(shared_api: Api, name: str) -> None:
    endpoint = kinds()[name].endpoint
    assert endpoint is not None
    for role in set(Role) - endpoint.roles:
        answer = shared_api.post_to(endpoint.path, {}, roles=[role.value])
        assert answer.status_code == 403
        assert min(endpoint.roles) in answer.json()["detail"]


def test_marketing_and_behaviour_need_the_highest_level_and_other_use_the_second(api: Api) -> None:
    batch = {"events": [page_view(), page_view(kind="marketing_touch"), page_view(kind="behaviour_trace")]}
    expected = {
        "1": ["consent_too_low"] * 3,
        "2": [None, "consent_too_low", "consent_too_low"],
        "3": [None, None, None],
    }
    for level, reasons in expected.items():
        answer = api.post_to(ANALYTICS, batch, {"X-Consent-Level": level})
        assert answer.status_code == 202
        assert [result.get("reason") for result in answer.json()["results"]] == reasons
    capped = api.post_to(ANALYTICS, batch, {"X-Consent-Level": "3", "Sec-GPC": "1"})
    assert [result.get("reason") for result in capped.json()["results"]] == [None, *["global_privacy_control"] * 2]
    assert len(api.entries("analytics")) == 1 + 3 + 1
    drops = api.bodies("drops")
    assert len(drops) == 3 + 2 + 2
    assert {(drop["kind"], drop["event"]) for drop in drops} == {
        ("analytics", kind) for kind in ("page_view", "marketing_touch", "behaviour_trace")
    }


def test_properties_are_scrubbed_by_name_and_by_value_and_paths_lose_what_may_be_an_id(api: Api) -> None:
    properties = {"plan": "basic", "firstName": "Ana", "note": "mail ana@example.com", "count": 3, "ok": True}
    sent = page_view(route="https://app.example.com/patients/ana-popescu/plans?token=abc#x", properties=properties)
    assert api.post_to(ANALYTICS, sent).status_code == 202
    (body,) = api.bodies("analytics")
    assert body["route"] == "/patients/:x/plans"
    assert json.loads(body["properties"]) == {
        "plan": "basic",
        "firstName": "[value]",
        "note": "mail [email]",
        "count": 3,
        "ok": True,
    }
    many = page_view(properties={f"p{number}": number for number in range(33)})
    assert api.post_to(ANALYTICS, many).status_code == 422


def test_an_event_of_a_frontend_without_an_id_gets_a_random_one(api: Api) -> None:
    sent = page_view(session_id=str(uuid4()))
    first, second = (api.post_to(ANALYTICS, sent).json()["event_id"] for _ in range(2))
    assert first != second


def test_an_error_is_taken_without_a_token_and_then_belongs_to_nobody(api: Api) -> None:
    sent = error(session_id=str(uuid4()), message="failed for ana@example.com", url="/exercises/12?x=1")
    for authorization in ("", "Bearer nonsense", "Basic abc"):
        answer = api.post_to(ERRORS, sent, {"Authorization": authorization, "X-Consent-Level": ""})
        assert answer.status_code == 202, answer.text
        assert answer.json()["session_id"] is None
    for entry in api.entries("errors"):
        body = json.loads(entry["body"])
        assert (entry["actor_hash"], entry["key_epoch"], entry["org_id"]) == ("", "0", "anonymous")
        assert (body["session_id"], body["message"], body["path"]) == (None, "failed for [email]", "/exercises/:x")


def test_an_error_with_a_token_keeps_its_person_and_session(api: Api) -> None:
    sent = error(session_id=str(uuid4()))
    assert api.post_to(ERRORS, sent).json()["session_id"] == sent["session_id"]
    (entry,) = api.entries("errors")
    assert len(entry["actor_hash"]) == 64
    assert (entry["org_id"], json.loads(entry["body"])["session_id"]) == ("clinic-1", sent["session_id"])
    assert api.post_to(ERRORS, sent, {"X-Consent-Level": "0"}).json()["reason"] == "consent_too_low"


def test_one_error_has_one_fingerprint_whatever_its_message_holds_also_out_of_a_player(api: Api) -> None:
    for message in ("no plan 12 for 'ana'", "no plan 99812 for 'bob'", f"no plan {uuid4()} for 'x y'"):
        api.post_to(ERRORS, error(message=message))
    api.post_to(ERRORS, error(message="no exercise 12 for 'ana'"))
    api.post(event("error", data={"error_code": "MEDIA_ERR_NETWORK", "error_message": "segment 17 failed"}))
    api.post_to(ERRORS, error(source="video", error_code="MEDIA_ERR_NETWORK", message="segment 3 failed"))
    prints = [body["fingerprint"] for body in api.bodies("errors")]
    assert len(prints) == 6
    assert len(set(prints[:3])) == 1
    assert len(set(prints)) == 3
    assert prints[4] == prints[5]


def test_a_service_must_send_ids_and_templates(api: Api) -> None:
    without_id = {name: value for name, value in api_metric().items() if name != "event_id"}
    raw = api_metric(route="/patients/4711/plans")
    answer = api.post_to(API_METRICS, {"events": [api_metric(), without_id, raw]}, **SERVICE)
    good, nameless, pathless = answer.json()["results"]
    assert good["status"] == "accepted"
    assert nameless["problem"]["errors"][0]["field"] == "event_id"
    assert pathless["problem"]["errors"][0]["field"] == "route"
    assert "4711" not in answer.text
    (body,) = api.bodies("api_metrics")
    assert body["route"] == "/plans/{plan_id}"


def test_api_metrics_carry_nobody_and_go_to_the_events_tenant(api: Api) -> None:
    api.post_to(API_METRICS, {"events": [api_metric(), api_metric(org_id="clinic-2")]}, **SERVICE)
    entries = api.entries("api_metrics")
    assert [(entry["org_id"], entry["actor_hash"], entry["key_epoch"]) for entry in entries] == [
        ("clinic-1", "", "0"),
        ("clinic-2", "", "0"),
    ]
    columns = {column.name for column in kinds()["api_metrics"].table.columns}
    for body in api.bodies("api_metrics"):
        assert set(body) <= columns


def test_a_services_event_is_reduced_as_the_persons_own_request_would_be(api: Api) -> None:
    sent = audit_event(
        actor_id="user-1", client_address="::ffff:203.0.113.77", user_agent=FIREFOX, org_id="clinic-2", resource_id="p1"
    )
    assert api.post_to(AUDIT, sent, **SERVICE).status_code == 202
    # The person's own view of a medium makes an audit record as well: both are the same person.
    api.post(event("session_start"))
    of_service, of_person = api.entries("audit")
    assert of_service["actor_hash"] == of_person["actor_hash"]
    assert of_service["org_id"] == "clinic-2"
    body = json.loads(of_service["body"])
    assert (body["ip_truncated"], body["device_type"]) == ("203.0.113.0", "desktop")
    assert len(body["resource_id_hash"]) == 64
    text = json.dumps(of_service)
    for raw in ("user-1", "203.0.113.77", "Firefox/120", '"p1"'):
        assert raw not in text


def test_an_address_that_is_none_is_null_and_costs_nothing(api: Api) -> None:
    for address in ("nonsense", "", None, "10.0.0.1:8080", "203.0.113.7, 10.0.0.1"):
        assert api.post_to(AUDIT, audit_event(client_address=address), **SERVICE).status_code == 202
    assert {body["ip_truncated"] for body in api.bodies("audit")} == {None}


def test_a_person_as_resource_has_the_pseudonym_of_the_person_as_actor(api: Api) -> None:
    api.post_to(AUDIT, audit_event(actor_id="staff-1", resource_type="patient", resource_id="user-9"), **SERVICE)
    api.post_to(AUDIT, audit_event(actor_id="user-9"), **SERVICE)
    (about, _), (_, by) = ((json.loads(entry["body"]), entry["actor_hash"]) for entry in api.entries("audit"))
    assert about["resource_id_hash"] == by


def test_a_figure_of_staff_is_under_the_pseudonym_of_its_person(api: Api) -> None:
    sent = {
        "event_id": str(uuid4()),
        "timestamp": at(0),
        "staff_user_id": "user-1",
        "team_id": "team-3",
        "metric": "response_time",
        "value": 12.5,
        "unit": "minutes",
        "period_start": at(-86_400),
    }
    assert api.post_to(STAFF, sent, **SERVICE).status_code == 202
    api.post(event())
    (figure,), (own,) = api.entries("staff_metrics"), api.entries("media")
    assert figure["actor_hash"] == own["actor_hash"]
    body = json.loads(figure["body"])
    assert len(body["team_id"]) == 64
    assert isinstance(body["period_start"], int)
    assert "staff_user_id" not in body


def test_an_unknown_field_beside_a_long_stack_costs_nothing(api: Api) -> None:
    sent = error(stack="at f (main.js:1:2)\n" * 1500, colour="red")
    assert api.post_to(ERRORS, sent).status_code == 202
