"""An exclusion list in force, put there as a sync does once it has fetched one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from telemetry_platform.contracts.exclusions import SyncMode, SyncStatus
from telemetry_platform.processing.exclusion_reading import EXCLUSION_TYPE
from telemetry_platform.stores import exclusions, postgres

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings


def load_exclusions(settings: Settings, *networks: str) -> None:
    """These networks, and no others, from now on."""
    now = datetime.now(UTC)
    with postgres.connect(settings.postgres, autocommit=True) as connection, exclusions.only_sync(connection):
        number = exclusions.begin(connection, SyncMode.FULL, now, accept_shrink=True, updates_after=None)
        exclusions.stage(connection, ((network, now) for network in networks))
        with connection.transaction():
            done = exclusions.exchange(connection, number, now, exclusion_type=EXCLUSION_TYPE, withdraws=True)
            counts = {"added": done.added, "withdrawn": done.withdrawn, "active": done.active}
            exclusions.finish(connection, number, SyncStatus.SUCCEEDED, now, **counts)
