"""Every setting of the platform, typed: the only reader of the environment.

Variables begin with `TELEMETRY_` and nest with `__`, e.g. `TELEMETRY_CLICKHOUSE__URL`. Secrets are `SecretStr`, so that
printing a settings object shows none. An address that is set here replaces an embedded service; nothing else changes.
"""

from __future__ import annotations

import os
from functools import lru_cache

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from telemetry_platform.settings.compliance import (
    CanarySettings,
    ExclusionSettings,
    GeoSettings,
    KeySettings,
    MaxMindSettings,
    PrivacySettings,
)
from telemetry_platform.settings.front_door import ApiSettings, Network, TokenSettings
from telemetry_platform.settings.history import HistorySettings
from telemetry_platform.settings.stores import ClickHouseSettings, PostgresSettings, RedisSettings
from telemetry_platform.settings.work import AuditSettings, DrainSettings, RetentionSettings, RollupSettings

__all__ = [
    "ApiSettings",
    "AuditSettings",
    "CanarySettings",
    "ClickHouseSettings",
    "DrainSettings",
    "ExclusionSettings",
    "GeoSettings",
    "HistorySettings",
    "KeySettings",
    "MaxMindSettings",
    "Network",
    "PostgresSettings",
    "PrivacySettings",
    "RedisSettings",
    "RetentionSettings",
    "RollupSettings",
    "Settings",
    "TokenSettings",
    "inherited_environment",
    "is_configured",
    "load",
]


class Settings(BaseSettings):
    """All settings of a process."""

    model_config = SettingsConfigDict(
        env_prefix="TELEMETRY_", env_nested_delimiter="__", extra="ignore", hide_input_in_errors=True
    )

    profile: str = Field("", description="local profile (demo, up, test); empty on real servers")
    clickhouse: ClickHouseSettings = Field(default_factory=ClickHouseSettings)
    postgres: PostgresSettings = Field(default_factory=PostgresSettings)
    redis: RedisSettings = Field(default_factory=RedisSettings)
    api: ApiSettings = Field(default_factory=ApiSettings)
    keys: KeySettings = Field(default_factory=KeySettings)
    geo: GeoSettings = Field(default_factory=GeoSettings)
    maxmind: MaxMindSettings = Field(default_factory=MaxMindSettings)
    exclusions: ExclusionSettings = Field(default_factory=ExclusionSettings)
    privacy: PrivacySettings = Field(default_factory=PrivacySettings)
    drain: DrainSettings = Field(default_factory=DrainSettings)
    audit: AuditSettings = Field(default_factory=AuditSettings)
    retention: RetentionSettings = Field(default_factory=RetentionSettings)
    rollups: RollupSettings = Field(default_factory=RollupSettings)
    history: HistorySettings = Field(default_factory=HistorySettings)
    canary: CanarySettings = Field(default_factory=CanarySettings)
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")


@lru_cache(maxsize=1)
def load() -> Settings:
    """Read the environment once; later changes of it are not seen by this process."""
    return Settings()


def is_configured() -> bool:
    """Whether this process was told of any setting: if not, a command at a terminal means the local platform."""
    return any(name.upper().startswith("TELEMETRY_") for name in os.environ)


def inherited_environment() -> dict[str, str]:
    """A copy of the whole environment, to be handed on to processes that we start; settings are read by `load`."""
    return dict(os.environ)
