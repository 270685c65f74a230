"""`telemetry intake` as whoever answers for the trail uses it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from telemetry_platform.stores import intake, postgres
from telemetry_platform_tests.cli.test_rights import telemetry

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings


def test_gaps_are_listed_until_somebody_explains_them(platform: Settings) -> None:
    assert "No number is missing" in telemetry(platform, "intake", "gaps")
    with postgres.connect(platform.postgres) as conn:
        intake.note(conn, [intake.Seen(intake.SERVICE, "audit", "core-api-1", [(1, 2), (6, 9)])], datetime.now(UTC))
        (gap,) = intake.open_gaps(conn, datetime.now(UTC), older_than_seconds=0)
    said = telemetry(platform, "intake", "gaps", code=1)
    assert "core-api-1" in said
    assert all(number in said for number in (str(gap.gap_id), "3", "5"))
    number = str(gap.gap_id)
    assert "name no person" in telemetry(platform, "intake", "explain", number, "--why", "ask a.b@example.org", code=1)
    assert "is explained; row" in telemetry(platform, "intake", "explain", number, "--why", "power was lost")
    assert "open and unexplained" in telemetry(platform, "intake", "explain", number, "--why", "power was lost", code=1)
    assert "No number is missing" in telemetry(platform, "intake", "gaps")
