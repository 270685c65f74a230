"""The platform as a newcomer runs it, by its commands alone: up, up again, doctor, an event by hand, drain, down."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_SESSION = "550e8400-e29b-41d4-a716-446655440000"


def _telemetry(*words: str) -> subprocess.CompletedProcess[str]:
    """One command for the profile `test`, in the environment of a fresh shell."""
    return subprocess.run(
        [sys.executable, "-m", "telemetry_platform.cli", *words, "--profile", "test"],
        env={"PATH": os.defpath, "PYTHONUTF8": "1", "HOME": str(Path.home())},
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )


@pytest.fixture(scope="module")
def api() -> Iterator[str]:
    """The API's address of a platform that `up` started; everything is gone afterwards."""
    try:
        up = _telemetry("up")
        assert up.returncode == 0, up.stderr
        found = re.search(r"^ *API +(http\S+)$", up.stdout, re.MULTILINE)
        assert found, up.stdout
        yield found.group(1)
    finally:
        down = _telemetry("down")
        cleaned = _telemetry("clean")
    assert (down.returncode, cleaned.returncode) == (0, 0), down.stderr + cleaned.stderr


def test_a_second_up_says_that_it_is_up_and_starts_nothing(api: str) -> None:
    again = _telemetry("up")
    assert again.returncode == 0
    assert "is up already; nothing was started" in again.stdout
    assert api in again.stdout


def test_doctor_finds_every_part_well(api: str) -> None:
    assert httpx.get(f"{api}/health/ready").status_code == 200
    doctor = _telemetry("doctor")
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr
    for part in ("postgres", "redis", "clickhouse", "api", "code-server", "daemon", "webserver"):
        assert part in doctor.stdout
    assert "embedded" in doctor.stdout


def test_an_event_by_hand_is_accepted_with_a_token_of_the_command(api: str) -> None:
    token = _telemetry("token", "--role", "patient").stdout.strip()
    event = {
        "event": "session_start",
        "session_id": _SESSION,
        "media_id": "knee-squat-2",
        "timestamp": datetime.now(UTC).isoformat(),
        "data": {"ttfb_ms": 340, "connection_type": "4g"},
    }
    headers = {"Authorization": f"Bearer {token}", "X-Consent-Level": "2"}
    answer = httpx.post(f"{api}/v1/media/events", json=event, headers=headers)
    assert answer.status_code == 202
    assert answer.json()["status"] == "accepted"
    assert answer.json()["session_id"] == _SESSION
    refused = httpx.post(f"{api}/v1/media/events", json=event)
    assert refused.status_code == 401
    assert refused.headers["content-type"] == "application/problem+json"
