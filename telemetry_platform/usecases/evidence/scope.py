"""What an archive is about: the period, less what has passed its retention, in one state of the database.

Invariant: nothing expired is shown, whether or not retention has removed it; what an archive leaves out for that is
before the moment that `since` gives.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from telemetry_platform.contracts.events import audit, security
from telemetry_platform.processing.calendar_cutoff import cut_off
from telemetry_platform.stores import evidence, trail_chain, trail_reading
from telemetry_platform.stores.clock import platform_now
from telemetry_platform.usecases.retention_policy import in_force

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from telemetry_platform.contracts.audit_chain import Position
    from telemetry_platform.contracts.evidence import Period
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection


@dataclass(frozen=True)
class Scope:
    """One archive's. `head` is the end of the trail, `last_seq` how far it came in the period."""

    period: Period
    head: Position
    last_seq: int
    _kept_since: Mapping[str, datetime] = field(repr=False)

    @property
    def trail_visible_from(self) -> datetime:
        """From when on the trail is shown at all."""
        return self._kept_since[audit.LOGS.name]

    def since(self, table: str) -> datetime:
        """From when on rows of a table are in the archive."""
        kept = self._kept_since.get(table)
        return self.period.begins if kept is None else max(self.period.begins, kept)


def scope(settings: Settings, conn: Connection, period: Period) -> Scope:
    """Look it up, in the caller's snapshot."""
    now = platform_now(conn)
    kept = {name: cut_off(retention, now) for name, retention in in_force(settings).items()}
    # What goes by whole months is shown by whole months.
    kept |= {table: trail_reading.visible_from(conn, table) for table in (audit.LOGS.name, security.EVENTS.name)}
    return Scope(period, trail_chain.head(conn), evidence.trail_last(conn, period.ends), kept)
