"""Exports of the audit trail: whole, verifiable without the platform, safe to open, and in the trail themselves."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import subprocess
import time
import tracemalloc
import zipfile
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from telemetry_platform.api.exports import Exports
from telemetry_platform.api.problems import ProblemError
from telemetry_platform.contracts.registry import tables
from telemetry_platform_tests.api.serving import Api, serving
from telemetry_platform_tests.api.trail_reading import (
    LOGS,
    bearer,
    fill,
    get,
    own_entries,
    refuse_records,
    trail_of,
    walk,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings
    from telemetry_platform_tests.stores.trail import Trail

MANY = 50_000
MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module")
def trail(engines: PlatformHandle, module_platform: Settings) -> Trail:
    found = trail_of(engines, module_platform)
    fill(found, "clinic-1", 30, details='{"=cmd": "@SUM(1)"}')
    fill(found, "clinic-2", 5)
    # The database's own types let such names through, whoever posts them.
    for name in ("=cmd", "+1", "-1", "@SUM", "\\tx", "'quoted", 'say "x", y'):
        fill(found, "clinic-3", 1, action=name.replace("\\t", "\t"))
    fill(found, "clinic-4", MANY)
    return found


@pytest.fixture(scope="module")
def api(module_platform: Settings, trail: Trail) -> Iterator[Api]:
    assert trail.rows("SELECT seq FROM audit.head")[0][0] > MANY
    with serving(module_platform, None) as running:
        yield running


def opened(answer: httpx.Response) -> tuple[str, dict[str, Any], dict[str, bytes]]:
    """The data file's name, the manifest, and all files."""
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        files = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(files["manifest.json"])
    return manifest["files"][0]["name"], manifest, files


def test_jsonl_holds_what_the_pages_hold(api: Api) -> None:
    name, manifest, files = opened(get(api, LOGS, {"format": "jsonl", "outcome": "success", "action": "media.view"}))
    rows = [json.loads(line) for line in files[name].splitlines()]
    assert rows == walk(api, {"action": "media.view"})
    assert (manifest["rows"], manifest["org_id"], manifest["all_orgs"]) == (30, "clinic-1", False)
    assert manifest["filters"] == {"action": "media.view", "outcome": "success"}
    ends = [{key: row[key] for key in ("seq", "prev_hash", "row_hash")} for row in (rows[0], rows[-1])]
    assert [manifest["first"], manifest["last"]] == ends
    assert rows[0]["details"] == {"=cmd": "@SUM(1)"}


