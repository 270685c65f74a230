"""Settings of how much Dagster remembers. What was done is proved by tables of our own; this is for looking back."""

from __future__ import annotations

from pydantic import BaseModel, Field


class HistorySettings(BaseModel):
    """How long Dagster's runs are kept, and what its database may hold before a check turns red."""

    minutely_days: int = Field(2, ge=1, description="days that runs of jobs are kept which run every few minutes")
    frequent_days: int = Field(7, ge=1, description="days that drains, checks and rollups are kept")
    days: int = Field(90, ge=1, description="days that all other runs are kept")
    max_runs: int = Field(
        10_000, ge=100, description="most runs that are kept, the newest; a platform that works has about 2,600"
    )
    max_event_rows: int = Field(1_000_000, ge=1000, description="most rows of `event_logs`")
    max_tick_rows: int = Field(250_000, ge=1000, description="most rows of `job_ticks`: three sensors tick for days")
    max_bytes: int = Field(1024**3, ge=1024**2, description="most bytes of all tables of Dagster's database")
