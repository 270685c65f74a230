"""Archives with one thing changed: by somebody without the key, and by somebody who has it and makes all of it fit."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from telemetry_platform.contracts.evidence import Period
from telemetry_platform.errors import ConfigurationError, ContractViolationError
from telemetry_platform.processing.signing import read_signer
from telemetry_platform.usecases.evidence.check import Trust, check
from telemetry_platform.usecases.trail_keys import load_signer
from telemetry_platform_tests.stores.trail import trail_of
from telemetry_platform_tests.usecases.evidence_making import changed, lines, lived, made

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.processing.signing import Signer
    from telemetry_platform.settings import Settings
    from telemetry_platform.usecases.evidence.make import Made

ROWS, CHECKPOINTS, RUNS = "trail/rows.jsonl", "trail/checkpoints.jsonl", "retention/runs.jsonl"
ERASURES, ANCHORS, ACCESS = "privacy/erasures.jsonl", "trail/anchors.jsonl", "trail/access.jsonl"
OTHERS = read_signer("A" * 43 + "=", "a test")


@pytest.fixture(scope="module")
def settings(engines: PlatformHandle, module_platform: Settings) -> Settings:
    return lived(module_platform, trail_of(engines, module_platform))


@pytest.fixture(scope="module")
def archive(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made(settings, tmp_path_factory.mktemp("evidence") / "archive.zip")


@pytest.fixture(scope="module")
def signer(settings: Settings) -> Signer:
    return load_signer(settings.audit)


def fault(path: Path, trust: Trust) -> str:
    """The first thing that is wrong."""
    with pytest.raises(ContractViolationError) as raised:
        check(path, trust)
    return str(raised.value)


def row(number: int, **columns: object) -> Callable[[bytes], bytes]:
    """Change columns of one line."""

    def change(body: bytes) -> bytes:
        found = body.splitlines(keepends=True)
        found[number] = json.dumps({**json.loads(found[number]), **columns}).encode() + b"\n"
        return b"".join(found)

    return change


def without(*numbers: int) -> Callable[[bytes], bytes]:
    """Remove lines; negative numbers count from the end."""

    def change(body: bytes) -> bytes:
        found = body.splitlines(keepends=True)
        for number in sorted((number % len(found) for number in numbers), reverse=True):
            del found[number]
        return b"".join(found)

    return change


def gone(_: bytes) -> None:
    """Remove the file."""


def saying(**parts: object) -> Callable[[dict[str, Any]], None]:
    """Let the manifest say something else."""
    return lambda manifest: manifest.update(parts)


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        (ROWS, row(2, outcome="denied"), f"{ROWS} has not the"),
        (ROWS, lambda body: body.replace(b'"success"', b'"failure"', 1), f"{ROWS} is not what it was made as"),
        (ROWS, lambda body: body[: len(body) // 2], f"{ROWS} has not the"),
        (ROWS, without(-1), f"{ROWS} has not the"),
        (CHECKPOINTS, lambda body: body.replace(b'"count":', b'"count":1', 1), f"{CHECKPOINTS} has not the"),
        (RUNS, gone, f"{RUNS} is missing from the archive"),
        ("keys/other.pem", lambda _: b"a key", "keys/other.pem is in the archive, and the manifest does not know it"),
        ("summary.html", lambda body: body.replace(b"Nothing is red", b"Nothing is RED"), "summary.html is not what"),
        ("manifest.json", lambda body: body.replace(b'"red": []', b'"red":[]'), "manifest.json is not what was signed"),
        ("manifest.json", gone, "manifest.json is missing"),
        ("manifest.sig", gone, "manifest.sig is missing"),
        ("manifest.sig", lambda body: body[::-1], "manifest.json is not what was signed"),
        ("manifest.sig", lambda _: b"short", "manifest.json is not what was signed"),
    ],
)
def test_whoever_has_no_key_is_found_by_hash_or_signature(
    archive: Made, name: str, change: Callable[[bytes], bytes | None], said: str
) -> None:
    found = fault(changed(archive.path, {name: change}), Trust(key_id=archive.manifest.key_id))
    assert found.startswith(said)


def test_another_key_is_found_when_the_auditor_knows_which_it_must_be(archive: Made) -> None:
    pem = f"keys/{OTHERS.key_id}.pem"
    theirs = changed(archive.path, {pem: lambda _: OTHERS.public_key.pem}, signer=OTHERS)
    known = archive.manifest.key_id
    assert "is not what was signed by key" in fault(theirs, Trust(key_id=known))
    alone = changed(theirs, {f"keys/{known}.pem": gone}, signer=OTHERS)
    assert f"has no key {known}" in fault(alone, Trust(key_id=known))
    key = read_signer("A" * 43 + "=", "a test").public_key
    assert "is not what was signed by key" in fault(archive.path, Trust(key=key))
    # Whoever compares with nothing learns no more than that it hangs together.
    assert not check(theirs, Trust()).compared


def test_a_key_under_the_name_of_another_one_is_found(archive: Made) -> None:
    name = f"keys/{archive.manifest.key_id}.pem"
    forged = changed(archive.path, {name: lambda _: OTHERS.public_key.pem}, signer=OTHERS)
    assert "and no key of that name" in fault(forged, Trust(key_id=archive.manifest.key_id))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({ROWS: row(2, outcome="denied")}, "is not whole at row 23: the row is not what was written"),
        ({ROWS: row(2, recorded_at="2026-01-01T00:00:00Z")}, "at row 23: the row is not what was written"),
        ({ROWS: without(2)}, "is not whole at row 23: rows 23 to 23 are missing"),
        ({ROWS: without(0)}, "is not whole at row 21"),
        ({ROWS: without(-1)}, "the trail is cut off: checkpoint 1 saw it"),
        ({ROWS: lambda body: body + body.splitlines(keepends=True)[-1]}, "its place is taken"),
        ({ROWS: lambda body: body + b"[]\n"}, "it is no object"),
        ({ROWS: row(0, seq=None)}, "line 1: it is no row of the trail"),
        ({ROWS: row(-1, details='{"rows": 4}')}, "are not those that were written"),
        ({ROWS: row(-1, details_nonce=None)}, "its details have no nonce"),
        ({CHECKPOINTS: row(0, seq=22)}, "checkpoint 1 is not what was signed"),
        ({CHECKPOINTS: without(0, 1)}, f"{CHECKPOINTS} is empty"),
        ({CHECKPOINTS: without(1)}, "none was signed after the period"),
        ({CHECKPOINTS: lambda body: body + b"{}\n"}, "a file among the checkpoints is none"),
        ({ANCHORS: row(0, last_seq=19)}, "the anchor of audit_logs_2018_03 is not signed"),
        ({ANCHORS: without(0)}, "begins behind 20, and before the period the trail had come to 0"),
        ({ACCESS: without(-1)}, f"{ACCESS} has not the lines"),
        ({RUNS: row(3, rows_dropped=7)}, "run 4 was changed after it was written"),
        ({RUNS: without(3)}, "run 4 is missing"),
        ({RUNS: without(-1)}, "the newest runs are missing"),
        ({RUNS: row(0, cut_off="soon")}, "it is no retention run"),
        ({ERASURES: without(0)}, "has not the erasure that row"),
        ({ERASURES: row(0, certificate=None)}, "it is certified and has no certificate"),
        ({ERASURES: row(0, trail_seq=None)}, "no row of the trail says that it was certified"),
        ({ERASURES: row(0, trail_seq=21)}, "row 21 of the trail does not speak of it"),
        ({ERASURES: row(0, status="erased")}, "do not agree"),
        ({ERASURES: row(0, certificate={"tables": 1})}, "has not what a certificate has"),
        ({ERASURES: lambda _: b"{}\n"}, "it is no erasure"),
    ],
    ids=lambda value: None if isinstance(value, dict) else value[:48].replace("/", " "),
)
def test_whoever_has_the_key_is_found_by_what_the_key_does_not_make_fit(
    archive: Made, signer: Signer, changes: dict[str, Callable[[bytes], bytes | None]], said: str
) -> None:
    found = fault(changed(archive.path, changes, signer=signer), Trust(key_id=signer.key_id))
    assert said in found, found


def test_a_certificate_that_counts_otherwise_than_the_trail_is_found(archive: Made, signer: Signer) -> None:
    (erasure,) = lines(archive.path, ERASURES)
    certificate = erasure["certificate"]
    for change, said in (
        ({"tables": [{"table": "media_events", "erased": 9, "unlinked": 0, "survivors": 0}]}, "than the trail"),
        ({"tables": [{"table": "media_events", "erased": 3, "unlinked": 0, "survivors": 1}]}, "1 rows survived it"),
        ({"tables": []}, "result is not that of its counts"),
        ({"reference": "another"}, "that of another one"),
    ):
        forged = changed(archive.path, {ERASURES: row(0, certificate={**certificate, **change})}, signer=signer)
        assert said in fault(forged, Trust(key_id=signer.key_id))


def test_runs_that_the_trail_speaks_of_cannot_be_left_out_at_the_end(archive: Made, signer: Signer) -> None:
    """Half of the chain is a whole chain too, to whoever may write the manifest."""
    runs = lines(archive.path, RUNS)
    half = len(runs) // 2

    def say(manifest: dict[str, Any]) -> None:
        manifest["retention"] |= {"last_number": half, "last_hash": runs[half - 1]["row_hash"]}

    forged = changed(archive.path, {RUNS: without(*range(half, len(runs)))}, signer=signer, manifest=say)
    assert "has 0 proofs of the run that row" in fault(forged, Trust(key_id=signer.key_id))


def test_rows_at_the_begin_cannot_be_left_out(archive: Made, signer: Signer) -> None:
    rows = lines(archive.path, ROWS)

    def say(manifest: dict[str, Any]) -> None:
        manifest["trail"]["start"] = {"seq": rows[1]["seq"] - 1, "row_hash": rows[1]["prev_hash"]}

    forged = changed(archive.path, {ROWS: without(0)}, signer=signer, manifest=say)
    assert "rows were left out" in fault(forged, Trust(key_id=signer.key_id))


def test_all_rows_cannot_be_left_out(archive: Made, signer: Signer) -> None:
    forged = changed(archive.path, {ROWS: lambda _: b""}, signer=signer, manifest=saying(trail=None))
    assert "rows were left out" in fault(forged, Trust(key_id=signer.key_id))


def test_rows_that_nothing_speaks_of_are_found(settings: Settings, signer: Signer, tmp_path: Path) -> None:
    """Of a period that has not begun: the newest checkpoint is the one before it."""
    tomorrow = datetime.now(UTC).date() + timedelta(days=2)
    empty = made(settings, tmp_path / "archive.zip", Period(tomorrow, tomorrow))
    assert empty.manifest.stretch is None
    assert check(empty.path, Trust(key_id=signer.key_id)).trail.rows == 0
    line = b'{"seq": 1}\n'
    assert "it is no row" in fault(changed(empty.path, {ROWS: lambda _: line}, signer=signer), Trust(signer.key_id))
    with zipfile.ZipFile(made(settings, tmp_path / "today.zip").path) as opened:
        row_of_today = opened.read(ROWS).splitlines(keepends=True)[0]
    forged = changed(empty.path, {ROWS: lambda _: row_of_today}, signer=signer)
    assert "has rows, and the manifest says none" in fault(forged, Trust(signer.key_id))


def test_a_manifest_that_says_something_else_is_named(archive: Made, signer: Signer) -> None:
    for change, said in (
        ({"format": "telemetry-evidence/2"}, "no manifest of the format telemetry-evidence/1 (format)"),
        ({"period": None}, "no manifest of the format telemetry-evidence/1 (period)"),
        ({"files": []}, "is in the archive, and the manifest does not know it"),
        ({"retention": None}, "there are runs, and the manifest says none"),
        ({"key_id": OTHERS.key_id}, "names another key than the one that signed it"),
    ):
        forged = changed(archive.path, {}, signer=signer, manifest=saying(**change))
        assert said in fault(forged, Trust(key_id=signer.key_id))


def test_a_file_that_is_left_out_of_the_manifest_too_is_missed(archive: Made, signer: Signer) -> None:
    forged = changed(archive.path, {"intake/gaps.jsonl": gone}, signer=signer)
    assert fault(forged, Trust(key_id=signer.key_id)) == "intake/gaps.jsonl is missing from the manifest"


def test_what_is_no_whole_archive_is_said_to_be_none(archive: Made, tmp_path: Path) -> None:
    whole = archive.path.read_bytes()
    cut, empty, twice = tmp_path / "cut.zip", tmp_path / "empty.zip", tmp_path / "twice.zip"
    cut.write_bytes(whole[:-30])
    empty.write_bytes(b"")
    for path in (cut, empty):
        assert "no whole ZIP archive" in fault(path, Trust())
    twice.write_bytes(whole)
    with zipfile.ZipFile(twice, "a") as opened, pytest.warns(UserWarning, match="Duplicate name"):
        opened.writestr("README.md", b"another one")
    assert fault(twice, Trust()) == "README.md is in the archive twice"
    with pytest.raises(ConfigurationError, match="cannot be read"):
        check(tmp_path / "none.zip", Trust())


def test_a_damaged_entry_is_named(archive: Made, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive.path) as opened:
        info = opened.getinfo(ROWS)
    whole = bytearray(archive.path.read_bytes())
    middle = info.header_offset + 30 + len(ROWS) + info.compress_size // 2
    whole[middle : middle + 40] = bytes(40)
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(whole)
    assert fault(damaged, Trust()).startswith(f"{ROWS} ")
