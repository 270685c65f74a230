"""`telemetry evidence` as whoever answers to an auditor uses it, and as the auditor does, who has the file alone."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from telemetry_platform_tests.cli.test_rights import telemetry
from telemetry_platform_tests.stores.trail import entry, trail_of

if TYPE_CHECKING:
    from pathlib import Path

    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings


def auditor(*words: str, code: int = 0) -> str:
    """What a command prints where nothing is set and nothing runs."""
    done = subprocess.run(
        [sys.executable, "-m", "telemetry_platform.cli", *words],
        env={"PATH": os.defpath, "PYTHONUTF8": "1", "COLUMNS": "160"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == code, said
    assert "Traceback" not in said
    return said


def days() -> tuple[str, ...]:
    """Yesterday to tomorrow, whatever the hour."""
    now = datetime.now(UTC)
    first, last = (f"{now + timedelta(days=day):%Y-%m-%d}" for day in (-1, 1))
    return ("--from", first, "--to", last)


@pytest.fixture
def archive(engines: PlatformHandle, platform: Settings, tmp_path: Path) -> tuple[Path, str]:
    """One that was made by the command, and the key's id as the operator tells it."""
    trail_of(engines, platform).append(*(entry() for _ in range(5)))
    path = tmp_path / "evidence.zip"
    said = telemetry(platform, "evidence", *days(), "--out", str(path))
    found = re.search(r"Signed by key ([0-9a-f]{32})", said)
    assert found
    assert "Red in it: 1" in said
    assert "No run of retention ended in the period" in said
    return path, found[1]


def test_an_archive_is_made_verified_by_itself_and_told_from_a_forged_one(
    archive: tuple[Path, str], platform: Settings, tmp_path: Path
) -> None:
    path, key_id = archive
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "is there already" in telemetry(platform, "evidence", *days(), "--out", str(path), code=1)

    assert "NOT compared with anything" in auditor("evidence", "verify", str(path))
    said = auditor("evidence", "verify", str(path), "--key-id", key_id.upper())
    assert "The archive holds" in said
    assert "the key that you named" in said
    assert "rows 1 to 5, 1 checkpoints" in said
    assert "Red in it: 1" in said
    pem = tmp_path / "key.pem"
    with zipfile.ZipFile(path) as opened:
        pem.write_bytes(opened.read(f"keys/{key_id}.pem"))
    assert "the key that you named" in auditor("evidence", "verify", str(path), "--public-key", str(pem))
    assert "has no key" in auditor("evidence", "verify", str(path), "--key-id", "0" * 32, code=1)

    forged = tmp_path / "forged.zip"
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(forged, "w") as after:
        for name in before.namelist():
            after.writestr(name, before.read(name).replace(b'"outcome":"success"', b'"outcome":"failure"'))
    said = auditor("evidence", "verify", str(forged), "--key-id", key_id, code=1)
    assert "does NOT hold: trail/rows.jsonl is not what it was made as" in said


def test_verifying_loads_no_driver_and_reads_no_setting(archive: tuple[Path, str]) -> None:
    path, key_id = archive
    code = (
        "import sys; from pathlib import Path; from telemetry_platform.usecases.evidence.check import Trust, check; "
        "check(Path(sys.argv[1]), Trust(key_id=sys.argv[2])); "
        "print(sorted({'psycopg', 'redis', 'clickhouse_connect', 'telemetry_platform.settings'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path), key_id], env={}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_what_is_asked_wrongly_is_said(platform: Settings, tmp_path: Path) -> None:
    assert "both included" in telemetry(platform, "evidence", "--from", "2026-01-01", code=1)
    upside_down = ("--from", "2026-02-01", "--to", "2026-01-31", "--out", str(tmp_path / "e.zip"))
    assert "--to is its last day" in telemetry(platform, "evidence", *upside_down, code=1)
    nowhere = ("--out", str(tmp_path / "none" / "e.zip"))
    assert "cannot be made" in telemetry(platform, "evidence", *days(), *nowhere, code=1)
    assert "cannot be read" in auditor("evidence", "verify", str(tmp_path / "none.zip"), code=1)
    text = tmp_path / "text"
    text.write_text("no key")
    assert "no Ed25519 public key" in auditor("evidence", "verify", str(text), "--public-key", str(text), code=1)
    assert "is no whole ZIP archive" in auditor("evidence", "verify", str(text), code=1)
    both = ("--public-key", str(text), "--key-id", "0" * 32)
    assert "one of --key-id and --public-key" in auditor("evidence", "verify", str(text), *both, code=1)
