"""The right of access: what is held is shown, by table, to those who may, and the trail says so first."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from telemetry_platform.contracts.held import places
from telemetry_platform.contracts.pii import Domain
from telemetry_platform.contracts.registry import tables
from telemetry_platform.stores import postgres
from telemetry_platform.usecases.ensure_keys import load_key_ring
from telemetry_platform_tests.api.serving import Api, event, serving
from telemetry_platform_tests.usecases.landing import drain_all, quick

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from telemetry_platform.processing.pseudonyms import KeyRing
    from telemetry_platform.settings import Settings

PATH = "/v1/privacy/access-reports"
ANA = "ana-4711"


@pytest.fixture(scope="module")
def filled(module_platform: Settings) -> Iterator[Api]:
    """A server whose tables hold a view of Ana's in two tenants, and of somebody else's."""
    with serving(module_platform, None) as api:
        for org_id, user in (("clinic-1", ANA), ("clinic-2", ANA), ("clinic-1", "somebody")):
            session = str(uuid4())
            for name, data in (("session_start", {"ttfb_ms": 340.0}), ("heartbeat", {"position_seconds": 1.0})):
                body = event(name, session_id=session, data=data, timestamp=_now())
                assert api.post(body, org_id=org_id, sub=user).json()["status"] == "accepted"
        body = {"level": 2, "decided_at": _now()}
        headers = {"Content-Type": "application/json", **api.headers(sub=ANA)}
        assert api.client.put("/v1/privacy/consent", content=json.dumps(body), headers=headers).status_code == 200
        drain_all(quick(module_platform))
        yield api


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ask(api: Api, body: Any, **claims: Any) -> httpx.Response:  # noqa: ANN401 - JSON
    """Ask as the compliance officer of clinic-1, unless told otherwise."""
    token = api.token(**({"sub": "officer-1", "roles": ["compliance"]} | claims))
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return api.client.post(PATH, content=json.dumps(body), headers=headers)


def counts(answer: httpx.Response) -> dict[str, int]:
    assert answer.status_code == 200, answer.text
    return {f"{one['table']}.{one['found_by']}": one["count"] for one in answer.json()["held"] if one["count"]}


def ring(settings: Settings) -> KeyRing:
    with postgres.connect(settings.postgres) as connection:
        return load_key_ring(connection, settings.keys)


def test_every_table_is_told_with_what_it_holds(filled: Api) -> None:
    found = ask(filled, {"user_id": ANA})
    assert (
        counts(found).items()
        >= {
            "media_events.actor_hash": 2,
            "audit.audit_logs.actor_hash": 2,
            "privacy.subjects.subject_hash": 1,
        }.items()
    )
    assert counts(found)["media_sessions.actor_hash"] >= 1
    assert {one["table"] for one in found.json()["held"]} == {place.table for place in places()}
    media = next(one for one in found.json()["held"] if one["table"] == "media_events")
    assert media["first"] <= media["last"]
    assert "rows" not in media
    assert found.headers["cache-control"] == "no-store"


def test_rows_are_shown_as_they_lie_there_and_name_nobody(filled: Api) -> None:
    answer = ask(filled, {"user_id": ANA, "rows": True})
    by_table = {one["table"]: one for one in answer.json()["held"] if one["found_by"] == "actor_hash"}
    rows = by_table["media_events"]["rows"]
    assert [row["event"] for row in rows] == ["session_start", "heartbeat"]
    assert set(rows[0]) == {column.name for column in tables()["media_events"].columns}
    assert {row["org_id"] for one in by_table.values() for row in one["rows"]} == {"clinic-1"}
    known = ring(filled.settings)
    assert {row["actor_hash"] for row in rows} == {known.pseudonym(Domain.ACTOR, 1, ANA)}
    assert ANA not in answer.text
    assert by_table["audit.audit_logs"]["rows"][0]["action"]


def test_a_report_is_of_the_asking_tenant_alone(filled: Api) -> None:
    other = ask(filled, {"user_id": ANA}, org_id="clinic-2", sub="officer-2")
    assert counts(other)["media_events.actor_hash"] == 2
    assert "privacy.subjects.subject_hash" not in counts(other)
    assert counts(ask(filled, {"user_id": ANA}, org_id="clinic-3")) == {}
    # Byte for byte: another spelling is another person.
    assert counts(ask(filled, {"user_id": f"{ANA} "})) == {}
    assert counts(ask(filled, {"user_id": ANA.upper()})) == {}


def test_the_trail_says_who_saw_whom(filled: Api) -> None:
    answer = ask(filled, {"user_id": "never-seen"}, sub="officer-9")
    assert filled.settings.postgres.read_url is not None
    with postgres.connect(filled.settings.postgres.read_url.get_secret_value()) as connection:
        row = connection.execute(
            "SELECT actor_hash, resource_id_hash, org_id, path, body FROM audit.audit_logs "
            "JOIN audit.details USING (seq) WHERE action = 'access.reported' AND event_id = %s",
            (answer.json()["report_id"],),
        ).fetchone()
    known = ring(filled.settings)
    names = [known.pseudonym(Domain.AUDIT_ACTOR, 1, one) for one in ("officer-9", "never-seen")]
    assert row == (*names, "clinic-1", PATH, {"tables": 0, "rows": 0})
    # To be looked at is itself held about a person.
    assert counts(ask(filled, {"user_id": "never-seen"})) == {"audit.audit_logs.resource_id_hash": 1}


def test_what_cannot_be_recorded_is_not_shown(filled: Api) -> None:
    owner_url = filled.settings.postgres.owner_url
    assert owner_url is not None
    with postgres.connect(owner_url.get_secret_value(), autocommit=True) as owner:
        owner.execute("REVOKE EXECUTE ON FUNCTION audit.record(jsonb) FROM telemetry_ingest")
        try:
            answer = ask(filled, {"user_id": ANA, "rows": True})
        finally:
            owner.execute("GRANT EXECUTE ON FUNCTION audit.record(jsonb) TO telemetry_ingest")
    assert answer.status_code == 503
    assert "held" not in answer.json()


@pytest.mark.parametrize("roles", [["patient"], ["staff"], ["service"], ["analyst"], ["support"], ["admin"]])
def test_nobody_else_may_ask(filled: Api, roles: list[str]) -> None:
    assert ask(filled, {"user_id": ANA}, roles=roles).status_code == 403
    assert filled.client.post(PATH, content="{}").status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"user_id": ""},
        {"user_id": 7},
        {"user_id": "x" * 257},
        {"user_id": "x", "rows": "yes"},
        {"user_id": "x", "org_id": "b"},
        [],
    ],
)
def test_a_body_that_is_none_is_refused_and_not_repeated(filled: Api, body: Any) -> None:  # noqa: ANN401 - JSON
    answer = ask(filled, body)
    assert answer.status_code == 422
    assert "xxx" not in answer.text