def test_the_sums_are_those_of_the_files(api: Api, tmp_path: Path) -> None:
    answer = get(api, LOGS, {"format": "csv"})
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"].startswith('attachment; filename="audit-logs-')
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        archive.extractall(tmp_path)
    checked = subprocess.run(
        ["/usr/bin/sha256sum", "-c", "SHA256SUMS"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout) == (0, "audit-logs.csv: OK\nmanifest.json: OK\n")
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    data = (tmp_path / "audit-logs.csv").read_bytes()
    assert manifest["files"] == [
        {"name": "audit-logs.csv", "rows": manifest["rows"], "sha256": hashlib.sha256(data).hexdigest()}
    ]


def test_csv_has_every_column_and_no_formula(api: Api) -> None:
    name, manifest, files = opened(get(api, LOGS, {"format": "csv"}, org_id="clinic-3"))
    lines = list(csv.reader(io.StringIO(files[name].decode(), newline="")))
    table = tables()["audit.audit_logs"]
    assert lines[0] == manifest["columns"]
    assert lines[0] == [*(column.name for column in (*table.columns, *table.beside)), "details_redacted"]
    actions = [line[lines[0].index("action")] for line in lines[1:]]
    assert actions[:7] == ["'=cmd", "'+1", "'-1", "'@SUM", "'\tx", "''quoted", 'say "x", y']
    assert not [cell for line in lines for cell in line if cell[:1] in {"=", "+", "-", "@", "\t", "\r"}]


def test_an_empty_export_says_so(api: Api) -> None:
    name, manifest, files = opened(get(api, LOGS, {"format": "csv", "action": "never.done"}))
    assert (manifest["rows"], manifest["first"], manifest["last"]) == (0, None, None)
    assert len(files[name].splitlines()) == 1


def test_an_export_is_in_the_trail_when_it_begins_and_with_its_hash_when_it_is_whole(api: Api, trail: Trail) -> None:
    _, manifest, files = opened(get(api, LOGS, {"format": "jsonl", "action": "media.view"}, sub="officer-5"))
    begun = own_entries(trail, "audit.exported")[-1]
    assert begun[4] == {
        "filters": ["action"],
        "format": "jsonl",
        "tenants": "own",
        "until_seq": manifest["trail"]["until_seq"],
    }
    finished = own_entries(trail, "audit.export_finished")[-1]
    assert finished[:2] == ("clinic-1", begun[1])
    hashed = hashlib.sha256(files["manifest.json"]).hexdigest()
    assert finished[4] == {"export_id": manifest["export_id"], "rows": 30, "manifest_sha256": hashed}
    assert trail.rows("SELECT action FROM audit.audit_logs WHERE event_id = %s", [manifest["export_id"]]) == [
        ("audit.exported",)
    ]


def test_security_is_told_of_an_export(api: Api) -> None:
    assert get(api, LOGS, {"format": "csv"}, org_id="clinic-2").status_code == 200
    deadline = time.monotonic() + 20
    while not (told := [body for body in api.bodies("security") if body["type"] == "data.exported"]):
        assert time.monotonic() < deadline, "no entry came"
        time.sleep(0.1)
    assert {body["path"] for body in told} == {LOGS}


def test_other_tenants_are_exported_by_admins_alone(api: Api) -> None:
    assert get(api, LOGS, {"format": "csv", "all_orgs": "true"}).status_code == 403
    _, manifest, _ = opened(get(api, LOGS, {"format": "jsonl", "all_orgs": "true", "seq_to": 40}, roles=["admin"]))
    assert (manifest["rows"], manifest["all_orgs"], manifest["org_id"]) == (40, True, None)
    assert manifest["first"]["prev_hash"] == "0" * 64


def test_many_rows_take_the_memory_of_a_page(api: Api, tmp_path: Path) -> None:
    file = tmp_path / "export.zip"
    # The server runs in this process: what it holds at once is counted with what this test does.
    tracemalloc.start()
    try:
        with (
            api.client.stream(
                "GET", f"{LOGS}?format=jsonl", headers=bearer(api, org_id="clinic-4"), timeout=120
            ) as answer,
            file.open("wb") as out,
        ):
            for piece in answer.iter_bytes(64 * 1024):
                out.write(piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    with zipfile.ZipFile(file) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        data = archive.getinfo("audit-logs.jsonl")
        assert hashlib.sha256(archive.read("audit-logs.jsonl")).hexdigest() == manifest["files"][0]["sha256"]
    assert manifest["rows"] == MANY
    assert data.file_size > 30 * MEBIBYTE
    assert peak < 16 * MEBIBYTE


def test_an_export_that_breaks_off_is_no_archive(api: Api, module_platform: Settings) -> None:
    received = bytearray()
    with api.client.stream("GET", f"{LOGS}?format=jsonl", headers=bearer(api, org_id="clinic-4"), timeout=60) as answer:
        assert answer.status_code == 200
        # It has begun, and its end cannot be put on record: the connection ends without the end of the file.
        refuse_records(module_platform, refuse=True)
        try:
            with pytest.raises(httpx.RemoteProtocolError):
                take_all(answer, received)
        finally:
            refuse_records(module_platform, refuse=False)
    assert received
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(bytes(received)))


def take_all(answer: httpx.Response, received: bytearray) -> None:
    for part in answer.iter_bytes():
        received += part


def test_a_client_that_goes_away_leaves_nothing_open(api: Api, trail: Trail) -> None:
    for _ in range(3):
        with api.client.stream("GET", f"{LOGS}?format=csv", headers=bearer(api, org_id="clinic-4")) as answer:
            assert answer.status_code == 200
        # One more than may run at once: each has given its place back.
        assert no_reader_is_left(trail)


def no_reader_is_left(trail: Trail) -> bool:
    """Whether the readers' connections end by themselves."""
    query = "SELECT count(*) FROM pg_stat_activity, pg_sleep(0.1) WHERE application_name = 'telemetry-reading'"
    return any(trail.rows(query) == [(0,)] for _ in range(100))


def test_so_many_exports_run_and_no_more() -> None:
    exports = Exports()
    leave, _ = exports.enter(), exports.enter()
    with pytest.raises(ProblemError) as refused:
        exports.enter()
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "30")
    leave()
    exports.enter()
