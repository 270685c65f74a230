"""One more table is one more contract: the four files of the README, in a copy of the project, and nothing else.

From them must follow, without another file being touched: the endpoint with its validation, gating and pseudonyms, the
queue, the drain, the table on a server that is at the present release, its asset with columns, owner and checks, its
retention and erasure, and its pages in the documentation.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import pytest

from telemetry_platform.cli.tokens import signed
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform_tests.contracts.sql_differences import plain_ttl
from telemetry_platform_tests.defs.conftest import variables
from telemetry_platform_tests.end_to_end.project_copy import ProjectCopy, copy_project, files_of_the_readme

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.settings import Settings

KIND = TABLE = "prescriptions_viewed"
CONTRACT = f"telemetry_platform/contracts/events/{KIND}.py"
SQL = f"sql/clickhouse/tables/{TABLE}.sql"
SAMPLES = f"telemetry_platform_tests/samples/{KIND}"
ACCEPTED, REJECTED = f"{SAMPLES}/accepted/detail.json", f"{SAMPLES}/rejected/negative_time.json"
GENERATED = {
    "docs/api.md",
    "docs/consent.md",
    "docs/data-dictionary.md",
    "telemetry_platform_tests/defs/__snapshots__/test_definitions.ambr",
}
PATIENT = "patient-7"
_START_SECONDS = 30


@dataclass(frozen=True)
class Seen:
    """What the copy did with the new kind on running engines."""

    applied: str
    openapi: dict[str, Any]
    answers: dict[str, httpx.Response]
    dagster: dict[str, Any]
    rows: list[dict[str, Any]]
    drops: list[tuple[str, int, str]]
    engine: str


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> ProjectCopy:
    """The copy with the four files, its generated files written anew."""
    copy = copy_project(tmp_path_factory.mktemp("copy") / "project")
    for path, text in files_of_the_readme().items():
        copy.write(path, text)
    done = copy.make("docs", "snapshots")
    assert done.returncode == 0, done.stdout + done.stderr
    return copy


@pytest.fixture(scope="module")
def seen(project: ProjectCopy, module_platform: Settings) -> Seen:
    """The copy brings a server of the present release to its own, takes events, drains and looks at them."""
    running = project.told(variables(module_platform))
    applied = running.run(sys.executable, "-m", "telemetry_platform.cli", "schema", "apply")
    assert applied.returncode == 0, applied.stderr
    with _api(running) as client:
        openapi = client.get("/openapi.json").json()
        answers = _post(client, module_platform, openapi["paths"]["/v1/prescriptions/views"]["post"], project)
    looked = running.run(sys.executable, "-m", "telemetry_platform_tests.end_to_end.new_table", KIND)
    assert looked.returncode == 0, looked.stderr
    with open_warehouse(module_platform.clickhouse, log_comment="tests") as warehouse:
        rows = warehouse.client.query_arrow(
            "SELECT * REPLACE (toString(event_id) AS event_id) FROM prescriptions_viewed WHERE consent_level > 0", {}
        )
        drops = warehouse.client.query("SELECT kind, consent_level, reason FROM consent_drops")
        engine = warehouse.client.scalar(
            "SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = 'prescriptions_viewed'"
        )
    return Seen(
        applied.stdout,
        openapi,
        answers,
        json.loads(looked.stdout),
        rows.to_pylist(),
        [tuple(row) for row in drops],
        str(engine),
    )


@contextmanager
def _api(project: ProjectCopy) -> Iterator[httpx.Client]:
    """The copy's API as a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "telemetry_platform.api"],
        cwd=project.folder,
        env=project.environment(TELEMETRY_API__PORT=str(port)),
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            deadline = time.monotonic() + _START_SECONDS
            while not _is_ready(client):
                assert process.poll() is None, "the API has ended: see its log above"
                assert time.monotonic() < deadline, "the API was not ready in time"
                time.sleep(0.1)
            yield client
    finally:
        process.terminate()
        process.wait(20)


def _is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/health/ready").status_code == 200
    except httpx.TransportError:
        return False


def _post(
    client: httpx.Client, settings: Settings, operation: dict[str, Any], project: ProjectCopy
) -> dict[str, httpx.Response]:
    """The example of the OpenAPI page as it stands, then again under its id, without consent, and as it is refused."""
    expected = settings.api.token
    assert expected.secret is not None
    claims = {"sub": PATIENT, "org_id": "clinic-1", "roles": ["patient"]}
    token = signed(claims, expected, expected.secret.get_secret_value(), time.time(), 600)
    examples = operation["requestBody"]["content"]["application/json"]["examples"]
    event = {**examples[KIND]["value"], "event_id": str(uuid4())}
    refused = json.loads(project.read(REJECTED))["event"]

    def post(body: dict[str, Any], level: int = 2) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}", "X-Consent-Level": str(level)}
        return client.post("/v1/prescriptions/views", json=body, headers=headers)

    return {
        "example": post(examples["batch"]["value"]),
        "event": post(event),
        "again": post(event),
        "without consent": post(event, level=1),
        "refused": post(refused | {"timestamp": event["timestamp"]}),
    }


def test_four_files_are_added_and_only_generated_ones_change(project: ProjectCopy) -> None:
    added, changed, gone = project.differences()
    assert added == {CONTRACT, SQL, ACCEPTED, REJECTED}
    assert GENERATED <= changed <= GENERATED | {"docs/settings.md"}, "settings.md only if it was stale before"
    assert gone == set()


