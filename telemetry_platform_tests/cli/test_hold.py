"""`telemetry hold` as whoever answers for a dispute uses it: the id comes from standard input and goes no further."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from telemetry_platform.contracts.pii import Domain
from telemetry_platform_tests.cli.test_rights import ANA, telemetry
from telemetry_platform_tests.usecases.erased_person import ring_of
from telemetry_platform_tests.usecases.holding import add_rows, count
from telemetry_platform_tests.usecases.landing import looking

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings

_ORG = ("--org", "clinic-1")


def test_a_hold_is_placed_listed_and_released(platform: Settings) -> None:
    actor = ring_of(platform).pseudonym(Domain.ACTOR, 1, ANA)
    with looking(platform) as (warehouse, _):
        add_rows(warehouse, "media_events", actor, datetime.now(UTC) - timedelta(days=100), 2)
    assert "Nobody is held" in telemetry(platform, "hold", "list")

    said = telemetry(platform, "hold", "add", *_ORG, "--why", "file 2026/17", stdin=f"{ANA}\n")
    found = re.search(r"Hold ([0-9a-f-]{36}) is in force", said)
    assert found
    assert "media_events: 2 rows past their retention are copied to held_media_events" in said
    assert "TTL of 7 tables is off" in said
    assert "Nothing was new" in telemetry(platform, "hold", "refresh", *_ORG, stdin=f"{ANA}\n")
    listed = telemetry(platform, "hold", "list")
    assert found[1] in listed
    assert "in force" in listed
    assert "file 2026/17" in listed

    erased = telemetry(platform, "erase", *_ORG, stdin=f"{ANA}\n")
    assert "A legal hold keeps it back" in erased

    released = telemetry(platform, "hold", "release", found[1], "--why", "settled")
    assert "is released" in released
    # Left to the erasure, which counts them.
    assert "0 copies" in released
    assert "7 tables have their TTL again" in released
    assert "file 2026/17; released: settled" in telemetry(platform, "hold", "list")
    with looking(platform) as (warehouse, _):
        assert count(warehouse, "held_media_events", actor) == 2


def test_what_cannot_be_done_is_said(platform: Settings) -> None:
    assert "one user id" in telemetry(platform, "hold", "add", *_ORG, "--why", "file 17", stdin="\n", code=1)
    assert "say why" in telemetry(platform, "hold", "add", *_ORG, "--why", " ", stdin=f"{ANA}\n", code=1)
    assert "no hold" in telemetry(platform, "hold", "release", str(uuid4()), "--why", "settled", code=1)
    assert "nobody of that id is held" in telemetry(platform, "hold", "refresh", *_ORG, stdin=f"{ANA}\n", code=1)
