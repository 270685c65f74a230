"""Which runs may be forgotten: by pace, age and number, and never one that is needed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from telemetry_platform.processing.history import (
    Bound,
    Keeping,
    Pace,
    PastRun,
    TableSize,
    excesses,
    expendable,
    overdue,
)

NOW = datetime(2026, 11, 26, 2, 20, tzinfo=UTC)
KEEPING = Keeping({Pace.MINUTELY: 2, Pace.FREQUENT: 7, Pace.RARE: 90}, 1000)


def run(run_id: str, days: float | None, *, job: str = "drain", pace: Pace = Pace.FREQUENT) -> PastRun:
    return PastRun(run_id, job, pace, None if days is None else NOW - timedelta(days=days))


def ids(runs: list[PastRun]) -> list[str]:
    return [one.run_id for one in runs]


def test_each_pace_has_its_days_and_the_oldest_go_first() -> None:
    runs = [
        run("drain-new", 0),
        run("drain-young", 6.9),
        run("drain-old", 7.1),
        run("drain-older", 30),
        run("signed-new", 0, job="sign", pace=Pace.MINUTELY),
        run("signed-young", 1.9, job="sign", pace=Pace.MINUTELY),
        run("signed-old", 2.1, job="sign", pace=Pace.MINUTELY),
        run("nightly-new", 1, job="nightly", pace=Pace.RARE),
        run("nightly-young", 89, job="nightly", pace=Pace.RARE),
        run("nightly-old", 91, job="nightly", pace=Pace.RARE),
    ]
    assert ids(expendable(runs, (), KEEPING, NOW)) == ["nightly-old", "drain-older", "drain-old", "signed-old"]


def test_what_is_at_work_or_newest_or_needed_stays_however_old() -> None:
    runs = [
        run("newest", 400),
        run("at work", None),
        run("state of an asset", 500),
        run("of no use", 500),
        run("only one", 800, job="once", pace=Pace.RARE),
    ]
    assert ids(expendable(runs, {"state of an asset"}, KEEPING, NOW)) == ["of no use"]


def test_more_runs_than_are_kept_lose_the_oldest_though_they_are_young() -> None:
    runs = [run(f"{number:03}", number / 100) for number in range(100)]
    keeping = Keeping(KEEPING.days, 90)
    assert ids(expendable(runs, (), keeping, NOW)) == [f"{number:03}" for number in range(99, 89, -1)]
    assert overdue(runs, (), keeping, NOW) == []


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(list(Pace)), st.none() | st.floats(0, 200)), max_size=40
    ),
    st.integers(0, 40),
    st.sets(st.integers(0, 40)),
)
def test_whatever_the_history_the_last_of_a_job_and_what_is_needed_stay(
    history: list[tuple[str, Pace, float | None]], most: int, chosen: set[int]
) -> None:
    runs = [run(str(number), days, job=job, pace=pace) for number, (job, pace, days) in enumerate(history)]
    needed = {str(number) for number in chosen}
    gone = set(ids(expendable(runs, needed, Keeping(KEEPING.days, most), NOW)))
    assert not gone & needed
    for job in {one.job for one in runs}:
        ended = [one for one in runs if one.job == job and one.ended_at is not None]
        assert not ended or max(ended, key=lambda one: str(one.ended_at)).run_id not in gone
    assert not gone & {one.run_id for one in runs if one.ended_at is None}


def test_an_excess_names_the_table_and_both_numbers() -> None:
    bound = Bound({"runs": 10, "job_ticks": 100}, 1000)
    tables = [TableSize("runs", 11, 100), TableSize("job_ticks", 100, 100), TableSize("event_logs", 10**6, 700)]
    assert excesses(tables, bound) == ["runs holds 11 rows, 10 are allowed"]
    (told,) = excesses([TableSize("job_ticks", 5, 301), TableSize("event_logs", 5, 700)], bound)
    assert told == "all tables take 1,001 bytes, 1,000 are allowed; the largest is event_logs with 700"
