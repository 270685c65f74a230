"""The platform's clock on the real engines: the real time, but on a demo that travelled, in both databases."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from telemetry_platform import sql_files
from telemetry_platform.embedded.platform import PlatformHandle, running_stores
from telemetry_platform.embedded.postgres import url
from telemetry_platform.errors import PermanentError
from telemetry_platform.stores import clock, postgres
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform.usecases.apply_schema import apply_schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection

_HALF_A_YEAR = timedelta(days=182)
_A_LITTLE = timedelta(minutes=5)
_ROLES = ("telemetry_ingest", "telemetry_read", "telemetry_retention")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("travelling")


@pytest.fixture(scope="module")
def demo(base: Path) -> Iterator[PlatformHandle]:
    """Engines of their own: the clock of ClickHouse is the whole server's."""
    with running_stores("demo", stores=("postgres", "clickhouse"), base=base, remove=True) as handle:
        yield handle


@contextmanager
def _as(handle: PlatformHandle, role: str, database: str = "telemetry") -> Iterator[Connection]:
    address = url(role, handle.state.secrets()[role], handle.platform.ports()["postgres"], database)
    with postgres.connect(address, autocommit=True) as connection:
        yield connection


def _kind(settings: Settings) -> str:
    with postgres.connect(settings.postgres) as connection:
        return clock.installation(connection).kind


def _travel(settings: Settings, ahead: timedelta | None) -> None:
    moment = None if ahead is None else datetime.now(UTC) + ahead
    with (
        postgres.connect(settings.postgres, autocommit=True) as connection,
        open_warehouse(settings.clickhouse) as warehouse,
    ):
        clock.move_warehouse(warehouse, clock.travel(connection, moment))


def _clocks(settings: Settings) -> list[datetime]:
    """What both databases say, and a view of ClickHouse."""
    with (
        postgres.connect(settings.postgres, autocommit=True) as connection,
        open_warehouse(settings.clickhouse) as warehouse,
    ):
        return [clock.platform_now(connection), warehouse.client.scalar("SELECT telemetry_now()")]


def _is_about(moment: datetime, ahead: timedelta) -> bool:
    return abs(moment - datetime.now(UTC) - ahead) < _A_LITTLE


def test_a_database_is_a_demo_only_where_it_was_made_as_one(demo: PlatformHandle, platform: Settings) -> None:
    assert (_kind(demo.settings), _kind(platform)) == ("demo", "real")
    apply_schema(platform.model_copy(update={"profile": "demo"}), datetime.now(UTC))
    assert _kind(platform) == "real", "it had been made before"


def test_a_database_of_an_older_release_is_real(engines: PlatformHandle) -> None:
    # The table is new to it, the database is not.
    name = f"older_{uuid4().hex[:12]}"
    with postgres.connect(engines.postgres_admin_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE template0 OWNER telemetry_owner".encode())
    given = engines.settings.model_dump()
    for part, role in (("url", "telemetry_ingest"), ("owner_url", "telemetry_owner")):
        secret, port = engines.state.secrets()[role], engines.platform.ports()["postgres"]
        given["postgres"][part] = url(role, secret, port, name)
    given["clickhouse"]["database"] = name
    settings = type(engines.settings)(**given)
    apply_schema(settings, datetime.now(UTC))
    with _as(engines, "telemetry_owner", name) as owner:
        owner.execute("DROP TABLE ops.installation")
        owner.execute("DELETE FROM ops.schema_ledger WHERE item = 'tables/ops_installation'")
    apply_schema(settings.model_copy(update={"profile": "demo"}), datetime.now(UTC))
    assert _kind(settings) == "real"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ops.installation SET kind = 'demo'",
        "UPDATE ops.installation SET kind = 'demo', travelled_to = now() + interval '1 year', travel_began = now()",
        "UPDATE ops.installation SET made_at = now()",
        "DELETE FROM ops.installation",
        "TRUNCATE ops.installation",
        "SET session_replication_role = replica; UPDATE ops.installation SET kind = 'demo'",
        "UPDATE ops.installation SET travelled_to = now() + interval '1 year', travel_began = now()",
        "INSERT INTO ops.installation (kind, made_at) VALUES ('demo', now())",
    ],
)
def test_nobody_makes_a_demo_of_a_real_database(engines: PlatformHandle, statement: str) -> None:
    for role in ("telemetry_owner", *_ROLES):
        with _as(engines, role) as connection, pytest.raises(PermanentError):
            connection.execute(statement.encode())
    with _as(engines, "telemetry_read") as connection:
        assert clock.installation(connection) == ("real", timedelta())


