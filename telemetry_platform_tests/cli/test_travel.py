"""`telemetry travel` as whoever shows the demo uses it, on engines of its own: a server of ClickHouse has one clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from telemetry_platform.embedded.platform import PlatformHandle, running_stores
from telemetry_platform.stores import clock, postgres
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform.usecases.ensure_keys import ensure_keys
from telemetry_platform_tests.cli.test_rights import telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.settings import Settings

_AHEAD = timedelta(days=183)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformHandle]:
    with running_stores("demo", base=tmp_path_factory.mktemp("travelling"), remove=True) as handle:
        with postgres.connect(handle.settings.postgres) as connection:
            ensure_keys(connection, handle.settings.keys, datetime.now(UTC))
        yield handle


def _clocks(settings: Settings) -> list[timedelta]:
    """How far ahead both databases are, in whole days."""
    with (
        postgres.connect(settings.postgres, autocommit=True) as connection,
        open_warehouse(settings.clickhouse) as warehouse,
    ):
        seen = [clock.platform_now(connection), warehouse.client.scalar("SELECT telemetry_now()")]
    return [timedelta(days=round((moment - datetime.now(UTC)) / timedelta(days=1))) for moment in seen]


def _trail(settings: Settings) -> list[str]:
    assert settings.postgres.read_url is not None
    with postgres.connect(settings.postgres.read_url.get_secret_value()) as connection:
        rows = connection.execute(
            "SELECT body->>'to' FROM audit.audit_logs JOIN audit.details USING (seq) "
            "WHERE action = 'clock.travelled' ORDER BY seq"
        ).fetchall()
    return [row[0] for row in rows]


def test_a_demo_goes_half_a_year_ahead_and_back(demo: PlatformHandle) -> None:
    moment = (datetime.now(UTC) + _AHEAD).replace(microsecond=0)
    said = telemetry(demo.settings, "travel", "--to", moment.isoformat())
    assert "days ahead" in said
    assert "merges go by the machine's clock" in said
    assert _clocks(demo.settings) == [_AHEAD, _AHEAD]
    assert "the real time again" in telemetry(demo.settings, "travel", "--back")
    assert _clocks(demo.settings) == [timedelta(), timedelta()]
    assert _trail(demo.settings) == [moment.isoformat(), "the real time"]


def test_a_real_database_does_not_travel(platform: Settings) -> None:
    said = telemetry(platform, "travel", "--to", "2099-01-01", code=1)
    assert "was not made as a demo" in said
    # A profile by that name changes nothing: what a database is was decided when it was made.
    disguised = platform.model_copy(update={"profile": "demo"})
    assert "was not made as a demo" in telemetry(disguised, "travel", "--to", "2099-01-01", code=1)
    assert _trail(platform) == []
    assert _clocks(platform) == [timedelta(), timedelta()]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--to", "2001-01-01"), "forward only"),
        (("--to", "next summer"), "ISO 8601"),
        ((), "say where to"),
        (("--to", "2099-01-01", "--back"), "say where to"),
    ],
)
def test_where_nobody_can_go_is_said(demo: PlatformHandle, words: tuple[str, ...], message: str) -> None:
    said = telemetry(demo.settings, "travel", *words, code=1)
    assert message in said
    assert _clocks(demo.settings) == [timedelta(), timedelta()]


def test_a_clickhouse_that_others_live_in_keeps_its_clock(demo: PlatformHandle) -> None:
    with open_warehouse(demo.settings.clickhouse) as warehouse:
        warehouse.client.command("CREATE DATABASE another")
        warehouse.client.command("CREATE TABLE another.schema_ledger (item String) ENGINE = MergeTree ORDER BY item")
    try:
        before = _trail(demo.settings)
        assert "other platforms" in telemetry(demo.settings, "travel", "--to", "2099-01-01", code=1)
        assert _clocks(demo.settings) == [timedelta(), timedelta()]
        assert _trail(demo.settings) == before
    finally:
        with open_warehouse(demo.settings.clickhouse) as warehouse:
            warehouse.client.command("DROP DATABASE another")
