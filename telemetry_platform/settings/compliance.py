"""Settings of what protects persons: keys, geo, exclusions, what outlives a restore, the canary."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, Field, SecretStr


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
