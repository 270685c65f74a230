"""Pages of the audit trail: everything once and in order, of one tenant, and not before the trail says who reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from telemetry_platform.contracts.pii import Domain
from telemetry_platform.contracts.registry import tables
from telemetry_platform.stores import postgres
from telemetry_platform.usecases.ensure_keys import load_key_ring
from telemetry_platform_tests.api.serving import Api, serving
from telemetry_platform_tests.api.trail_reading import (
    LOGS,
    bearer,
    fill,
    get,
    own_entries,
    refuse_records,
    search,
    trail_of,
    walk,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.processing.pseudonyms import KeyRing
    from telemetry_platform.settings import Settings
    from telemetry_platform_tests.stores.trail import Trail

ANA = "ana-4711"
EVERYTHING = "SELECT seq FROM audit.audit_logs WHERE org_id = %s ORDER BY seq"


@pytest.fixture(scope="module")
def ring(module_platform: Settings) -> KeyRing:
    with postgres.connect(module_platform.postgres) as connection:
        return load_key_ring(connection, module_platform.keys)


@pytest.fixture(scope="module")
def trail(engines: PlatformHandle, module_platform: Settings, ring: KeyRing) -> Trail:
    found = trail_of(engines, module_platform)
    pseudonym = ring.pseudonym(Domain.AUDIT_ACTOR, 1, ANA)
    for number in range(5):
        fill(found, "clinic-1", 7)
        fill(found, "clinic-2", 3, outcome="denied")
        fill(found, "clinic-1", 1, actor_hash=pseudonym, action="plan.changed", outcome="failure")
        fill(
            found, "clinic-1", 1, resource_id_hash=pseudonym, resource_type="patient", details=f'{{"fields": {number}}}'
        )
    return found


@pytest.fixture(scope="module")
def api(module_platform: Settings, trail: Trail) -> Iterator[Api]:
    assert trail.rows("SELECT count(*) FROM audit.audit_logs")[0][0] > 0
    with serving(module_platform, None) as running:
        yield running


def seqs(rows: list[dict[str, Any]]) -> list[int]:
    return [row["seq"] for row in rows]


@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_a_walk_has_every_row_of_the_tenant_once(api: Api, trail: Trail, limit: int) -> None:
    before = [row[0] for row in trail.rows(EVERYTHING, ["clinic-1"])]
    found = walk(api, {"limit": limit})
    assert seqs(found) == before
    assert {row["org_id"] for row in found} == {"clinic-1"}


def test_a_row_is_shown_as_it_is_stored(api: Api, trail: Trail) -> None:
    table = tables()["audit.audit_logs"]
    names = [column.name for column in (*table.columns, *table.beside)]
    row = get(api, LOGS, {"resource_type": "patient", "limit": 1}).json()["logs"][0]
    assert list(row) == [*names, "details_redacted"]
    assert row["details"] == {"fields": 0}
    assert row["details_redacted"] is False
    stored = trail.rows(
        """SELECT to_char(recorded_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), prev_hash, row_hash, details_hash,
        event_id::text FROM audit.audit_logs WHERE seq = %s""",
        [row["seq"]],
    )[0]
    assert stored == tuple(row[name] for name in ("recorded_at", "prev_hash", "row_hash", "details_hash", "event_id"))
    assert row["occurred_at"] == "2026-02-17T10:00:00.123000Z"


def test_a_walk_is_of_the_state_that_it_began_with(api: Api, trail: Trail) -> None:
    first = get(api, LOGS, {"limit": 3}).json()
    fill(trail, "clinic-1", 4)
    rest = walk(api, {"limit": 5, "after": first["next"], "until_seq": first["until_seq"]})
    expected = [row[0] for row in trail.rows(EVERYTHING, ["clinic-1"]) if row[0] <= first["until_seq"]]
    assert seqs(first["logs"]) + seqs(rest) == expected


@pytest.mark.parametrize(
    ("query", "condition"),
    [
        ({"action": "plan.changed"}, "action = 'plan.changed'"),
        ({"outcome": "failure"}, "outcome = 'failure'"),
        ({"resource_type": "patient"}, "resource_type = 'patient'"),
        ({"actor_type": "staff"}, "actor_type = 'staff'"),
        ({"actor_hash": "a" * 64}, f"actor_hash = '{'a' * 64}'"),
        (
            {"resource_id_hash": "b" * 64, "outcome": "failure"},
            f"resource_id_hash = '{'b' * 64}' AND outcome = 'failure'",
        ),
        ({"seq_from": 9, "seq_to": 21}, "seq BETWEEN 9 AND 21"),
        ({"from": "2026-02-17T12:00:00.123+02:00", "to": "2026-02-17T10:00:00.124Z"}, "action <> 'audit.read'"),
        ({"from": "2026-02-17T10:00:00.123001Z", "to": "2026-02-18T00:00:00Z"}, "false"),
        ({"to": "2026-02-17T10:00:00.123Z"}, "false"),
        ({"recorded_to": "2026-02-18T00:00:00Z"}, "recorded_at < '2026-02-18'"),
    ],
)
def test_a_filter_leaves_what_it_says(api: Api, trail: Trail, query: dict[str, Any], condition: str) -> None:
    until = trail.rows("SELECT seq FROM audit.head")[0][0]
    expected = trail.rows(
        f"SELECT seq FROM audit.audit_logs WHERE org_id = 'clinic-1' AND seq <= {until} AND {condition} ORDER BY seq"  # noqa: S608 - the test's own texts
    )
    assert seqs(walk(api, query | {"limit": 4, "until_seq": until})) == [row[0] for row in expected]


def test_recorded_times_are_half_open_to_the_microsecond(api: Api) -> None:
    page = get(api, LOGS, {"limit": 1, "seq_from": 12}).json()["logs"]
    moment = page[0]["recorded_at"]
    found = walk(api, {"recorded_from": moment, "seq_to": 40})
    assert found[0]["recorded_at"] == moment
    assert all(row["recorded_at"] < moment for row in walk(api, {"recorded_to": moment}))


def test_every_reading_is_in_the_trail_of_the_tenant_that_was_read(api: Api, trail: Trail, ring: KeyRing) -> None:
    answer = get(api, LOGS, {"outcome": "failure", "limit": 2}, sub="officer-9")
    assert answer.status_code == 200
    reader = ring.pseudonym(Domain.AUDIT_ACTOR, 1, "officer-9")
    own = [row for row in own_entries(trail, "audit.read") if row[1] == reader]
    told = {"filters": ["outcome"], "rows": 2, "tenants": "own", "until_seq": answer.json()["until_seq"]}
    assert own == [("clinic-1", reader, None, LOGS, told)]
    crossing = get(api, LOGS, {"org_id": "clinic-2"}, sub="root-1", roles=["admin"])
    assert {row["org_id"] for row in crossing.json()["logs"]} == {"clinic-2"}
    # Whose rows were read can see who did, and from where.
    last = walk(api, {"action": "audit.read"}, org_id="clinic-2", sub="officer-2")[-1]
    assert last["actor_hash"] == ring.pseudonym(Domain.AUDIT_ACTOR, 1, "root-1")
    assert (last["details"]["tenants"], last["details"]["reader_org"]) == ("another", "clinic-1")


def test_other_tenants_take_the_role_admin(api: Api) -> None:
    for query in ({"org_id": "clinic-2"}, {"all_orgs": "true"}, {"org_id": "platform"}):
        assert get(api, LOGS, query).status_code == 403
    # One's own tenant may be named by anybody.
    assert get(api, LOGS, {"org_id": "clinic-1"}).status_code == 200
    assert {row["org_id"] for row in walk(api, {}, roles=["admin"])} == {"clinic-1"}
    found = walk(api, {"all_orgs": "true"}, roles=["admin"])
    assert {"clinic-1", "clinic-2"} <= {row["org_id"] for row in found}
    assert seqs(found) == list(range(1, len(found) + 1))
    # To have read everybody's is told under the platform's own tenant.
    own = walk(api, {"org_id": "platform", "action": "audit.read"}, roles=["compliance", "admin"])
    assert own
    assert {row["details"]["tenants"] for row in own} == {"all"}


@pytest.mark.parametrize("roles", [["patient"], ["staff"], ["service"], ["analyst"], ["support"], []])
def test_nobody_else_may_read(api: Api, roles: list[str]) -> None:
    assert get(api, LOGS, roles=roles).status_code == 403
    # Not even what parameters there are.
    assert get(api, LOGS, {"foo": "1"}, roles=roles).status_code == 403
    assert search(api, {"user_id": ANA}, roles=roles).status_code == 403
    assert api.client.get(LOGS).status_code == 401


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("foo=1", "foo"),
        ("user_id=ana-4711", "user_id"),
        ("limit=1&limit=2", "limit"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=ten", "limit"),
        ("from=2026-02-17", "from"),
        ("from=2026-02-17T10:00:00", "from"),
        ("from=2026-02-17T10:00:00Z&to=2026-02-17T10:00:00Z", "to"),
        ("action=ana%40example.org", "action"),
        ("outcome=maybe", "outcome"),
        ("actor_hash=ana-4711", "actor_hash"),
        ("seq_from=0", "seq_from"),
        ("after=-1", "after"),
        ("after=99999999999999999999", "after"),
        ("format=xlsx", "format"),
        ("format=csv&limit=5", "format"),
        ("all_orgs=maybe", "all_orgs"),
        ("org_id=clinic-1&all_orgs=true", "all_orgs"),
        ("ana%40example.org=1", ""),
    ],
)
def test_a_question_that_is_none_is_refused_and_the_parameter_named(api: Api, query: str, field: str) -> None:
    answer = api.client.get(f"{LOGS}?{query}", headers=bearer(api))
    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["errors"]] == [field]
    assert "ana" not in answer.text


def test_a_person_is_searched_by_a_body_and_found_on_both_sides(api: Api, trail: Trail, ring: KeyRing) -> None:
    answer = search(api, {"user_id": ANA, "limit": 1000})
    assert answer.status_code == 200, answer.text
    pseudonym = ring.pseudonym(Domain.AUDIT_ACTOR, 1, ANA)
    found = answer.json()["logs"]
    assert len(found) == 10
    assert {pseudonym in {row["actor_hash"], row["resource_id_hash"]} for row in found} == {True}
    assert ANA not in answer.text
    # The trail says whom somebody looked for, by the pseudonym; that is about the person, too.
    assert own_entries(trail, "audit.searched")[-1][2] == pseudonym
    again = search(api, {"user_id": ANA, "action": "audit.searched"}).json()["logs"]
    assert [row["resource_id_hash"] for row in again] == [pseudonym]
    assert search(api, {"user_id": ANA}, org_id="clinic-2").json()["logs"] == []
    assert search(api, {"user_id": ANA.upper()}).json()["logs"] == []


@pytest.mark.parametrize(
    "body", [{}, {"user_id": 7}, {"user_id": ""}, {"user_id": "x", "limit": "5"}, {"user_id": "x", "format": "csv"}]
)
def test_a_search_that_is_none_is_refused(api: Api, body: dict[str, Any]) -> None:
    assert search(api, body).status_code == 422


def test_what_cannot_be_recorded_is_not_shown(api: Api, module_platform: Settings) -> None:
    refuse_records(module_platform, refuse=True)
    try:
        answers = [get(api), get(api, LOGS, {"format": "jsonl"}), search(api, {"user_id": ANA})]
    finally:
        refuse_records(module_platform, refuse=False)
    assert [answer.status_code for answer in answers] == [503, 503, 503]
    assert not any("logs" in answer.text or "seq" in answer.text for answer in answers)


def test_nothing_is_sent_while_the_trail_is_locked(engines: PlatformHandle, module_platform: Settings) -> None:
    given = module_platform.postgres.url.get_secret_value()
    impatient = SecretStr(f"{given}{'&' if '?' in given else '?'}options=-c%20lock_timeout%3D300%20-c%20timezone%3DUTC")
    postgres_settings = module_platform.postgres.model_copy(update={"url": impatient})
    trail = trail_of(engines, module_platform)
    with (
        serving(module_platform.model_copy(update={"postgres": postgres_settings}), None) as api,
        trail.connect("telemetry_owner", autocommit=False) as owner,
    ):
        assert get(api).status_code == 200
        owner.execute("SELECT FROM audit.head FOR UPDATE")
        answers = [get(api), get(api, LOGS, {"format": "csv"})]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert not any("seq" in answer.text for answer in answers)


def test_reading_takes_the_role_that_only_reads(module_platform: Settings) -> None:
    without = module_platform.postgres.model_copy(update={"read_url": None})
    with serving(module_platform.model_copy(update={"postgres": without}), None) as api:
        answer = get(api)
    assert (answer.status_code, answer.json()["code"]) == (503, "not_configured")


def test_no_log_line_holds_what_was_asked(module_platform: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(module_platform, None) as api:
        search(api, {"user_id": "bogdan-1234", "seq_from": 424_242})
        get(api, LOGS, {"actor_hash": "c" * 64, "seq_from": 424_242})
    written = "".join(capsys.readouterr())
    assert LOGS in written
    assert not any(text in written for text in ("bogdan-1234", "c" * 64, "424242"))
