"""When a drain is asked for, and which runs are dead: the judgement alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from telemetry_platform.defs.landing.lookout import GRACE_SECONDS, Holding, OpenRun, Stage, holding, judge
from telemetry_platform.stores.landing_queue import Backlog
from telemetry_platform.stores.lease import Lease

WAITING = {"telemetry:landing:media:0": Backlog(12, 3.25), "telemetry:landing:audit:0": Backlog(1, 1.0)}
EMPTY = {"telemetry:landing:media:0": Backlog(0, 0.0)}
KILLED = Holding("run-1", free_seconds=1.0, given_back=False)
GIVEN_BACK = Holding("run-1", free_seconds=1.0, given_back=True)


def run(stage: Stage, age_seconds: float = 30.0, run_id: str = "run-1") -> OpenRun:
    return OpenRun(run_id, stage, age_seconds)


def test_entries_without_a_drain_start_one() -> None:
    judgement = judge(WAITING, None, [])
    assert judgement.start
    assert judgement.reason == "13 entries wait in 2 streams, the oldest for 3.2 s"


def test_an_empty_queue_starts_nothing() -> None:
    assert not judge(EMPTY, None, []).start


def test_a_held_lease_is_believed_whatever_the_runs_say() -> None:
    held = Holding("run-9", free_seconds=-15.0, given_back=False)
    judgement = judge(WAITING, held, [run(Stage.RUNNING, age_seconds=900.0)])
    assert not judgement.start
    assert not judgement.dead
    assert judgement.reason.endswith("run run-9 is draining")


def test_a_killed_run_is_dead_as_soon_as_its_lease_ran_out() -> None:
    judgement = judge(WAITING, KILLED, [run(Stage.RUNNING)])
    assert judgement.dead == ("run-1",)
    assert judgement.start


def test_a_killed_run_is_found_while_nothing_waits() -> None:
    judgement = judge(EMPTY, KILLED, [run(Stage.RUNNING)])
    assert judgement.dead == ("run-1",)
    assert not judgement.start


def test_a_run_that_gave_its_lease_back_is_finishing_and_not_dead() -> None:
    judgement = judge(WAITING, GIVEN_BACK, [run(Stage.RUNNING, age_seconds=600.0)])
    assert not judgement.dead
    assert not judgement.start


def test_a_run_that_never_finishes_after_its_lease_is_dead_in_the_end() -> None:
    long_ago = Holding("run-1", free_seconds=GRACE_SECONDS + 1, given_back=True)
    assert judge(WAITING, long_ago, [run(Stage.RUNNING, age_seconds=900.0)]).dead == ("run-1",)


@pytest.mark.parametrize(("age", "dead"), [(10.0, ()), (GRACE_SECONDS + 1, ("run-2",))])
def test_a_run_without_any_lease_is_dead_only_when_it_is_old(age: float, dead: tuple[str, ...]) -> None:
    judgement = judge(WAITING, GIVEN_BACK, [run(Stage.RUNNING, age, run_id="run-2")])
    assert judgement.dead == dead
    assert judgement.start is bool(dead)


@pytest.mark.parametrize("stage", [Stage.WAITING, Stage.STOPPING])
def test_a_run_on_its_way_keeps_another_from_starting_however_long_it_takes(stage: Stage) -> None:
    judgement = judge(WAITING, KILLED, [run(stage, age_seconds=3600.0, run_id="run-2")])
    assert not judgement.start
    assert not judgement.dead


@pytest.mark.parametrize(("age", "start"), [(1.0, False), (GRACE_SECONDS + 1, True)])
def test_a_run_that_was_made_and_never_queued_blocks_for_a_while_only(age: float, start: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert judge(WAITING, None, [run(Stage.MADE, age)]).start is start


@pytest.mark.parametrize(("term", "given_back"), [(20.0, False), (3.0, True), (19.999, False)])
def test_a_lease_that_ends_before_its_term_was_given_back(term: float, given_back: bool) -> None:  # noqa: FBT001 - as above
    renewed = datetime(2026, 2, 17, 10, 0, tzinfo=UTC)
    row = Lease("drain", "holder", "run-1", 3, renewed, renewed, renewed + timedelta(seconds=term))
    assert holding((row, 0.5), 20.0) == Holding("run-1", 0.5, given_back)