def test_the_clock_of_a_real_database_does_not_move(platform: Settings) -> None:
    with (
        postgres.connect(platform.postgres) as connection,
        pytest.raises(PermanentError, match="was not made as a demo"),
    ):
        clock.travel(connection, datetime.now(UTC) + _HALF_A_YEAR)
    assert all(_is_about(moment, timedelta()) for moment in _clocks(platform))


def test_a_demo_travels_forward_and_back_in_both_databases(demo: PlatformHandle) -> None:
    _travel(demo.settings, _HALF_A_YEAR)
    try:
        assert all(_is_about(moment, _HALF_A_YEAR) for moment in _clocks(demo.settings))
        for role in _ROLES:
            with _as(demo, role) as connection:
                assert _is_about(clock.platform_now(connection), _HALF_A_YEAR), role
        _travel(demo.settings, 2 * _HALF_A_YEAR)
        assert all(_is_about(moment, 2 * _HALF_A_YEAR) for moment in _clocks(demo.settings)), "counted from now"
    finally:
        _travel(demo.settings, None)
    assert all(_is_about(moment, timedelta()) for moment in _clocks(demo.settings))


def test_a_demo_does_not_travel_into_the_past(demo: PlatformHandle) -> None:
    with pytest.raises(PermanentError, match="forward only"):
        _travel(demo.settings, -_HALF_A_YEAR)
    assert all(_is_about(moment, timedelta()) for moment in _clocks(demo.settings))


def test_applying_the_schema_leaves_a_traveller_where_it_is(demo: PlatformHandle) -> None:
    _travel(demo.settings, _HALF_A_YEAR)
    try:
        with open_warehouse(demo.settings.clickhouse) as warehouse:
            # As an edited file would be: applied again, with the real time in it.
            warehouse.client.command(
                "ALTER TABLE schema_ledger DELETE WHERE item = 'functions/telemetry_now' SETTINGS mutations_sync = 1"
            )
        report = apply_schema(demo.settings, datetime.now(UTC))
        assert "clickhouse/functions/telemetry_now" in report.applied
        assert all(_is_about(moment, _HALF_A_YEAR) for moment in _clocks(demo.settings))
    finally:
        _travel(demo.settings, None)


@pytest.mark.parametrize("ahead", [_HALF_A_YEAR, None], ids=["ahead", "back"])
def test_views_that_tell_the_time_travel_too(demo: PlatformHandle, ahead: timedelta | None) -> None:
    telling = [file.name for file in sql_files.files("clickhouse/views") if "telemetry_now()" in file.text]
    _travel(demo.settings, _HALF_A_YEAR)
    _travel(demo.settings, ahead)
    try:
        with open_warehouse(demo.settings.clickhouse) as warehouse:
            moved = [
                name
                for (name, text) in warehouse.client.query(
                    "SELECT name, create_table_query FROM system.tables "
                    "WHERE database = currentDatabase() AND engine = 'View'"
                )
                if "toIntervalMillisecond" in text
            ]
    finally:
        _travel(demo.settings, None)
    assert sorted(moved) == (telling if ahead else [])


def test_the_embedded_clickhouse_still_knows_the_time_after_it_was_killed(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    base = tmp_path_factory.mktemp("killed")
    with (
        running_stores("test", stores=("clickhouse",), with_schema=False, base=base) as handle,
        open_warehouse(handle.settings.clickhouse.model_copy(update={"database": "default"})) as warehouse,
    ):
        warehouse.execute("move_clock", {"ahead_ms": _HALF_A_YEAR // timedelta(milliseconds=1)})
        record = handle.platform.supervisor.record("clickhouse")
        assert record is not None
        os.kill(record.identity.pid, signal.SIGKILL)
    with (
        running_stores("test", stores=("clickhouse",), with_schema=False, wipe=False, remove=True, base=base) as handle,
        open_warehouse(handle.settings.clickhouse.model_copy(update={"database": "default"})) as warehouse,
    ):
        assert _is_about(warehouse.client.scalar("SELECT telemetry_now()"), _HALF_A_YEAR)
