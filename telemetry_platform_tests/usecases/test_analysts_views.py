"""The analysts' views on the real engine: each thing once, small groups withheld, the same figures as from the base."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry_platform import analysis, sql_files
from telemetry_platform.contracts.view_registry import views
from telemetry_platform.embedded.state import project_root
from telemetry_platform.usecases.drain.stores import open_stores
from telemetry_platform_tests.usecases.analysts_data import DAY, NEXT, fill
from telemetry_platform_tests.usecases.rollup_making import put, rebuild, session

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from telemetry_platform.contracts.view import View
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.clickhouse import Client
    from telemetry_platform.usecases.drain.stores import DrainStores

_PAGE = (project_root() / "docs" / "analysis.md").read_text(encoding="utf-8")
SINCE, UNTIL = DAY, DAY + timedelta(days=2)
_tenants = itertools.count(1)


@pytest.fixture(scope="module")
def stores(module_platform: Settings) -> Iterator[DrainStores]:
    """Stores with some of everything, each row stored twice."""
    with open_stores(module_platform, log_comment="tests") as opened:
        fill(opened)
        yield opened


def _read(client: Client, view: View, columns: str, where: str = "1", org: str = "clinic-1") -> Sequence[Sequence[Any]]:
    source = f"{view.name}(since = {{since:Date}}, until = {{until:Date}})" if view.parameters else view.name
    return client.query(
        f"SELECT {columns} FROM {source} WHERE org_id = {{org:String}} AND {where} ORDER BY ALL",  # noqa: S608
        {"org": org, "since": SINCE, "until": UNTIL},
    )


@pytest.mark.parametrize("view", views().values(), ids=views())
def test_a_live_view_has_the_columns_of_its_contract(stores: DrainStores, view: View) -> None:
    client = stores.warehouse.client
    if view.parameters:
        asked = f"{view.name}(since = {{since:Date}}, until = {{until:Date}})"
        rows = client.query(f"DESCRIBE TABLE {asked}", {"since": SINCE, "until": UNTIL})
    else:
        rows = client.query(
            "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {t:String} "
            "ORDER BY position",
            {"t": view.name},
        )
    live = [(row[0], str(row[1]).removeprefix("LowCardinality(").removesuffix(")")) for row in rows]
    said = [
        (column.name, f"Nullable({column.clickhouse})".removesuffix(")") if column.nullable else column.clickhouse)
        for column in view.columns
    ]
    assert live == said


_FIGURES: dict[str, tuple[str, str, tuple[Any, ...]]] = {
    "video_health": ("value, sessions, stalls_per_session", "dimension = 'all'", ("", 20, 1.0)),
    "media_health": ("media_id, sessions, stalls_per_session", "1", ("m", 20, 1.0)),
    "stalls": ("value, stalls, mean_stall_ms", "dimension = 'device_type'", ("mobile", 20, 2100.0)),
    "api_health": ("route, requests, mean_duration_ms", "1", ("/x", 3, 20.0)),
    "errors": ("fingerprint, errors, error_code", "1", ("f", 5, "E")),
    "staff": ("team_id, figures, mean_value", "1", ("t", 5, 3.5)),
    "exercise": ("exercise_id, sessions, mean_min_deg", "angle = 'left_knee'", ()),
}


@pytest.mark.parametrize("view", views().values(), ids=views())
def test_e02_what_is_stored_twice_is_read_once_through_every_view(stores: DrainStores, view: View) -> None:
    columns, where, row = next(figures for name, figures in _FIGURES.items() if view.name.startswith(name))
    found = _read(stores.warehouse.client, view, columns, where)
    # Six squat and two bend: the two are withheld, and the six with them.
    assert [tuple(each) for each in found] == ([row] if row else [])


@pytest.mark.parametrize("name", ["video_health_daily", "video_health_between"])
def test_the_group_beside_a_small_one_is_withheld_with_it(stores: DrainStores, name: str) -> None:
    found = _read(stores.warehouse.client, views()[name], "value, sessions", "dimension = 'country_code'")
    assert [tuple(each) for each in found] == [("AT", 10)]


@pytest.mark.parametrize("name", ["video_health_daily", "video_health_between"])
@pytest.mark.parametrize(
    "where",
    [
        # Were it asked before groups are placed, no small one would stand before the other.
        "value = 'DE'",
        "value IN ('DE', 'CH')",
        # Were it asked of what is withheld, the error would tell of it.
        "value != 'AT' AND throwIf(value != 'AT') = 0",
        "throwIf(sessions < 10) = 1",
        "throwIf(ifNull(mean_ttfb_ms, 0) > 1000) = 1",
        "intDiv(1, toUInt8(ifNull(mean_ttfb_ms, 0) < 1000)) = 0",
    ],
)
def test_a_readers_own_condition_sees_nothing_that_is_withheld(stores: DrainStores, name: str, where: str) -> None:
    assert not _read(stores.warehouse.client, views()[name], "value", f"dimension = 'country_code' AND {where}")


def test_e10_a_periods_mean_and_percentiles_are_those_of_all_its_sessions(stores: DrainStores) -> None:
    client = stores.warehouse.client
    columns = "sessions, mean_ttfb_ms, p50_ttfb_ms, p95_ttfb_ms"
    ((sessions, mean, p50, p95),) = _read(
        client, views()["video_health_between"], columns, "dimension = 'all'", org="e10"
    )
    assert (sessions, mean) == (100, pytest.approx(109))
    assert p50 == p95 == pytest.approx(100, rel=0.045)
    # By day the one person of the first day is withheld.
    ((day, alone),) = _read(client, views()["video_health_daily"], "day, mean_ttfb_ms", "dimension = 'all'", org="e10")
    assert (day, alone) == (NEXT, pytest.approx(100))


def test_a_views_percentiles_are_those_of_its_bases_histogram(stores: DrainStores) -> None:
    client = stores.warehouse.client
    for view, column, base, value in (
        ("video_health_between", "p95_ttfb_ms", "media_sessions_current", "ttfb_ms"),
        ("stalls_between", "p95_stall_ms", "media_buffering_current", "duration_ms"),
    ):
        ((shown,),) = _read(client, views()[view], column, "dimension = 'all'")
        from_base = client.scalar(
            f"SELECT histogram_quantile(0.95, sumForEach(histogram_of({value}))) FROM {base} "  # noqa: S608
            "WHERE org_id = 'clinic-1'"
        )
        exact = client.scalar(
            f"SELECT quantileExactLow(0.95)({value}) FROM {base} WHERE org_id = 'clinic-1'"  # noqa: S608
        )
        assert shown == from_base
        assert shown == pytest.approx(exact, rel=0.046)


_people = st.sets(st.tuples(st.integers(1, 2), st.integers(1, 12)), max_size=12)


@settings(max_examples=35, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(groups=st.lists(st.lists(_people, min_size=1, max_size=3), min_size=1, max_size=5))
def test_nothing_that_is_shown_or_left_when_it_is_taken_away_has_fewer_than_five_persons(
    stores: DrainStores, groups: list[list[set[tuple[int, int]]]]
) -> None:
    client, org = stores.warehouse.client, f"tenant-{next(_tenants)}"
    whole = {f"v{number}": set[tuple[int, int]]().union(*hours) for number, hours in enumerate(groups)}
    rows = [(f"v{number}", hour, people) for number, hours in enumerate(groups) for hour, people in enumerate(hours)]
    totals = [("", 0, set[tuple[int, int]]().union(*whole.values()))]
    for dimension, of_it in (("country_code", rows), ("all", totals)):
        values = ", ".join(
            f"('{value}', {hour}, {len(people) + 1}, "
            f"[{', '.join(f'({epoch}, {who})' for epoch, who in sorted(people))}]::Array(Tuple(UInt32, UInt32)))"
            for value, hour, people in of_it
        )
        client.command(
            "INSERT INTO video_health_hourly (org_id, hour, dimension, value, sessions, few_actors) "  # noqa: S608
            "SELECT {org:String}, {at:DateTime64(3, 'UTC')} + toIntervalHour(hour), {dimension:String}, value, "
            "sessions, few_actors_of(arrayMap(person -> actor_mark(person.1, toString(person.2)), people)) FROM values("
            f"'value String, hour UInt8, sessions UInt64, people Array(Tuple(UInt32, UInt32))', {values})",
            {"org": org, "at": datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC), "dimension": dimension},
        )
    for name in ("video_health_daily", "video_health_between"):
        found = _read(client, views()[name], "value", "dimension = 'country_code'", org=org)
        shown = {str(value) for (value,) in found}
        total_shown = bool(_read(client, views()[name], "value", "dimension = 'all'", org=org))
        for value in shown:
            assert _largest(whole[value]) >= 5
        withheld = [people for value, people in whole.items() if value not in shown]
        left = set[tuple[int, int]]().union(*withheld)
        assert not withheld or not total_shown or not shown or _largest(left) >= 5
        # Withheld for a reason only: no small group, nothing withheld.
        if all(_largest(people) >= 5 for people in whole.values()):
            assert shown == set(whole)


def _largest(people: set[tuple[int, int]]) -> int:
    return max(Counter(epoch for epoch, _ in people).values(), default=0)


def test_a_day_that_has_not_ended_is_not_shown(stores: DrainStores) -> None:
    today = datetime.now(UTC)
    put(stores, "media_sessions", [session(n, today, org_id="today") for n in range(2000, 2010)])
    rebuild(stores, "media_sessions", today.date())
    # At midnight the day might have ended by now.
    if datetime.now(UTC).date() == today.date():
        assert not _read(stores.warehouse.client, views()["video_health_daily"], "day", org="today")


def test_the_servers_own_parser_reads_the_role(stores: DrainStores) -> None:
    for statement in sql_files.statements(sql_files.read("clickhouse/roles/telemetry_analyst.sql")):
        text = "\n".join(line for line in statement.splitlines() if not line.startswith("--"))
        assert stores.warehouse.client.scalar("SELECT formatQuery({text:String})", {"text": text.strip()})


def test_frames_are_typed_with_and_without_rows(stores: DrainStores) -> None:
    client = stores.warehouse
    countries = analysis.ttfb_by_country(client, "clinic-1", SINCE, UNTIL)
    assert countries.to_dict("records")[0] | {"p50_ttfb_ms": 0, "p95_ttfb_ms": 0} == {
        "country_code": "AT", "sessions": 10, "mean_ttfb_ms": 550.0, "p50_ttfb_ms": 0, "p95_ttfb_ms": 0,
    }  # fmt: skip
    for ask in (
        analysis.ttfb_by_country,
        analysis.stalls_by_device,
        analysis.api_latency,
        analysis.errors,
        analysis.exercise_motion,
        analysis.video_health_by_day,
    ):
        full, empty = (ask(client, org, SINCE, UNTIL) for org in ("clinic-1", "nobody"))
        assert empty.empty
        assert list(full.dtypes) == list(empty.dtypes)
    by_day = analysis.video_health_by_day(client, "clinic-1", SINCE, UNTIL)
    assert by_day["day"].tolist() == [pd.Timestamp(DAY, tz="UTC")]
    assert str(by_day["sessions"].dtype) == "Int64"


@pytest.mark.parametrize(
    ("asked", "error", "says"),
    [
        (("", SINCE, UNTIL), ValueError, "org must be"),
        (("clinic-1", UNTIL, SINCE), ValueError, "since must lie before until"),
        (("clinic-1", datetime(2026, 1, 1, tzinfo=UTC), UNTIL), TypeError, "since must be a datetime.date"),
        (("clinic-1", SINCE, "2026-01-01"), TypeError, "until must be a datetime.date"),
    ],
)
def test_a_wrong_argument_is_named(
    stores: DrainStores, asked: tuple[str, date, date], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        analysis.errors(stores.warehouse, *asked)


def test_a_dimension_that_there_is_not_is_refused(stores: DrainStores) -> None:
    with pytest.raises(ValueError, match="dimension must be one of all, country_code"):
        analysis.video_health_by_day(stores.warehouse, "clinic-1", SINCE, UNTIL, dimension="actor_hash")


@pytest.mark.parametrize("asked", re.findall(r"```sql\n(SELECT .*?)```", _PAGE, re.DOTALL))
def test_the_queries_of_the_page_run(stores: DrainStores, asked: str) -> None:
    # Their days are of another year than the data: what is tested is that names and types are right.
    assert stores.warehouse.client.query(asked) == []