def test_the_contract_tests_pass_and_fail_where_the_sql_says_something_else(project: ProjectCopy) -> None:
    tests = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "telemetry_platform_tests/contracts")
    passed = project.run(*tests)
    assert passed.returncode == 0, passed.stdout
    sql = project.read(SQL)
    try:
        project.write(SQL, sql.replace("viewed_ms Nullable(Float64)", "viewed_ms Nullable(UInt32)"))
        failed = project.run(*tests, "-k", f"sql and {TABLE}")
    finally:
        project.write(SQL, sql)
    assert failed.returncode == 1, failed.stdout
    assert "viewed_ms: the type is Nullable(UInt32); the contract says Nullable(Float64)" in failed.stdout
    assert "\n1 failed, " in failed.stdout


def test_the_example_keeps_the_house_s_rules(project: ProjectCopy) -> None:
    for arguments in (("check",), ("format", "--check")):
        done = project.run("ruff", *arguments, "--no-cache", CONTRACT)
        assert done.returncode == 0, done.stdout


def test_a_server_of_the_present_release_gets_the_table_and_nothing_else(seen: Seen) -> None:
    assert seen.applied == f"  clickhouse/tables/{TABLE}\nSchema: clickhouse: 1 files applied.\n"


def test_events_are_accepted_gated_and_refused_by_the_contract(seen: Seen) -> None:
    assert {name: answer.status_code for name, answer in seen.answers.items()} == {
        "example": 202,
        "event": 202,
        "again": 202,
        "without consent": 202,
        "refused": 422,
    }
    assert seen.answers["without consent"].json()["reason"] == "consent_too_low"
    (fault,) = seen.answers["refused"].json()["errors"]
    assert (fault["field"], fault["code"]) == ("viewed_ms", "greater_than_equal")
    assert seen.drops == [(KIND, 1, "consent_too_low")]


def test_each_event_is_one_row_without_anything_raw(seen: Seen) -> None:
    (example,) = seen.answers["example"].json()["results"]
    assert {row["event_id"] for row in seen.rows} == {example["event_id"], seen.answers["event"].json()["event_id"]}
    assert len(seen.rows) == 2, "the one that was sent again is stored once"
    for row in seen.rows:
        assert (row["org_id"], row["consent_level"], row["surface"], row["viewed_ms"]) == ("clinic-1", 2, "list", 120.0)
        assert row["ip_truncated"] == "127.0.0.0"
        assert len(row["prescription_id"]) == len(row["actor_hash"]) == 64
        assert not {PATIENT, "rx-2026-0117"} & {str(value) for value in row.values()}


def test_the_table_is_an_asset_with_columns_owner_and_group(seen: Seen) -> None:
    asset = seen.dagster["asset"]
    assert (asset["key"], asset["group"], asset["owners"], asset["upstream"]) == (
        f"clickhouse/{TABLE}",
        "events",
        ["team:data-platform"],
        [f"landing/{KIND}"],
    )
    assert list(asset["columns"])[-3:] == ["prescription_id", "surface", "viewed_ms"]
    assert asset["columns"]["viewed_ms"] == "how long it was in view [ms]"
    assert asset["hashed"] == ["actor_hash", "prescription_id"]
    assert asset["tags"]["consent_level"] == "analytics"
    assert seen.dagster["materialized"] == seen.dagster["materialized"] | {
        "dagster/row_count": 2,
        "rows_stored": 2,
        "duplicates_left_out": 1,
        "dead_lettered": 0,
    }


def test_its_checks_look_at_the_table(seen: Seen) -> None:
    checks = seen.dagster["checks"]
    assert set(checks) >= {"pii_is_hashed", "consent_is_respected", "rejects_are_rare"}
    assert set(seen.dagster["queue_checks"]) >= {"queue_is_drained", "producers_have_no_gaps"}
    assert seen.dagster["passed"] == dict.fromkeys(checks, True)
    after = seen.dagster["passed_after_a_bad_row"]
    assert not after["pii_is_hashed"]
    assert not after["consent_is_respected"]
    assert after["rejects_are_rare"]


def test_its_retention_is_the_contracts_at_rest_too(seen: Seen) -> None:
    retention = seen.dagster["retention"]
    assert retention["sentence"] == "1 year after occurred_at"
    assert seen.dagster["asset"]["retention"] == "1 year after occurred_at: prescriptions run for a year at most"
    assert plain_ttl(seen.engine) == plain_ttl(f"TTL {retention['ttl']}")


def test_its_erasure_is_registered(seen: Seen) -> None:
    assert seen.dagster["asset"]["erasure"] == "rows of the person are deleted by `actor_hash`"


def test_it_stands_in_the_data_dictionary_and_the_api_reference(project: ProjectCopy, seen: Seen) -> None:
    section = project.read("docs/data-dictionary.md").partition(f"### {TABLE}\n")[2].partition("\n## ")[0]
    for text in ("team:data-platform", "1 year after occurred_at", "prescriptions run for a year", "actor_hash"):
        assert text in section
    assert "| `prescription_id` |" in section
    operation = seen.openapi["paths"]["/v1/prescriptions/views"]["post"]
    assert operation["summary"] == "Record views of prescriptions"
    examples = operation["requestBody"]["content"]["application/json"]["examples"]
    assert examples[KIND]["value"]["prescription_id"] == "rx-2026-0117"
    assert "## POST /v1/prescriptions/views" in project.read("docs/api.md")
