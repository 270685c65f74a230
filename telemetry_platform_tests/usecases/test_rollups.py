"""Rollups on the real engines: a day is what its base says, whatever arrives, is killed, is sent again or erased."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry_platform.contracts.registry import tables
from telemetry_platform.contracts.rollup_registry import of_base, rollups
from telemetry_platform.errors import PermanentError, TransientError
from telemetry_platform.stores import ingest_ledger, rollup_marks, rollup_tables
from telemetry_platform.usecases.drain.stores import open_stores
from telemetry_platform.usecases.rollups.rebuild import rebuild_day
from telemetry_platform.usecases.rollups.touched import due_days, rebuild_due
from telemetry_platform.usecases.rollups.verify import days_of, verify_day

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from telemetry_platform.settings import Settings
    from telemetry_platform.usecases.drain.stores import DrainStores

HEALTH = rollups()["video_health_hourly"]
NOW = datetime.now(UTC).replace(microsecond=0)
TODAY = NOW.date()
_LONG = timedelta(minutes=5)
_DEFAULTS: dict[str, Any] = {
    "Array(UInt8)": [],
    "Bool": False,
    "DateTime64(3, 'UTC')": NOW,
    "Float64": 0.0,
    "String": "",
    "UInt16": 200,
    "UInt32": 0,
    "UInt64": 0,
    "UInt8": 0,
    "UUID": UUID(int=0),
}


@pytest.fixture(scope="module")
def stores(module_platform: Settings) -> Iterator[DrainStores]:
    """Stores on fresh databases; each test uses days of its own."""
    with open_stores(module_platform, log_comment="tests") as opened:
        yield opened


_days = iter(range(3, 80))


@pytest.fixture
def day() -> date:
    """A day that no other test writes to."""
    return TODAY - timedelta(days=next(_days))


def at(day: date, hour: int = 10, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def put(stores: DrainStores, table: str, rows: Sequence[dict[str, Any]], *, mark: bool = True) -> None:
    """Store rows as a batch would, and mark their days unless that is left to the test."""
    columns = tables()[table].columns
    whole = [
        {column.name: None if column.nullable else _DEFAULTS[column.clickhouse] for column in columns} | row
        for row in rows
    ]
    names = [column.name for column in columns]
    values = ", ".join("(" + ", ".join(_literal(row[name]) for name in names) + ")" for row in whole)
    stores.warehouse.client.command(
        f"INSERT INTO {table} ({', '.join(names)}) SETTINGS insert_deduplicate = 0 VALUES {values}"  # noqa: S608
    )
    if mark:
        touch(stores, table, {row["occurred_at"].date() for row in rows})


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, datetime):
        return f"'{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03d}'"
    if isinstance(value, (str, UUID)):
        return f"'{value}'"
    return str(value)


def touch(stores: DrainStores, table: str, days: set[date]) -> None:
    with stores.postgres() as conn, conn.transaction():
        ingest_ledger.mark_touched_days(conn, table, days, "a batch", now=NOW)


def session(number: int, moment: datetime, version: int = 1, **more: object) -> dict[str, Any]:
    return {
        "session_id": UUID(int=number),
        "org_id": "clinic-1",
        "occurred_at": moment,
        "actor_hash": f"{number:064x}",
        "key_epoch": 1,
        "device_type": "mobile",
        "media_id": "m",
        "state": "completed",
        "start_seen": True,
        "fold_version": version,
        **more,
    }


def total(stores: DrainStores, rollup: str, day: date, measure: str, dimension: str = "all") -> float:
    where = "dimension = {dimension:String}" if "dimension" in rollups()[rollup].keys else "1"
    return float(
        stores.warehouse.client.scalar(
            f"SELECT sum({measure}) FROM {rollup} WHERE _partition_id = {{day:String}} AND {where}",  # noqa: S608
            {"day": rollup_tables.partition(day), "dimension": dimension},
        )
    )


def rebuild(stores: DrainStores, base: str, day: date, **more: Any) -> None:  # noqa: ANN401 - as rebuild_day takes them
    for rollup in of_base(base):
        rebuild_day(stores, rollup, day, run_id="test", now=NOW, **more)


def agree(stores: DrainStores, base: str, day: date) -> None:
    for rollup in of_base(base):
        verdict = verify_day(stores, rollup, day)
        assert verdict.matches, (rollup.name, verdict.differences)


def is_due(stores: DrainStores, day: date, rollup: str = HEALTH.name) -> bool:
    with stores.postgres() as conn:
        return any(found == day for _, found, _ in due_days(conn, rollups()[rollup]))


def test_e02_a_session_stored_twice_counts_once_in_every_rollup(stores: DrainStores, day: date) -> None:
    row = session(1, at(day), watched_seconds=60.0)
    put(stores, "media_sessions", [row])
    put(stores, "media_sessions", [row])
    rebuild(stores, "media_sessions", day)
    for rollup in of_base("media_sessions"):
        assert total(stores, rollup.name, day, "sessions") == 1
        assert total(stores, rollup.name, day, "watched_seconds") == 60
    agree(stores, "media_sessions", day)


def test_e09_a_late_event_raises_its_own_days_total_exactly_once(stores: DrainStores, day: date) -> None:
    put(stores, "media_sessions", [session(901, at(day))])
    rebuild_due(stores, now=NOW, budget=_LONG)
    assert not is_due(stores, day)
    put(stores, "media_sessions", [session(902, at(day, 23, 59), received_at=at(day + timedelta(days=3)))])
    assert is_due(stores, day)
    for _ in range(2):
        rebuild_due(stores, now=NOW, budget=_LONG)
        assert (total(stores, HEALTH.name, day, "sessions"), is_due(stores, day)) == (2, False)


def test_e10_averages_and_percentiles_of_days_are_those_of_all_sessions(stores: DrainStores, day: date) -> None:
    next_day = TODAY - timedelta(days=next(_days))
    put(stores, "media_sessions", [session(903, at(day), ttfb_ms=1000.0)])
    put(stores, "media_sessions", [session(number, at(next_day), ttfb_ms=100.0) for number in range(100, 199)])
    for each in (day, next_day):
        rebuild(stores, "media_sessions", each)
    ((average, p50, p995),) = stores.warehouse.client.query(
        "SELECT sum(ttfb_ms_sum) / sum(ttfb_ms_count), histogram_quantile(0.5, sumForEach(ttfb_ms_histogram)), "
        "histogram_quantile(0.995, sumForEach(ttfb_ms_histogram)) FROM video_health_hourly "
        "WHERE dimension = 'all' AND _partition_id IN ({one:String}, {other:String})",
        {"one": rollup_tables.partition(day), "other": rollup_tables.partition(next_day)},
    )
    assert average == pytest.approx(109)
    assert p50 == pytest.approx(100, rel=0.045)
    assert p995 == pytest.approx(1000, rel=0.045)


def test_e12_a_batch_delivered_four_times_counts_once(stores: DrainStores, day: date) -> None:
    figure = {
        "event_id": UUID(int=12), "org_id": "clinic-1", "occurred_at": at(day), "metric": "m", "unit": "min",
        "value": 999.0, "team_id": "t", "actor_hash": "a" * 64, "key_epoch": 1, "batch_id": "b",
    }  # fmt: skip
    for _ in range(4):
        put(stores, "staff_metrics", [figure])
    rebuild(stores, "staff_metrics", day)
    assert (total(stores, "staff_daily", day, "figures"), total(stores, "staff_daily", day, "value_sum")) == (1, 999)
    agree(stores, "staff_metrics", day)


def test_e27_a_local_evening_counts_on_its_utc_day(stores: DrainStores, day: date) -> None:
    evening = datetime.fromisoformat(f"{day - timedelta(days=1)}T23:30:00-08:00")
    put(stores, "media_sessions", [session(27, evening.astimezone(UTC))])
    rebuild(stores, "media_sessions", day)
    ((hour,),) = stores.warehouse.client.query(
        "SELECT hour FROM video_health_hourly WHERE dimension = 'all' AND _partition_id = {day:String}",
        {"day": rollup_tables.partition(day)},
    )
    assert hour == at(day, 7)


def test_e34_the_repeated_local_hour_is_two_hours_of_one_day(stores: DrainStores) -> None:
    day = date(2026, 10, 25) if date(2026, 10, 25) < TODAY else TODAY - timedelta(days=1)
    put(stores, "media_sessions", [session(3400 + hour, at(day, hour, 30)) for hour in (0, 1)])
    rebuild(stores, "media_sessions", day)
    ours = stores.warehouse.client.query(
        "SELECT hour, sum(sessions) FROM video_health_hourly WHERE dimension = 'all' AND hour IN "
        "({one:DateTime64(3, 'UTC')}, {other:DateTime64(3, 'UTC')}) GROUP BY hour ORDER BY hour",
        {"one": at(day, 0), "other": at(day, 1)},
    )
    assert [tuple(row) for row in ours] == [(at(day, 0), 1), (at(day, 1), 1)]
    put(stores, "media_sessions", [session(3400 + hour, at(day, hour, 30)) for hour in range(24)])
    rebuild(stores, "media_sessions", day)
    assert total(stores, HEALTH.name, day, "1") == 24


def test_a_session_that_moves_leaves_its_old_day_empty(stores: DrainStores, day: date) -> None:
    new_day = TODAY - timedelta(days=next(_days))
    put(stores, "media_sessions", [session(5, at(day))])
    rebuild(stores, "media_sessions", day)
    put(stores, "media_sessions", [session(5, at(new_day), version=2)])
    touch(stores, "media_sessions", {day, new_day})
    rebuild_due(stores, now=NOW, budget=_LONG)
    assert (total(stores, HEALTH.name, day, "sessions"), total(stores, HEALTH.name, new_day, "sessions")) == (0, 1)
    agree(stores, "media_sessions", day)


class _Killed(Exception):  # noqa: N818 - stands for the end of a process
    """Somebody ended the process."""


@pytest.mark.parametrize("point", ["mark read", "filled", "swap begun", "swapped"])
def test_a_rebuild_that_is_killed_leaves_the_day_due_and_is_made_again(
    stores: DrainStores, day: date, point: str
) -> None:
    def kill(where: str) -> None:
        if where == point:
            raise _Killed

    put(stores, "media_sessions", [session(6 + 100 * day.toordinal(), at(day))])
    rebuild(stores, "media_sessions", day)
    put(stores, "media_sessions", [session(7 + 100 * day.toordinal(), at(day))])
    with pytest.raises(_Killed):
        rebuild_day(stores, HEALTH, day, run_id="killed", now=NOW, checkpoint=kill)
    assert is_due(stores, day)
    assert total(stores, HEALTH.name, day, "sessions") == (2 if point == "swapped" else 1)
    rebuild_due(stores, now=NOW, budget=_LONG)
    assert (total(stores, HEALTH.name, day, "sessions"), is_due(stores, day)) == (2, False)


@pytest.mark.parametrize("point", ["mark read", "filled", "swapped"])
def test_what_arrives_during_a_rebuild_leaves_the_day_due(stores: DrainStores, day: date, point: str) -> None:
    def arrive(where: str) -> None:
        if where == point:
            put(stores, "media_sessions", [session(9 + 100 * day.toordinal(), at(day))])

    put(stores, "media_sessions", [session(8 + 100 * day.toordinal(), at(day))])
    rebuild_day(stores, HEALTH, day, run_id="test", now=NOW, checkpoint=arrive)
    assert is_due(stores, day)
    agree(stores, "media_sessions", day)
    assert (total(stores, HEALTH.name, day, "sessions"), is_due(stores, day)) == (2, False)


def test_two_rebuilds_of_one_day_are_kept_apart(stores: DrainStores, day: date) -> None:
    put(stores, "media_sessions", [session(10, at(day))])
    with stores.postgres() as other, rollup_marks.day_locked(other, HEALTH.name, day), stores.postgres() as conn:
        conn.execute("SET lock_timeout = '50ms'")
        with (
            pytest.raises(TransientError, match="somebody else rebuilds"),
            rollup_marks.day_locked(conn, HEALTH.name, day),
        ):
            pytest.fail("two were let in")
    rebuild(stores, "media_sessions", day)
    agree(stores, "media_sessions", day)


def test_a_day_that_differs_from_its_base_is_found(stores: DrainStores, day: date) -> None:
    put(stores, "media_sessions", [session(11, at(day))])
    rebuild(stores, "media_sessions", day)
    # Past the drain, and so without a mark.
    put(stores, "media_sessions", [session(12, at(day))], mark=False)
    verdict = verify_day(stores, HEALTH, day)
    assert not verdict.matches
    assert any("sessions differs" in sentence for sentence in verdict.differences)


def test_a_day_of_which_rows_have_expired_is_neither_rebuilt_nor_due(stores: DrainStores) -> None:
    long_ago = TODAY - timedelta(days=800)
    touch(stores, "media_sessions", {long_ago})
    assert not is_due(stores, long_ago)
    assert long_ago not in days_of(stores, HEALTH)
    with pytest.raises(PermanentError, match="have expired"):
        rebuild_day(stores, HEALTH, long_ago, run_id="test", now=NOW)


def test_staging_tables_are_gone_and_forgotten_ones_go(stores: DrainStores, day: date) -> None:
    put(stores, "media_sessions", [session(13, at(day))])
    rebuild(stores, "media_sessions", day)
    assert not stores.warehouse.rows("select_stagings")
    stores.warehouse.client.command(f"CREATE TABLE staged_{HEALTH.name}_left AS {HEALTH.name}")
    assert rollup_tables.drop_forgotten(stores.warehouse, NOW) == 0
    assert rollup_tables.drop_forgotten(stores.warehouse, NOW + timedelta(days=1)) == 1


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
            rebuild_due(stores, now=NOW, budget=_LONG)
    rebuild_due(stores, now=NOW, budget=_LONG)
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


def test_a_difference_that_an_open_batch_may_explain_is_not_called_wrong(stores: DrainStores, day: date) -> None:
    put(stores, "media_sessions", [session(14, at(day))])
    rebuild(stores, "media_sessions", day)
    put(stores, "media_sessions", [session(15, at(day))], mark=False)
    batch = ingest_ledger.Batch("s", "b", "b", "media", "open", 1, (b"1-0",))
    with stores.postgres() as conn:
        ingest_ledger.open_batch(conn, batch, run_id="test", now=NOW)

        def close(_: float) -> None:
            touch(stores, "media_sessions", {day})
            conn.execute("UPDATE ingest.batches SET state = 'split', closed_at = %s WHERE batch_id = 'b'", (NOW,))

        assert verify_day(stores, HEALTH, day, sleep=close).matches
    assert total(stores, HEALTH.name, day, "sessions") == 2
