"""What detection found of late, for whoever looks after the platform: rules and numbers, no network and no person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform import sql_files
from telemetry_platform.contracts.detection import DETECTED, LADDER, Severity

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from telemetry_platform.stores.postgres import Connection


@dataclass(frozen=True)
class Attack:
    """What one rule found: the worst severity, how many episodes, and when it was last told."""

    rule_id: str
    worst: Severity
    episodes: int
    last_at: datetime


def newest_attacks(conn: Connection, within: timedelta) -> list[Attack]:
    """By rule, of the time before the platform's now. The role that only looks may ask."""
    rows = conn.execute(
        sql_files.read("postgres/queries/select_newest_attacks.sql").encode(),
        {"ladder": [severity.value for severity in LADDER], "type": DETECTED, "within": within},
    ).fetchall()
    return [Attack(rule_id, Severity(worst), episodes, last_at) for rule_id, worst, episodes, last_at in rows]
