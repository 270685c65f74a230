"""`telemetry audit` as a compliance officer and an operator use it: exit codes, the first bad seq, keys in files."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from telemetry_platform.stores import postgres
from telemetry_platform.usecases.checkpoint_trail import checkpoint
from telemetry_platform_tests.defs.conftest import variables
from telemetry_platform_tests.stores.trail import Trail, entry, trail_of

if TYPE_CHECKING:
    from pathlib import Path

    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings


@pytest.fixture
def platform(trail_platform: Settings) -> Settings:
    return trail_platform


@pytest.fixture
def trail(engines: PlatformHandle, platform: Settings) -> Trail:
    return trail_of(engines, platform)


def telemetry(settings: Settings, *words: str, code: int = 0) -> str:
    """What `telemetry audit ...` says."""
    done = subprocess.run(
        [sys.executable, "-m", "telemetry_platform.cli", "audit", *words],
        env={"PATH": os.defpath, "PYTHONUTF8": "1", "COLUMNS": "200", **variables(settings)},
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == code, said
    assert "Traceback" not in said
    return " ".join(said.split())


def test_an_officer_verifies_and_is_told_where_it_is_broken(trail: Trail, platform: Settings) -> None:
    trail.append(*(entry() for _ in range(30)))
    assert "there is no checkpoint" in telemetry(platform, "verify", code=1)
    assert "Checkpoint 1: the trail ends at 30." in telemetry(platform, "checkpoint")
    assert "The audit trail is whole: 30 rows (1 to 30)" in telemetry(platform, "verify")
    yesterday = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
    assert "The audit trail is whole" in telemetry(platform, "verify", "--since", yesterday)
    with trail.connect("postgres") as admin:
        admin.execute("SET event_triggers = off")
        admin.execute(f"ALTER TABLE audit.audit_logs_{datetime.now(UTC):%Y_%m} DISABLE TRIGGER USER".encode())
        admin.execute("ALTER TABLE audit.audit_logs DISABLE TRIGGER USER")
        admin.execute("UPDATE audit.audit_logs SET action = 'media.delete' WHERE seq = 17")
    assert "NOT whole: the row is not what was written. First bad seq: 17." in telemetry(platform, "verify", code=1)


def test_checkpoints_may_lie_elsewhere(trail: Trail, platform: Settings, tmp_path: Path) -> None:
    trail.append(entry())
    elsewhere = f"file://{tmp_path}/elsewhere"
    moved = platform.model_copy(update={"audit": platform.audit.model_copy(update={"checkpoints": elsewhere})})
    checkpoint(moved, datetime.now(UTC))
    assert "no checkpoint" in telemetry(platform, "verify", code=1)
    assert "is whole" in telemetry(platform, "verify", "--checkpoints", elsewhere)


def test_what_must_not_be_there_is_blanked(trail: Trail, platform: Settings) -> None:
    trail.append(entry(details='{"mail": "somebody"}'))
    said = telemetry(platform, "redact", "--seq", "1", "--why", "held a mail address", "--yes")
    assert said == "The details of row 1 are blank; row 2 says so."
    assert "no details that could be blanked" in telemetry(
        platform, "redact", "--seq", "1", "--why", "again", "--yes", code=1
    )
    telemetry(platform, "checkpoint")
    assert "is whole" in telemetry(platform, "verify")
    with postgres.connect(str(platform.postgres.read_url and platform.postgres.read_url.get_secret_value())) as conn:
        assert conn.execute("SELECT body FROM audit.details WHERE seq = 1").fetchone() == (None,)


def test_a_key_is_made_in_a_file_of_its_own_and_never_shown(platform: Settings, tmp_path: Path) -> None:
    file = tmp_path / "key"
    said = telemetry(platform, "new-key", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text() not in said
    known = platform.audit.model_copy(update={"signing_key_file": file})
    assert telemetry(platform.model_copy(update={"audit": known}), "key-id") in said
    assert "cannot be made" in telemetry(platform, "new-key", str(file), code=1)
    file.chmod(0o644)
    other = telemetry(platform.model_copy(update={"audit": known}), "key-id", code=1)
    assert "can be read by others" in other
    assert file.read_text() not in other
