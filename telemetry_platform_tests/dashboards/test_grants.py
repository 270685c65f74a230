"""What the dashboards' role may do: look at the views that name nobody, and nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from dashboards.declaration import boards
from telemetry_platform import sql_files
from telemetry_platform.contracts.rollup_registry import rollups
from telemetry_platform.errors import PermanentError
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform_tests.stores.trail import Trail, trail_of

if TYPE_CHECKING:
    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings

ROLE = "telemetry_dashboards"
_SCHEMAS = "('audit', 'ingest', 'ops', 'privacy', 'security', 'standing')"
_FORBIDDEN = "(hash|actor|subject|session|event_id|entry_id|ip_|address|producer$|holder|details|body|certificate|why)"


@pytest.fixture(scope="module")
def trail(engines: PlatformHandle, module_platform: Settings) -> Trail:
    return trail_of(engines, module_platform)


def test_it_looks_at_the_views_of_standing_and_the_counts_of_the_trail_and_writes_nothing(trail: Trail) -> None:
    rights = trail.rows(
        "SELECT c.oid::regclass::text, c.relkind::text, n.nspname, p.privilege "  # noqa: S608 - a constant list
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, "
        "unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) AS p (privilege) "
        f"WHERE n.nspname IN {_SCHEMAS} AND c.relkind IN ('r', 'p', 'v', 'm') "
        "AND has_table_privilege(%s, c.oid, p.privilege)",
        [ROLE],
    )
    assert {(kind, right) for _, kind, _, right in rights} == {("v", "SELECT")}
    assert {table for table, _, schema, _ in rights if schema != "standing"} == {"audit.counts_by_day"}
    (views,) = trail.rows("SELECT count(*) FROM pg_views WHERE schemaname = 'standing'")[0]
    assert views == len(rights) - 1 >= 15


def test_no_view_of_standing_has_a_column_that_could_name_somebody(trail: Trail) -> None:
    named = trail.rows(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'standing' "
        "AND column_name ~ %s",
        [_FORBIDDEN],
        role="telemetry_owner",
    )
    assert named == []


def test_it_executes_what_its_views_ask_and_nothing_else(trail: Trail) -> None:
    functions = trail.rows(
        "SELECT p.oid::regprocedure::text FROM pg_proc p "  # noqa: S608 - a constant list
        f"WHERE p.pronamespace::regnamespace::text IN {_SCHEMAS} AND has_function_privilege(%s, p.oid, 'EXECUTE') "
        "ORDER BY 1",
        [ROLE],
    )
    assert [name for (name,) in functions] == ["audit.visible_from(regclass)", "ops.now()"]


@pytest.mark.parametrize("table", ["privacy.subjects", "audit.audit_logs", "ingest.batches", "privacy.key_epochs"])
def test_a_table_is_refused(trail: Trail, table: str) -> None:
    with trail.connect(ROLE) as connection, pytest.raises(PermanentError, match="42501"):
        connection.execute(f"SELECT * FROM {table}".encode())  # noqa: S608 - a name of ours


_READS = re.compile(r"\bFROM (\w+)")
_READ_BY_VIEWS = {"consent_drops", "live_api_by_minute"}
_WITHOUT_PERSONS = {"api_health_hourly", "consent_drops_live", "live_api"} | _READ_BY_VIEWS


def _role() -> str:
    return sql_files.read("clickhouse/roles/telemetry_dashboards.sql")


def test_the_warehouse_s_role_is_given_what_the_boards_read_and_nothing_else() -> None:
    asked = [panel.sql for board in boards() for panel in board.panels if panel.source == "clickhouse"]
    asked += [variable.sql for board in boards() for variable in board.variables if variable.source == "clickhouse"]
    read = {name for sql in asked for name in _READS.findall(sql)}
    given = set(re.findall(r"GRANT SELECT ON (\w+) TO telemetry_dashboards;", _role()))
    assert given == read | _READ_BY_VIEWS
    assert len(re.findall(r"\bGRANT\b", _role())) == len(given)


def test_what_concerns_persons_is_read_through_views_that_withhold_small_groups() -> None:
    views = {file.name: file.text for file in sql_files.files("clickhouse/views")}
    read = re.findall(r"GRANT SELECT ON (\w+)", _role())
    for name in set(read) - _WITHOUT_PERSONS:
        assert "is_group_shown(" in views[name], name
        assert "SQL SECURITY DEFINER" in views[name], name
    columns = {column.name for column in rollups()["api_health_hourly"].table.columns}
    assert not columns & {"actor_hash", "few_actors", "session_id", "ip_truncated"}


def test_the_warehouse_reads_the_role_s_statements(module_platform: Settings) -> None:
    with open_warehouse(module_platform.clickhouse, log_comment="tests") as warehouse:
        for statement in sql_files.statements(_role()):
            assert warehouse.client.query("SELECT formatQuery({text:String})", {"text": statement.rstrip(";")})
