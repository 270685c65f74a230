"""`telemetry exclusions` as an operator uses it: sync, be refused, insist, look."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from telemetry_platform.settings import MaxMindSettings
from telemetry_platform.stores import postgres
from telemetry_platform_tests.defs.conftest import variables
from telemetry_platform_tests.exclusion_service import ACCOUNT, KEY, list_service

if TYPE_CHECKING:
    from pathlib import Path

    from telemetry_platform.settings import Settings


@pytest.fixture
def never_loaded(platform: Settings) -> Settings:
    """A platform without an account, whose list was never fetched."""
    owner = platform.postgres.owner_url
    assert owner is not None
    with postgres.connect(owner.get_secret_value(), autocommit=True) as connection:
        connection.execute("TRUNCATE privacy.privacy_exclusions, privacy.privacy_exclusion_sync_log")
    return platform.model_copy(update={"maxmind": MaxMindSettings()})


def telemetry(settings: Settings, *words: str, code: int = 0) -> str:
    """What `telemetry exclusions ...` says."""
    done = subprocess.run(
        [sys.executable, "-m", "telemetry_platform.cli", "exclusions", *words],
        env={"PATH": os.defpath, "PYTHONUTF8": "1", "COLUMNS": "160", **variables(settings)},
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == code, said
    assert "Traceback" not in said
    assert KEY not in said
    assert ACCOUNT not in said
    assert "203.0." not in said
    return " ".join(said.split())


def test_an_operator_syncs_is_refused_insists_and_looks(never_loaded: Settings, tmp_path: Path) -> None:
    assert "never_loaded; 0 networks" in telemetry(never_loaded, "status", code=1)
    assert "TELEMETRY_MAXMIND__ACCOUNT_ID" in telemetry(never_loaded, "sync", code=1)
    with list_service(tmp_path) as service:
        settings = never_loaded.model_copy(update={"maxmind": service.settings})
        service.hold("203.0.113.77/24", "203.0.112.0/24", "0.0.0.0/0")
        synced = telemetry(settings, "sync", "--full")
        assert "2 networks are excluded: 2 new, 0 withdrawn." in synced
        assert "1 entries: host_bits 1 entries: too_wide (these exclude nobody: ask MaxMind)" in synced
        service.hold("203.0.113.0/24")
        refused = telemetry(settings, "sync", code=1)
        assert "stays as it was (suspicious_shrink)" in refused
        assert "--accept-shrink" in refused
        assert "1 networks are excluded: 0 new, 1 withdrawn." in telemetry(settings, "sync", "--accept-shrink")
        assert "delta sync" in telemetry(settings, "sync", "--delta")
        assert "full sync can make the list smaller" in telemetry(
            settings, "sync", "--delta", "--accept-shrink", code=1
        )
        assert "one of --full and --delta" in telemetry(settings, "sync", "--delta", "--full", code=1)
    looked = telemetry(settings, "status")
    assert "fresh, 0.0 days old; 1 networks are excluded." in looked
    assert "full, suspicious_shrink 200" in looked
