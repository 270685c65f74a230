"""When a drain is asked for, and which runs are dead: the judgement alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from telemetry_platform.defs.landing.lookout import (
    GRACE_SECONDS,
    EndedRun,
    Holding,
    Judgement,
    OpenRun,
    Stage,
    holding,
    judge,
    restrained,
)
from telemetry_platform.stores.landing_queue import Backlog
from telemetry_platform.stores.lease import Lease

WAITING = {"telemetry:landing:media:0": Backlog(12, 3.25), "telemetry:landing:audit:0": Backlog(1, 1.0)}
EMPTY = {"telemetry:landing:media:0": Backlog(0, 0.0)}
KILLED = Holding("run-1", free_seconds=1.0, given_back=False)
GIVEN_BACK = Holding("run-1", free_seconds=1.0, given_back=True)


LONG_AGO = Holding("run-1", free_seconds=GRACE_SECONDS + 1, given_back=True)
START = Judgement(start=True, reason="13 entries wait")


def run(stage: Stage, age_seconds: float = 30.0, run_id: str = "run-1", limit_seconds: float = 660.0) -> OpenRun:
    return OpenRun(run_id, stage, age_seconds, limit_seconds)


def failures(count: int, *, last_ended: float) -> list[EndedRun]:
    """So many in a row, the newest first, after a drain that did well."""
    return [
        EndedRun(f"run-{number}", failed=True, ended_seconds_ago=last_ended + number) for number in range(count)
    ] + [EndedRun("well", failed=False, ended_seconds_ago=last_ended + count)]


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
    assert judge(WAITING, LONG_AGO, [run(Stage.RUNNING, age_seconds=900.0)]).dead == ("run-1",)


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


@pytest.mark.parametrize("held", [LONG_AGO, Holding("run-1", free_seconds=5.0, given_back=False)])
def test_a_run_that_has_drained_may_look_at_tables_until_its_limit(held: Holding) -> None:
    limit = 660.0 + GRACE_SECONDS
    judgement = judge(WAITING, held, [run(Stage.FINISHING, limit)])
    assert not judgement.dead
    assert not judgement.start
    assert judge(WAITING, held, [run(Stage.FINISHING, limit + 1)]).dead == ("run-1",)


def test_a_run_that_was_killed_in_a_further_try_is_dead_in_the_end() -> None:
    killed = Holding("run-1", free_seconds=GRACE_SECONDS + 1, given_back=False)
    assert judge(WAITING, killed, [run(Stage.FINISHING)]).dead == ("run-1",)


def test_a_run_that_only_looks_needs_no_lease() -> None:
    assert not judge(WAITING, None, [run(Stage.FINISHING, GRACE_SECONDS + 1)]).dead


@pytest.mark.parametrize(
    ("count", "pause"), [(1, 20.0), (2, 40.0), (3, 80.0), (4, 160.0), (5, 320.0), (6, 600.0), (7, 600.0)]
)
def test_each_failure_in_a_row_doubles_the_pause_up_to_ten_minutes(count: int, pause: float) -> None:
    assert not restrained(START, failures(count, last_ended=pause - 1)).start
    assert restrained(START, failures(count, last_ended=pause)).start


def test_the_pause_says_how_long_it_is_and_what_to_do() -> None:
    reason = restrained(START, failures(3, last_ended=23.0)).reason
    assert reason == (
        "13 entries wait; the last 3 drains failed, most recently run run-0, whose error says what to do: the next one "
        "is asked for in 57 s; one started by hand runs at once"
    )


def test_one_drain_that_did_well_ends_the_pause() -> None:
    well = EndedRun("well", failed=False, ended_seconds_ago=0.5)
    assert restrained(START, [well, *failures(7, last_ended=1.0)]) == START
    assert restrained(START, []) == START
