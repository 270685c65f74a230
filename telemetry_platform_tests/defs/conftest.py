"""The front door on fresh databases: settings reach it as in production, through the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest
from pydantic import SecretStr

from telemetry_platform import settings as settings_module

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from telemetry_platform.settings import Settings


def variables(settings: Settings) -> dict[str, str]:
    """The environment that gives these settings."""
    return _flat(settings.model_dump(), "TELEMETRY_")


def _flat(nested: Mapping[str, Any], prefix: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in nested.items():
        variable = f"{prefix}{name.upper()}"
        if isinstance(value, dict):
            found |= _flat(value, f"{variable}__")
        elif isinstance(value, SecretStr):
            found[variable] = value.get_secret_value()
        elif isinstance(value, tuple):
            found[variable] = ",".join(map(str, value))
        elif value is not None:
            found[variable] = str(value)
    return found


@pytest.fixture
def settings(platform: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Fresh databases, and this process's environment pointing at them; leases that run out within a test."""
    for name, value in variables(platform).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TELEMETRY_DRAIN__LEASE_SECONDS", "2")
    monkeypatch.setenv("TELEMETRY_DRAIN__RENEW_SECONDS", "0.5")
    settings_module.load.cache_clear()
    yield settings_module.load()
    settings_module.load.cache_clear()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A DAGSTER_HOME of its own."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(folder))
    return folder


@pytest.fixture(scope="module")
def shared_instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """Dagster's own storage for tests that look only at what they did themselves: making it takes seconds."""
    with dg.DagsterInstance.from_config(str(tmp_path_factory.mktemp("home"))) as found:
        yield found


@pytest.fixture
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    """Dagster's own storage, in files of that home."""
    with dg.DagsterInstance.from_config(str(home)) as found:
        yield found
