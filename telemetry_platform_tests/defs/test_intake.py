"""The check on the intake of the trail: red while a gap is open, in words that say whom to ask."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from telemetry_platform.contracts.events import audit
from telemetry_platform.defs.compliance.intake import WHOLE
from telemetry_platform.defs.keys import table_key
from telemetry_platform.stores import intake, postgres
from telemetry_platform.usecases.intake import explain
from telemetry_platform_tests.defs import entries
from telemetry_platform_tests.defs.front_door import check, drain_until_idle

if TYPE_CHECKING:
    from telemetry_platform.contracts.landing import LandingEntry
    from telemetry_platform.settings import Settings

KEY = dg.AssetCheckKey(table_key(audit.LOGS), WHOLE)


@pytest.fixture
def instance(shared_instance: dg.DagsterInstance) -> dg.DagsterInstance:
    return shared_instance


def from_service(*numbers: int, source: str = "core-api-1") -> list[LandingEntry]:
    """Access records as a service numbered them; the API that took them numbers without a gap."""
    return [
        replace(entries.access(number), source=source, source_seq=number, producer="", producer_seq=0)
        for number in numbers
    ]


def note(settings: Settings, at: datetime, *runs: tuple[int, int], producer: str = "core-api-2") -> None:
    with postgres.connect(settings.postgres) as conn:
        intake.note(conn, [intake.Seen(intake.SERVICE, "security", producer, runs)], at)


def test_a_number_that_never_came_is_told_until_it_comes_or_is_explained(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    now = datetime.now(UTC)
    evaluation, _ = check(instance, KEY)
    assert evaluation.passed
    # What is missing for a moment may be on its way.
    entries.add(settings, *from_service(1, 2, 5))
    drain_until_idle(instance)
    assert check(instance, KEY)[0].passed

    note(settings, now - timedelta(minutes=2), (1, 4), (8, 8))
    evaluation, _ = check(instance, KEY)
    assert (evaluation.passed, evaluation.severity) == (False, dg.AssetCheckSeverity.ERROR)
    (told,) = str(evaluation.description).split("; ")
    assert told.endswith("numbers 5 to 7 of service core-api-2 in security never came")
    assert evaluation.metadata["missing_entries"].value == 3

    note(settings, now, (6, 6))
    assert "numbers 5 to 7 (2 of them)" in str(check(instance, KEY)[0].description)
    note(settings, now, (5, 7))
    assert check(instance, KEY)[0].passed

    note(settings, now - timedelta(minutes=2), (2, 2), producer="core-api-3")
    evaluation, _ = check(instance, KEY)
    assert str(evaluation.description).endswith("number 1 of service core-api-3 in security never came")
    with postgres.connect(settings.postgres) as conn:
        open_ones = intake.open_gaps(conn, now, older_than_seconds=60)
    for gap in open_ones:
        explain(settings, gap.gap_id, "the service lost power", by="ops", now=now)
    assert check(instance, KEY)[0].passed
