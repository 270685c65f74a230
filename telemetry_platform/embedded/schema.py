"""Databases, roles, tables and keys of a local profile, through the use-cases that real servers are set up with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from telemetry_platform.embedded.state import POSTGRES_ROLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry_platform.settings import Settings


def bootstrap(admin_url: str, secrets: Mapping[str, str]) -> None:
    """Create databases and roles with the profile's passwords; safe to call again."""
    from telemetry_platform.usecases import bootstrap_schema

    bootstrap_schema.bootstrap(admin_url, {role: secrets[role] for role in POSTGRES_ROLES})


def ensure_keys(settings: Settings) -> None:
    """The first epoch of every pseudonym key, where there is none."""
    from telemetry_platform.stores import postgres
    from telemetry_platform.usecases import ensure_keys as usecase

    with postgres.connect(settings.postgres, application="telemetry-keys") as connection:
        usecase.ensure_keys(connection, settings.keys, datetime.now(UTC))


def apply(settings: Settings) -> str:
    """Bring both databases to the present tense; says what was done."""
    from telemetry_platform.usecases import apply_schema

    if settings.postgres.owner_url is None:
        return "left alone: TELEMETRY_POSTGRES__OWNER_URL is not set"
    return str(apply_schema.apply_schema(settings, datetime.now(UTC)))
