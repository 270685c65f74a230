"""Every panel's query, on the real engines, as the dashboards' own role."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dashboards.declaration import Board, Panel, boards
from telemetry_platform.stores import postgres
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform_tests.dashboards.macros import Window
from telemetry_platform_tests.dashboards.standing_data import ORG, fill
from telemetry_platform_tests.stores.trail import trail_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashboards.declaration import Source
    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.warehouse import Warehouse

_PANELS = [pytest.param(board, panel, id=f"{board.uid}: {panel.title}") for board in boards() for panel in board.panels]


class Grafana:
    """The two data sources with their logins."""

    def __init__(self, warehouse: Warehouse, conn: Connection, now: datetime) -> None:
        self._warehouse, self._conn = warehouse, conn
        self._window = Window(now - timedelta(days=2), now + timedelta(days=2), 3600, {})

    def choose_all(self, board: Board) -> Window:
        """What a reader sees who has chosen nothing."""
        chosen: dict[str, list[str]] = {}
        for variable in board.variables:
            found = variable.choices
            if variable.source is not None:
                found = [str(row[0]) for row in self.ask(variable.sql, variable.source, self._window)[1]]
            chosen[variable.name] = found if variable.multi and not variable.choices else found[:1]
        return Window(self._window.since, self._window.until, self._window.interval_seconds, chosen)

    def ask(self, sql: str, source: Source, window: Window) -> tuple[dict[str, str], list[Any]]:
        """Names and types of the columns, and the rows."""
        statement = window.expand(sql, source)
        if source == "clickhouse":
            columns = {row[0]: row[1] for row in self._warehouse.client.query(f"DESCRIBE TABLE ({statement})")}
            return columns, list(self._warehouse.client.query(statement))
        cursor = self._conn.execute(statement.encode())
        assert cursor.description is not None
        return {column.name: column.type_display for column in cursor.description}, cursor.fetchall()


@pytest.fixture(scope="module")
def grafana(engines: PlatformHandle, module_platform: Settings) -> Iterator[Grafana]:
    now = datetime.now(UTC)
    fill(module_platform, trail_of(engines, module_platform), now)
    assert module_platform.postgres.dashboards_url is not None
    with (
        open_warehouse(module_platform.clickhouse, log_comment="tests") as warehouse,
        postgres.connect(module_platform.postgres.dashboards_url.get_secret_value(), autocommit=True) as conn,
    ):
        yield Grafana(warehouse, conn, now)


@pytest.mark.parametrize(("board", "panel"), _PANELS)
def test_a_panel_answers_with_rows_and_the_columns_that_it_declares(
    grafana: Grafana, board: Board, panel: Panel
) -> None:
    columns, rows = grafana.ask(panel.sql, panel.source, grafana.choose_all(board))
    assert columns == panel.columns
    assert rows
    assert any(value is not None for value in rows[0])


def test_every_choice_has_values(grafana: Grafana) -> None:
    for board in boards():
        for name, values in grafana.choose_all(board).chosen.items():
            assert values, f"{board.title}: {name}"
            assert name != "org" or values == [ORG]
