"""What a local profile starts with, by the use-cases of real servers: databases, roles, tables, keys, exclusions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from telemetry_platform.contracts.exclusions import SyncMode
from telemetry_platform.embedded.state import POSTGRES_ROLES
from telemetry_platform.errors import PlatformError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry_platform.settings import Settings


def bootstrap(admin_url: str, secrets: Mapping[str, str]) -> None:
    """Create databases and roles with the profile's passwords; safe to call again."""
    from telemetry_platform.usecases import bootstrap_schema

    bootstrap_schema.bootstrap(admin_url, {role: secrets[role] for role in POSTGRES_ROLES})


def ensure_keys(settings: Settings) -> None:
    """The first epoch of every pseudonym key, where there is none; a day old, so that one can be rotated."""
    from telemetry_platform.usecases.first_keys import first_keys

    first_keys(settings, datetime.now(UTC) - timedelta(days=1), log_comment="telemetry up")


def load_exclusions(settings: Settings) -> str:
    """The list of excluded networks, where there is none or an old one; says what was done, and never ends a start."""
    from telemetry_platform.contracts.exclusions import Age
    from telemetry_platform.stores import postgres
    from telemetry_platform.usecases.exclusion_status import exclusion_status
    from telemetry_platform.usecases.sync_exclusions import opened_sync, sync_exclusions

    with postgres.connect(settings.postgres, application="telemetry-exclusions", autocommit=True) as connection:
        found = exclusion_status(connection, datetime.now(UTC))
        if found.freshness.state is Age.FRESH:
            return f"{found.active} networks"
        try:
            report = sync_exclusions(opened_sync(connection, settings), SyncMode.FULL)[-1]
        except PlatformError as error:
            return str(error)
    return f"{report.active} networks" if report.succeeded else report.problem


def apply(settings: Settings) -> str:
    """Bring both databases to the present tense; says what was done."""
    from telemetry_platform.usecases import apply_schema

    if settings.postgres.owner_url is None:
        return "left alone: TELEMETRY_POSTGRES__OWNER_URL is not set"
    return str(apply_schema.apply_schema(settings, datetime.now(UTC)))
