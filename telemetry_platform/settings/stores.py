"""Settings of the stores: ClickHouse, PostgreSQL, Redis."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, Field, SecretStr


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
    retention_url: SecretStr | None = Field(
        None,
        description="connection of telemetry_retention, which removes what has expired and nothing else: the nightly "
        "retention and the partitions ahead use it",
    )
    dashboards_url: SecretStr | None = Field(
        None,
        description="connection of telemetry_dashboards, which sees how the platform stands and no person: "
        "`telemetry metrics` uses it",
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
