"""A simulated day of every kind over HTTP, drained and reconciled; then with planted faults, to try what reconciles."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.embedded.environment import STORES
from telemetry_platform.embedded.platform import running_platform
from telemetry_platform.simulate.expected import read_expected
from telemetry_platform.simulate.geo_database import write_geo_database
from telemetry_platform.simulate.run import Scale, posted_kinds, simulate
from telemetry_platform.stores import postgres, redis
from telemetry_platform.stores.warehouse import Warehouse, open_warehouse
from telemetry_platform.usecases.drain.run import drain
from telemetry_platform.usecases.drain.stores import open_stores
from telemetry_platform.usecases.queue_left import queue_left
from telemetry_platform.usecases.reconcile.expected import Expected, ExpectedRow, Line
from telemetry_platform.usecases.reconcile.run import reconcile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from telemetry_platform.embedded.state import StateFolder
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.usecases.drain.report import DrainReport

    Rows = dict[tuple[str, str], ExpectedRow]

PATIENTS = 25
SEED = 12
KINDS = posted_kinds()
STRANGER = "00000000-0000-4000-8000-000000000000"


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


def _lines(day: Day, expected: Expected) -> tuple[Line, ...]:
    with _looking(day.settings) as (warehouse, connection):
        result = reconcile(warehouse, connection, expected)
    assert len(result.lines) > 200
    return result.differences


def _differences(day: Day, expected: Expected) -> list[str]:
    return [f"{line.part}: {line.name}: {line.expected} != {line.found}" for line in _lines(day, expected)]


def _in_every_kind(
    expected: Expected, change: Callable[[str, Rows], Rows], kinds_of: Sequence[str] = KINDS
) -> Expected:
    """The same truth with other rows in each of these kinds."""
    return replace(
        expected, rows={**expected.rows, **{kind: change(kind, dict(expected.rows[kind])) for kind in kinds_of}}
    )


def _named(lines: Iterable[Line]) -> dict[str, set[str]]:
    """Names of lines by what they belong to."""
    found: dict[str, set[str]] = {}
    for line in lines:
        found.setdefault(line.part, set()).add(line.name)
    return found


def test_every_number_adds_up(day: Day) -> None:
    assert _differences(day, day.expected) == []


def test_the_day_was_worth_reconciling(day: Day) -> None:
    # What the API tells of refusals comes by itself, up to a second after them.
    assert 2_000 < day.left_before <= day.report.entries <= day.left_before + 10
    assert set(day.expected.posted) == set(KINDS)
    for kind, posted in day.expected.posted.items():
        assert posted.answered["accepted"] > 0
        assert day.expected.outcomes[kind]["duplicate"] > 0
        assert len(day.expected.rows[kind]) > 10
    assert len(day.expected.sessions) > 20


def test_kinds_that_were_not_told_are_named_and_nothing_is_wrong_with_them(day: Day) -> None:
    posted = {kind: posted for kind, posted in day.expected.posted.items() if kind == "media"}
    outcomes = {kind: day.expected.outcomes[kind] for kind in ("media", "drops")}
    with _looking(day.settings) as (warehouse, connection):
        result = reconcile(warehouse, connection, replace(day.expected, posted=posted, outcomes=outcomes))
    assert set(result.not_simulated) == {name for name, kind in kinds().items() if kind.endpoint} - {"media"}
    assert {line.part for line in result.lines}.isdisjoint(result.not_simulated)


def test_an_event_that_was_sent_and_is_missing_is_named_in_every_kind(day: Day) -> None:
    def one_more(_: str, rows: Rows) -> Rows:
        return {**rows, ("sim-core", STRANGER): ExpectedRow({"org_id": "sim-core"}, {})}

    outcomes = {kind: {**counts, "stored": counts["stored"] + 1} for kind, counts in day.expected.outcomes.items()}
    named = _named(_lines(day, replace(_in_every_kind(day.expected, one_more), outcomes=outcomes)))
    for kind in KINDS:
        table = kinds()[kind].table.name
        assert named.pop(kind) == {
            "events in the landing queue",
            "  stored",
            f"{table}: rows",
            f"{table}: the events that were sent",
            f"{table}.org_id",
        }
    assert named == {"drops": {"events in the landing queue", "  stored", "consent_drops: rows"}}


def test_a_row_that_says_something_else_is_named_in_every_kind(day: Day) -> None:
    def an_hour_later(_: str, rows: Rows) -> Rows:
        key, row = next(iter(rows.items()))
        columns = {**row.columns, "occurred_at": row.columns["occurred_at"] + 3_600_000}
        return {**rows, key: ExpectedRow(columns, row.alike)}

    lines = _lines(day, _in_every_kind(day.expected, an_hour_later))
    assert _named(lines) == {kind: {f"{kinds()[kind].table.name}.occurred_at"} for kind in KINDS}
    assert all(line.found == line.expected - 1 for line in lines)


def test_a_row_of_somebody_else_is_named_in_every_kind_with_persons(day: Day) -> None:
    """Two persons under one pseudonym are both wrong, wherever they occur."""

    def mixed_up(_: str, rows: Rows) -> Rows:
        persons = {row.alike["actor_hash"]: key for key, row in rows.items() if "actor_hash" in row.alike}
        (_one, key), (other, _key) = list(persons.items())[:2]
        return {**rows, key: ExpectedRow(rows[key].columns, {**rows[key].alike, "actor_hash": other})}

    concerned = [kind for kind in KINDS if kind != "api_metrics"]
    named = _named(_lines(day, _in_every_kind(day.expected, mixed_up, concerned)))
    for kind in concerned:
        assert f"{kinds()[kind].table.name}.actor_hash" in named[kind]


def test_an_error_of_another_group_is_named(day: Day) -> None:
    """Of a group of two or more: a group of one is the same group under any name."""

    def regrouped(_: str, rows: Rows) -> Rows:
        groups = Counter(row.alike["fingerprint"] for row in rows.values())
        key, row = next((key, row) for key, row in rows.items() if groups[row.alike["fingerprint"]] > 1)
        return {**rows, key: ExpectedRow(row.columns, {**row.alike, "fingerprint": "fingerprint:another"})}

    lines = _lines(day, _in_every_kind(day.expected, regrouped, ["errors"]))
    assert _named(lines) == {"errors": {"error_events.fingerprint"}}


def test_a_joint_that_rests_a_thousandth_off_is_named(day: Day) -> None:
    def moved(_: str, rows: Rows) -> Rows:
        key, row = next((key, row) for key, row in rows.items() if "left_hip_y" in row.columns)
        columns = {**row.columns, "left_hip_y": row.columns["left_hip_y"] + 0.001}
        return {**rows, key: ExpectedRow(columns, row.alike)}

    lines = _lines(day, _in_every_kind(day.expected, moved, ["pose"]))
    assert _named(lines) == {"pose": {"pose_tracking_frames.left_hip_y"}}


def test_an_answer_of_another_sort_is_named_in_every_kind(day: Day) -> None:
    posted = {
        kind: replace(sent, answered={**sent.answered, "accepted": sent.answered["accepted"] - 1}, told=sent.told + 1)
        for kind, sent in day.expected.posted.items()
    }
    named = _named(_lines(day, replace(day.expected, posted=posted)))
    sentences = {"sent, each with one answer", "  accepted", "  refusals that say why"}
    assert named == dict.fromkeys(KINDS, sentences)


def test_a_session_with_a_wrong_figure_is_named(day: Day) -> None:
    session_id, session = next(iter(day.expected.sessions.items()))
    changed = {**session, "stall_ms": session["stall_ms"] + 1.0}
    differences = _differences(day, replace(day.expected, sessions={**day.expected.sessions, session_id: changed}))
    known = len(day.expected.sessions)
    assert differences == [f"sessions, folded from media: sessions with the right stall_ms: {known} != {known - 1}"]


def test_a_drop_that_was_not_counted_is_named(day: Day) -> None:
    drops = dict(day.expected.drops)
    key = next(iter(drops))
    drops[key] += 1
    differences = _differences(day, replace(day.expected, drops=drops))
    assert len(differences) == 1
    assert differences[0].startswith(f"drops:   {key[0]} at level {key[1]}: {key[2]}")


def test_a_view_that_is_in_the_trail_under_somebody_else_is_named(day: Day) -> None:
    one, other = list(day.expected.accesses)[:2]
    accesses = {**day.expected.accesses, one: day.expected.accesses[one] + 1, other: day.expected.accesses[other] - 1}
    differences = _lines(day, replace(day.expected, accesses=accesses))
    assert [line.name for line in differences] == ["access records of whom they are about"]


def test_a_row_that_is_lost_at_rest_is_named_in_every_table(day: Day) -> None:
    """Last: it takes a row of each table away; from those of PostgreSQL nobody can."""
    tables = {kind: kinds()[kind].table.name for kind in KINDS if kinds()[kind].store is Store.CLICKHOUSE}
    statement = "DELETE FROM {table:Identifier} WHERE event_id = (SELECT min(event_id) FROM {table:Identifier})"
    with _looking(day.settings) as (warehouse, _):
        for table in tables.values():
            warehouse.client.command(statement, {"table": table}, {"lightweight_deletes_sync": 2})
    lines = _lines(day, day.expected)
    assert {line.part for line in lines} == set(tables)
    for kind, table in tables.items():
        missing = {line.name for line in lines if line.part == kind and line.found == line.expected - 1}
        assert missing >= {f"{table}: rows", f"{table}: the events that were sent", f"{table}.occurred_at"}
