"""A view's heartbeats, as many as a test wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform_tests.usecases.landing import an_id, just_now, media_entry

if TYPE_CHECKING:
    from datetime import datetime

    from telemetry_platform.contracts.landing import LandingEntry

SESSION = "550e8400-e29b-41d4-a716-446655440000"


def heartbeats(number: int, start: datetime | None = None) -> list[LandingEntry]:
    start = start or just_now()
    return [
        media_entry(SESSION, "heartbeat", start, an_id("beat", beat), position_seconds=float(beat))
        for beat in range(number)
    ]
