"""Every setting of the platform, typed: the only reader of the environment.

Variables begin with `TELEMETRY_` and nest with `__`, e.g. `TELEMETRY_CLICKHOUSE__URL`. Secrets are `SecretStr`, so that
printing a settings object shows none. An address that is set here replaces an embedded service; nothing else changes.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Network = IPv4Network | IPv6Network
_ORIGIN = re.compile(
    r"(?!http://.*:80$)(?!https://.*:443$)[a-z][a-z0-9+.-]*://"
    r"(?:\[[0-9a-f:]+\]|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::[1-9][0-9]{0,4})?"
)

_SEGMENTS = (
    "about", "account", "achievements", "activity", "admin", "analytics", "api", "app", "appointments", "auth",
    "billing", "calendar", "callback", "chat", "consent", "contact", "dashboard", "details", "diary", "edit",
    "exercise", "exercises", "faq", "feedback", "forgot-password", "goals", "help", "history", "home",
    "index.html", "invite", "language", "legal", "library", "login", "logout", "media", "messages", "mobile",
    "new", "notifications", "onboarding", "overview", "patient", "patients", "plan", "plans", "player",
    "privacy", "profile", "program", "programs", "progress", "questionnaire", "questionnaires", "register",
    "reminders", "reports", "reset-password", "results", "review", "schedule", "search", "session", "sessions",
    "settings", "sign-in", "sign-up", "staff", "start", "statistics", "summary", "support", "survey", "team",
    "teams", "terms", "today", "training", "users", "v1", "v2", "v3", "verify", "video", "videos", "welcome",
    "workout", "workouts",
)  # fmt: skip


class ClickHouseSettings(BaseModel):
    """The analytics warehouse, over ClickHouse's HTTP interface."""

    url: str = Field("http://127.0.0.1:8123", description="http(s)://host:port of the server")
    user: str = Field("telemetry", description="user name")
    password: SecretStr = Field(SecretStr(""), description="password of the user")
    database: str = Field("telemetry", description="database that holds the tables")
    ca_file: Path | None = Field(None, description="CA certificate file for https; the system's store when unset")
    timeout_seconds: float = Field(60.0, gt=0, description="seconds that one statement may take")


class PostgresSettings(BaseModel):
    """Telemetry PostgreSQL: audit, security, privacy, and what exactly-once ingest keeps about itself."""

    url: SecretStr = Field(
        SecretStr("postgresql://telemetry_ingest@127.0.0.1:5432/telemetry"),
        description="connection of the API and the drain, e.g. postgresql://user:password@host/telemetry?sslmode=verify-full",
    )
    owner_url: SecretStr | None = Field(
        None, description="connection of the schema's owner; only `telemetry schema` uses it"
    )
    read_url: SecretStr | None = Field(
        None,
        description="connection of telemetry_read, which only selects: row counts, checks and reconciliation use it",
    )
    pool_size: int = Field(4, ge=1, description="connections per process")


class RedisSettings(BaseModel):
    """The landing queue: Redis or Valkey, append-only file on, noeviction."""

    url: SecretStr = Field(
        SecretStr("redis://127.0.0.1:6379/0"), description="redis:// or rediss:// with user and password"
    )
    max_fill: float = Field(
        0.6, gt=0, le=0.95, description="share of maxmemory that the landing streams may fill before 503"
    )
    shards: int = Field(1, ge=1, le=64, description="streams per kind; a session's events always share one")
    maxmemory_bytes: int | None = Field(
        None, description="the server's memory, when it reports no maxmemory; with neither the API is never ready"
    )


class TokenSettings(BaseModel):
    """Who may speak: JWT verification. Exactly one key source is used; the key's type decides the algorithms."""

    secret: SecretStr | None = Field(
        None, description="HS256 secret of at least 32 bytes; development only, loopback bind only"
    )
    jwks_url: str | None = Field(None, description="https URL of the JWKS with RS256 or ES256 keys")
    jwks_file: Path | None = Field(None, description="file with the same JWKS")
    issuer: str = Field("telemetry-dev", description="required `iss`")
    audience: str = Field("telemetry", description="required `aud`")
    leeway_seconds: int = Field(5, ge=0, le=300, description="clock difference that `exp` may have")


