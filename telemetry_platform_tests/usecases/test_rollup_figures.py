"""What rollups are made of: persons up to five, percentiles within their error, and any order of arrival."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry_platform.stores import rollup_tables
from telemetry_platform.usecases.rollups.touched import rebuild_due
from telemetry_platform_tests.usecases.rollup_making import (
    LONG,
    NOW,
    TODAY,
    agree,
    at,
    put,
    rebuild,
    session,
    touch,
)

if TYPE_CHECKING:
    from telemetry_platform.usecases.drain.stores import DrainStores


def test_five_persons_count_within_one_epoch_over_any_union_of_rows(stores: DrainStores, day: date) -> None:
    persons = [session(50 + n, at(day, n), actor_hash=f"{n % 3:064x}", key_epoch=1 + n // 5) for n in range(10)]
    put(stores, "media_sessions", persons)
    rebuild(stores, "media_sessions", day)
    ask = (
        "SELECT largest_epoch_count(groupUniqArrayArray(few_actors)) FROM video_health_hourly "
        "WHERE dimension = 'all' AND _partition_id = {day:String}"
    )
    assert stores.warehouse.client.scalar(ask, {"day": rollup_tables.partition(day)}) == 3
    put(stores, "media_sessions", [session(70 + n, at(day, 3), actor_hash=f"{10 + n:064x}") for n in range(9)])
    rebuild(stores, "media_sessions", day)
    assert stores.warehouse.client.scalar(ask, {"day": rollup_tables.partition(day)}) >= 5


@pytest.mark.parametrize("milliseconds", [0.2, 1.0, 1.9, 17.0, 333.3, 1000.0, 64_321.0, 1_048_575.0])
def test_a_quantile_is_within_its_error(stores: DrainStores, milliseconds: float) -> None:
    ((found, bucket, length),) = stores.warehouse.client.query(
        "SELECT histogram_quantile(0.95, histogram_of({ms:Float64})), histogram_bucket({ms:Float64}), "
        "length(histogram_of({ms:Float64}))",
        {"ms": milliseconds},
    )
    assert length == bucket + 1
    assert found == pytest.approx(milliseconds, rel=0.045, abs=0.5 if milliseconds < 1 else 0)


def test_without_values_there_is_no_quantile(stores: DrainStores) -> None:
    ((empty, none),) = stores.warehouse.client.query(
        "SELECT histogram_quantile(0.5, CAST([], 'Array(UInt32)')), "
        "length(histogram_of(CAST(NULL, 'Nullable(Float64)')))"
    )
    assert (empty, none) == (None, 0)


_SESSIONS = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.integers(0, 47),
        st.integers(1, 3),
        st.sampled_from([None, 0.5, 100.0, 2.0**20, 5e6]),
        st.sampled_from(["completed", "abandoned", "active"]),
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=_SESSIONS, seed=st.integers(0, 1000))
def test_any_order_duplicates_and_rebuilds_in_between_give_the_recomputed_answer(
    stores: DrainStores, made: list[tuple[int, int, int, float | None, str, bool]], seed: int
) -> None:
    chance, org = random.Random(seed), uuid4().hex  # noqa: S311 - a test
    first = TODAY - timedelta(days=90)
    rows = [
        session(
            1000 + number,
            at(first) + timedelta(hours=hour - 10),
            # One version of a session has one content.
            version=1_000 * version + place,
            org_id=org,
            startup_ms=startup,
            state=state,
            fatal_error=fatal,
            watched_seconds=float(10 * version),
        )
        for place, (number, hour, version, startup, state, fatal) in enumerate(made)
    ]
    arrivals = [*rows, *chance.sample(rows, len(rows) // 2)]
    chance.shuffle(arrivals)
    days = {row["occurred_at"].date() for row in rows}
    for row in arrivals:
        put(stores, "media_sessions", [row])
        touch(stores, "media_sessions", days)
        if chance.random() < 0.2:
            rebuild_due(stores, now=NOW, budget=LONG)
    rebuild_due(stores, now=NOW, budget=LONG)
    for each in sorted(days):
        agree(stores, "media_sessions", each)
    newest = {row["session_id"]: row for row in sorted(rows, key=lambda row: row["fold_version"])}
    ((sessions, started),) = stores.warehouse.client.query(
        "SELECT sum(sessions), sum(startup_ms_count) FROM video_health_hourly "
        "WHERE org_id = {org:String} AND dimension = 'all'",
        {"org": org},
    )
    assert sessions == len(newest)
    assert started == sum(row["startup_ms"] is not None for row in newest.values())
