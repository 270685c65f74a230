"""The analysts' notebook runs from top to bottom on the engines, and rests without outputs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import nbformat
from nbclient import NotebookClient

from telemetry_platform.embedded.state import project_root
from telemetry_platform.usecases.drain.stores import open_stores
from telemetry_platform_tests.usecases.rollup_making import at, put, rebuild, session

if TYPE_CHECKING:
    import pytest

    from telemetry_platform.settings import Settings

NOTEBOOK = project_root() / "notebooks" / "video_health.ipynb"


def _read() -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call, no-any-return]


def test_the_notebook_rests_without_outputs() -> None:
    for cell in _read().cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_the_notebook_runs_and_shows_what_the_views_hold(platform: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    day = datetime.now(UTC).date() - timedelta(days=10)
    with open_stores(platform, log_comment="tests") as stores:
        rows = [session(number, at(day), ttfb_ms=120.0, country_code="AT") for number in range(1, 8)]
        put(stores, "media_sessions", rows)
        rebuild(stores, "media_sessions", day)
    warehouse = platform.clickhouse
    asked = {
        "URL": warehouse.url,
        "USER": warehouse.user,
        "PASSWORD": warehouse.password.get_secret_value(),
        "DATABASE": warehouse.database,
        "ORG": "clinic-1",
        "SINCE": day.isoformat(),
        "UNTIL": (day + timedelta(days=1)).isoformat(),
    }
    for name, value in asked.items():
        monkeypatch.setenv(f"ANALYSIS_{name}", value)
    ran = NotebookClient(_read(), timeout=120, kernel_name="python3").execute()
    outputs = [output for cell in ran.cells for output in cell.get("outputs", [])]
    shown = "\n".join(str(output.get("text", output.get("data", {}).get("text/plain", ""))) for output in outputs)
    assert not [output for output in outputs if output.output_type == "error"]
    assert "5 of about 5 sessions are in countries that are shown" in shown
    assert "AT" in shown
    assert "120.0" in shown