class ApiSettings(BaseModel):
    """The HTTP front door."""

    host: str = Field("127.0.0.1", description="address to bind")
    port: int = Field(8080, ge=0, le=65535, description="port to bind")
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = Field(
        (), description="comma-separated CIDRs whose X-Forwarded-For lines are believed"
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="comma-separated origins whose pages may call, each exactly as a browser sends it, e.g. "
        "`https://app.example.org`; there is no `*`",
    )
    path_segments: Annotated[tuple[str, ...], NoDecode] = Field(
        _SEGMENTS, description="comma-separated segments of page paths that may be kept; every other one becomes `:x`"
    )
    anonymous_org_id: str = Field(
        "anonymous",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_:-]{0,127}$",
        description="tenant under which error reports without a token are kept",
    )
    anonymous_per_minute: int = Field(
        60,
        ge=1,
        le=1_000_000,
        description="events a minute without a valid token from one address, after its burst: a page that fails once "
        "a second; whole clinics share an address",
    )
    anonymous_burst: int = Field(
        120,
        ge=1,
        le=1_000_000,
        description="events at once without a valid token from one address, and so the most in one such request: the "
        "reports of a few pages that were offline",
    )
    anonymous_prefix_per_minute: int = Field(
        600,
        ge=1,
        le=1_000_000,
        description="the same for a whole /24 or /48, whose owner may send from any address in it: worth ten addresses",
    )
    anonymous_prefix_burst: int = Field(1200, ge=1, le=1_000_000, description="the burst of a whole /24 or /48")
    max_body_bytes: int = Field(1024 * 1024, ge=1024, description="largest request body in bytes")
    max_batch_events: int = Field(500, ge=1, description="most events in one request")
    producer: str | None = Field(None, description="name of this process in the queue; random when unset")
    token: TokenSettings = Field(default_factory=TokenSettings)

    @field_validator("trusted_proxies", "cors_origins", "path_segments", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Comma-separated text becomes a tuple; anything else is left to pydantic."""
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse what no browser sends: it would be compared with every request and match none."""
        if not all(_ORIGIN.fullmatch(origin) for origin in origins):
            raise ValueError(
                "write each origin as a browser sends it: scheme://host, or scheme://host:port where the port is not "
                "the scheme's own; lower case, nothing after it, no `*` and no `null`"
            )
        return origins


class KeySettings(BaseModel):
    """The key-encryption key (KEK): 32 random bytes, base64. It wraps the pseudonym keys that rest in PostgreSQL."""

    kek: SecretStr | None = Field(
        None, description="base64 of 32 random bytes; its name may stand before it: `kek-2:` and the base64"
    )
    kek_file: Path | None = Field(None, description="file that holds the same text; wins over `kek`")
    kek_id: str = Field("kek-1", description="name of the key, stored beside what it wraps; unless its text has one")
    next_kek: SecretStr | None = Field(
        None,
        description="the KEK that `telemetry keys rotate-kek` and `destroy` change to; a process that has it reads "
        "keys under either",
    )
    next_kek_file: Path | None = Field(
        None, description="file that holds the same text; wins over `next_kek`, and may appear while processes run"
    )
    next_kek_id: str | None = Field(None, description="name of the next KEK, never used before; or in its text")
    refresh_seconds: float = Field(60.0, gt=0, description="how often a process reads the list of epochs again")
    max_age_seconds: float = Field(600.0, gt=0, description="older key lists make the API answer 503")


class GeoSettings(BaseModel):
    """Country and region of the truncated address."""

    database: Path | None = Field(
        None, description="City or Country database in MaxMind format; unset: no geo, NULL columns"
    )


class MaxMindSettings(BaseModel):
    """The account whose list of excluded networks ("do not sell") is fetched. Only a sync uses it."""

    url: str = Field("https://api.maxmind.com/privacy/exclusions", description="address of the list; https")
    account_id: SecretStr | None = Field(None, description="MaxMind account id; without one no list can be fetched")
    license_key: SecretStr | None = Field(None, description="licence key of the account")
    license_key_file: Path | None = Field(None, description="file that holds the same text; wins over `license_key`")
    ca_file: Path | None = Field(None, description="CA certificate file for https; the usual authorities when unset")
    timeout_seconds: float = Field(30.0, gt=0, description="seconds to wait for a connection, and for each part")
    total_seconds: float = Field(300.0, gt=0, description="seconds that the whole list may take to come")
    max_body_bytes: int = Field(
        64 * 1024 * 1024, ge=1024, description="largest list in bytes, decompressed: 100,000 networks are 15 MiB"
    )


class ExclusionSettings(BaseModel):
    """The list of excluded networks, as the API process holds it."""

    refresh_seconds: float = Field(
        15.0, gt=0, le=45, description="how often a process asks whether there is a newer list"
    )
    copy_file: Path | None = Field(
        None,
        description="file for a copy of the list (mode 0600), so that a restart without PostgreSQL still excludes; "
        "its folder must be writable",
    )


class PrivacySettings(BaseModel):
    """What outlives a database that is restored from a backup."""

    tombstone_copy: Path | None = Field(
        None,
        description="folder outside the databases and their backups for copies of the tombstones of erasures, mode "
        "0700: a database that is restored learns from it who was erased meanwhile",
    )
    backup_days: int = Field(
        35, ge=0, description="how long the oldest backup is kept, in days: a certificate says when backups are clear"
    )


class CanarySettings(BaseModel):
    """`telemetry canary` against real servers; a local platform needs none of it."""

    url: str | None = Field(None, description="address of the API that the marks are sent to, e.g. https://host")
    token_file: Path | None = Field(
        None,
        description="file with tokens, one a line: of a patient with the purpose `pose`, and of a service; all of a "
        "tenant of their own, with random user ids",
    )


class DrainSettings(BaseModel):
    """How the landing queue is moved into the stores."""

    budget_seconds: float = Field(600.0, gt=0, description="how long one drain run lives")
    batch_entries: int = Field(50_000, ge=1, le=500_000, description="most entries in a batch")
    batch_bytes: int = Field(64 * 1024 * 1024, ge=1024, description="most bytes of bodies in a batch")
    block_ms: int = Field(1000, ge=1, description="how long a read waits for new entries")
    linger_ms: int = Field(150, ge=0, description="how long a small batch waits to become larger")
    max_attempts: int = Field(5, ge=1, description="tries before an entry that breaks the worker is dead-lettered")
    lease_seconds: float = Field(20.0, gt=0, description="how long a drain's lease lasts without renewal")
    renew_seconds: float = Field(5.0, gt=0, description="how often the lease is renewed")
    invalid_ratio: float = Field(0.5, gt=0, le=1, description="share of invalid entries that stops the run")
    reject_ratio: float = Field(
        0.001,
        gt=0,
        le=1,
        description="share of a day's entries that may be dead-lettered or conflict before `rejects_are_rare` turns "
        "red: one client release with a bug shows, one odd event among thousands does not",
    )
    invalid_min_entries: int = Field(
        20, ge=1, description="batches smaller than this are judged over the last 1,000 entries"
    )


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
