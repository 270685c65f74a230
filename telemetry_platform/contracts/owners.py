"""Who answers for a table; the names that Dagster shows as owners."""

from __future__ import annotations

from enum import StrEnum


class Owner(StrEnum):
    """Teams, in Dagster's `team:` form."""

    DATA = "team:data-platform"
    SUPPORT = "team:patient-support"
    COMPLIANCE = "team:compliance"
