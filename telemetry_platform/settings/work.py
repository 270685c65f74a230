"""Settings of the work: how the queue is drained, how the trail is signed, how long things are kept."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, Field, SecretStr, field_validator

LEAST_AUDIT_YEARS = 6
"""45 CFR 164.316(b)(2)(i): what documents security is kept for six years."""


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


class AuditSettings(BaseModel):
    """The audit trail's signed checkpoints, which rest outside the databases."""

    signing_key: SecretStr | None = Field(
        None, description="base64 of the 32 bytes of an Ed25519 private key (`telemetry audit new-key` makes one)"
    )
    signing_key_file: Path | None = Field(
        None, description="file (mode 0600) that holds the same text; wins over `signing_key`"
    )
    checkpoints: str | None = Field(
        None,
        description="folder or bucket outside the databases for checkpoints and public keys: a path, or any URL that "
        "fsspec knows, e.g. `s3://bucket/trail` (its package must be installed)",
    )
    trusted_keys: str = Field(
        "",
        description="comma-separated ids of keys whose signatures count besides the present one's: earlier ones, and "
        "for whoever only verifies, the present one",
    )


class RetentionSettings(BaseModel):
    """How long things are kept, where an operator may say so, and how retention works."""

    audit_years: int = Field(
        7, description="years that the audit trail is kept: six at least (45 CFR 164.316(b)(2)(i)), or nothing starts"
    )
    max_rows_per_run: int = Field(
        50_000_000, ge=1, description="most rows that a run rewrites away of one table; whole partitions do not count"
    )
    batch_rows: int = Field(10_000, ge=1, description="most rows of PostgreSQL that one transaction deletes")
    pause_seconds: float = Field(0.05, ge=0, description="pause between two such transactions")
    wait_seconds: float = Field(
        900.0, ge=0, description="how long a table waits for its turn: longer than a drain holds its lease"
    )
    stall_seconds: float = Field(
        60.0, gt=0, description="without any progress for so long, a rewrite in ClickHouse counts as standing still"
    )
    most_waiting_entries: int = Field(
        200_000, ge=0, description="entries in the landing queue above which a table's turn has not come"
    )
    most_parts: int = Field(
        200, ge=1, description="parts of one partition in ClickHouse above which a table's turn has not come"
    )

    @field_validator("audit_years")
    @classmethod
    def _is_lawful(cls, years: int) -> int:
        """Refuse what the law forbids, before anything works with it."""
        if years < LEAST_AUDIT_YEARS:
            raise ValueError(f"the audit trail is kept for {LEAST_AUDIT_YEARS} years at least")
        return years


class RollupSettings(BaseModel):
    """How far rollups may be behind what they are counted from."""

    every_minutes: int = Field(15, ge=1, le=24 * 60, description="how often the days that are due are rebuilt")
