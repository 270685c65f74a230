"""A simulated day over HTTP, drained and reconciled; then the reconciliation itself is tried with planted faults."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from telemetry_platform.embedded.environment import STORES
from telemetry_platform.embedded.platform import running_platform
from telemetry_platform.simulate.geo_database import write_geo_database
from telemetry_platform.simulate.run import Scale, simulate
from telemetry_platform.simulate.truth import read_expected
from telemetry_platform.stores import postgres, redis
from telemetry_platform.stores.warehouse import Warehouse, open_warehouse
from telemetry_platform.usecases.drain.run import drain
from telemetry_platform.usecases.drain.stores import open_stores
from telemetry_platform.usecases.queue_left import queue_left
from telemetry_platform.usecases.reconcile import Expected, reconcile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from telemetry_platform.embedded.state import StateFolder
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.usecases.drain.report import DrainReport

PATIENTS = 25
SEED = 7


@dataclass(frozen=True)
class Day:
    """A day that was sent and drained."""

    settings: Settings
    expected: Expected
    left_before: int
    report: DrainReport


def _with_geo(state: StateFolder) -> Mapping[str, Any]:
    return {"geo": {"database": str(write_geo_database(state.path / "geo.mmdb"))}}


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    """Stores and the API as processes; the drain in this one."""
    base = tmp_path_factory.mktemp("day")
    with running_platform("test", services=(*STORES, "api"), base=base, remove=True, extra=_with_geo) as handle:
        settings = handle.settings
        simulation = simulate(
            Scale(PATIENTS, seed=SEED), base_url=handle.api_url, token=settings.api.token, truth_folder=base
        )
        with _looking(settings) as (_, connection), redis.connect(settings.redis) as client:
            left = queue_left(client, connection, settings)
            with open_stores(settings) as stores:
                report = drain(stores, settings, holder="test", until_idle=True)
            assert not queue_left(client, connection, settings)
        yield Day(settings, read_expected(simulation.truth), left.entries, report)


@contextmanager
def _looking(settings: Settings) -> Iterator[tuple[Warehouse, Connection]]:
    assert settings.postgres.read_url is not None
    with (
        open_warehouse(settings.clickhouse) as warehouse,
        postgres.connect(settings.postgres.read_url.get_secret_value(), autocommit=True) as connection,
    ):
        yield warehouse, connection


def _differences(day: Day, expected: Expected) -> list[str]:
    with _looking(day.settings) as (warehouse, connection):
        result = reconcile(warehouse, connection, expected)
    assert len(result.lines) > 40
    return [f"{line.part}: {line.name}: {line.expected} != {line.found}" for line in result.differences]


def test_every_number_adds_up(day: Day) -> None:
    assert _differences(day, day.expected) == []


def test_the_day_was_worth_reconciling(day: Day) -> None:
    assert day.left_before == day.report.entries > 1_000
    assert set(day.expected.answered) == {"accepted", "dropped", "rejected"}
    assert day.expected.outcomes["media"]["duplicate"] > 0
    assert len(day.expected.sessions) > 20


def test_an_event_that_was_sent_and_is_missing_is_named(day: Day) -> None:
    media = {**day.expected.outcomes["media"], "stored": day.expected.outcomes["media"]["stored"] + 1}
    differences = _differences(day, replace(day.expected, outcomes={**day.expected.outcomes, "media": media}))
    assert any(line.startswith("rows at rest: media_events, rows") for line in differences)
    assert any(line.startswith("entries in the landing queue: media, stored") for line in differences)


def test_a_session_with_a_wrong_figure_is_named(day: Day) -> None:
    session_id, session = next(iter(day.expected.sessions.items()))
    changed = {**session, "stall_ms": session["stall_ms"] + 1.0}
    differences = _differences(day, replace(day.expected, sessions={**day.expected.sessions, session_id: changed}))
    known = len(day.expected.sessions)
    assert differences == [f"sessions, column by column: sessions with the right stall_ms: {known} != {known - 1}"]


def test_a_drop_that_was_not_counted_is_named(day: Day) -> None:
    drops = dict(day.expected.drops)
    key = next(iter(drops))
    drops[key] += 1
    differences = _differences(day, replace(day.expected, drops=drops))
    assert len(differences) == 1
    assert differences[0].startswith(f"dropped for want of consent: {key[0]} at level {key[1]}")


def test_an_answer_of_another_kind_is_named(day: Day) -> None:
    answered = {**day.expected.answered, "accepted": day.expected.answered["accepted"] - 1}
    differences = _differences(day, replace(day.expected, answered=answered))
    assert len(differences) == 2


def test_a_row_that_is_lost_at_rest_is_named(day: Day) -> None:
    """Last: it takes a row away."""
    with _looking(day.settings) as (warehouse, _):
        warehouse.client.command(
            "DELETE FROM error_events WHERE event_id = (SELECT min(event_id) FROM error_events)",
            {},
            {"lightweight_deletes_sync": 2},
        )
    stored = day.expected.outcomes["errors"]["stored"]
    assert _differences(day, day.expected) == [
        f"rows at rest: error_events, rows: {stored} != {stored - 1}",
        f"rows at rest: error_events, distinct events: {stored} != {stored - 1}",
    ]
