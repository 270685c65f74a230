"""Applying the schema: new databases, older ones, and what is refused; the same on both engines."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from telemetry_platform import sql_files
from telemetry_platform.errors import ConfigurationError, PermanentError
from telemetry_platform.settings import PostgresSettings, Settings
from telemetry_platform.usecases.apply_schema import apply_schema
from telemetry_platform.usecases.schema_release import Release, read_release
from telemetry_platform_tests.usecases.schema_databases import NOW, EmptyDatabase, empty_database

if TYPE_CHECKING:
    from pathlib import Path

    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.stores.schema_ledger import Applied

STORES = ("postgres", "clickhouse")
_TABLE = {
    "postgres": "CREATE TABLE ops.{name} ({columns});\n",
    "clickhouse": "CREATE TABLE {name} ({columns}) ENGINE = MergeTree ORDER BY tuple();\n",
}
_QUALIFIED = {"postgres": "ops.{name}", "clickhouse": "{name}"}


@pytest.fixture(params=STORES)
def database(request: pytest.FixtureRequest, engines: PlatformHandle) -> EmptyDatabase:
    return empty_database(engines, request.param)


class Files:
    """The SQL files of a made-up release."""

    def __init__(self, store: str, folder: Path) -> None:
        self.store = store
        self.folder = folder

    def table(self, name: str, *columns: str) -> None:
        self.write("tables", name, _TABLE[self.store].format(name=name, columns=", ".join(columns)))

    def add_column(self, change: str, table: str, column: str) -> None:
        qualified = _QUALIFIED[self.store].format(name=table)
        self.write(
            "changes", change, f"-- table: {table}\nALTER TABLE {qualified} ADD COLUMN IF NOT EXISTS {column};\n"
        )

    def write(self, folder: str, name: str, text: str) -> None:
        path = self.folder / self.store / folder / f"{name}.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def release(self) -> Release:
        return read_release(self.store, base=self.folder)


@pytest.fixture
def files(database: EmptyDatabase, tmp_path: Path) -> Files:
    files = Files(database.store, tmp_path)
    files.table("visits", "a int")
    return files


def test_the_whole_schema_is_applied_once(database: EmptyDatabase) -> None:
    release = read_release(database.store)
    assert {f"tables/{name}" for name in release.tables} <= set(database.apply(release))
    before = database.structure()
    assert database.apply(release) == ()
    assert database.structure() == before


def test_tables_equal_baseline_plus_changes(engines: PlatformHandle, database: EmptyDatabase, tmp_path: Path) -> None:
    present = read_release(database.store)
    for file in sql_files.files(f"{database.store}/baseline"):
        Files(database.store, tmp_path).write("tables", file.name, file.text)
    first = read_release(database.store, base=tmp_path)
    old = empty_database(engines, database.store)
    old.apply(Release(database.store, first.tables, (), present.repeatables))
    old.apply(present)
    database.apply(present)
    assert old.structure() == database.structure()


def test_an_older_database_gets_new_tables_and_changes(database: EmptyDatabase, files: Files) -> None:
    database.apply(files.release())
    files.table("visits", "a int", "b int")
    files.add_column("0001_add_b", "visits", "b int")
    files.table("rooms", "a int", "c int")
    files.add_column("0002_add_c", "rooms", "c int")
    assert set(database.apply(files.release())) == {"changes/0001_add_b", "tables/rooms", "changes/0002_add_c"}
    assert database.columns("visits") == ["a", "b"]
    assert database.columns("rooms") == ["a", "c"]
    assert set(files.release().states(_ledger(database)).values()) == {"applied"}
    assert _ledger(database)["changes/0002_add_c"].how == "included", "the new table was made with it"


def test_a_new_database_does_not_run_the_changes_of_the_past(
    engines: PlatformHandle, database: EmptyDatabase, files: Files
) -> None:
    old = empty_database(engines, database.store)
    old.apply(files.release())
    files.table("visits", "a int", "b int")
    files.add_column("0001_add_b", "visits", "b int")
    old.apply(files.release())
    database.apply(files.release())
    assert _ledger(database)["changes/0001_add_b"].how == "included"
    assert _ledger(old)["changes/0001_add_b"].how == "executed"
    assert old.structure() == database.structure()


def test_a_change_that_was_forgotten_is_seen(engines: PlatformHandle, database: EmptyDatabase, files: Files) -> None:
    old = empty_database(engines, database.store)
    old.apply(files.release())
    files.table("visits", "a int", "b int")
    old.apply(files.release())
    database.apply(files.release())
    assert files.release().states(_ledger(old))["tables/visits"] == "edited"
    assert old.structure() != database.structure(), "what `tables equal baseline plus changes` would have said"


def test_an_edited_change_is_refused_and_nothing_is_done(database: EmptyDatabase, files: Files) -> None:
    database.apply(files.release())
    files.add_column("0001_add_b", "visits", "b int")
    database.apply(files.release())
    files.add_column("0001_add_b", "visits", "other int")
    files.table("rooms", "a int")
    with pytest.raises(PermanentError, match=r"0001_add_b\.sql was edited .* next number"):
        database.apply(files.release())
    assert database.columns("rooms") == []
    assert database.columns("visits") == ["a", "b"]
    assert files.release().states(_ledger(database))["changes/0001_add_b"] == "edited"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("add_b", "-- table: visits\nSELECT 1;\n", "must be named NNNN_<slug>"),
        ("0001_add_b", "SELECT 1;\n", "begin with `-- table: <name>`"),
        ("0001_add_b", "-- table: nowhere\nSELECT 1;\n", "name of a file in"),
    ],
)
def test_a_change_that_cannot_be_placed_is_refused(
    database: EmptyDatabase, files: Files, name: str, text: str, message: str
) -> None:
    files.write("changes", name, text)
    with pytest.raises(PermanentError, match=message):
        database.apply(files.release())


def test_two_changes_with_one_number_are_refused(files: Files) -> None:
    files.add_column("0001_add_b", "visits", "b int")
    files.add_column("0001_add_c", "visits", "c int")
    with pytest.raises(PermanentError, match="share a number"):
        files.release()


def test_a_command_that_was_killed_is_repeated(database: EmptyDatabase, files: Files) -> None:
    files.table("rooms", "a int")
    files.write("tables", "zoo", "CREATE TABLE no such thing;\n")
    with pytest.raises(PermanentError):
        database.apply(files.release())
    files.table("zoo", "a int")
    database.apply(files.release())
    assert [database.columns(table) for table in ("rooms", "visits", "zoo")] == [["a"], ["a"], ["a"]]
    assert database.apply(files.release()) == ()


def test_postgres_applies_all_of_a_release_or_nothing(engines: PlatformHandle, tmp_path: Path) -> None:
    database, files = empty_database(engines, "postgres"), Files("postgres", tmp_path)
    files.table("visits", "a int")
    files.write("tables", "zoo", "CREATE TABLE no such thing;\n")
    with pytest.raises(PermanentError, match="42601"):
        database.apply(files.release())
    assert database.columns("visits") == []


def test_clickhouse_takes_over_a_table_that_was_made_but_not_noted(engines: PlatformHandle, tmp_path: Path) -> None:
    database, files = empty_database(engines, "clickhouse"), Files("clickhouse", tmp_path)
    files.table("visits", "a int")
    database.execute(files.release().tables["visits"].text.removesuffix(";\n"))
    assert database.apply(files.release()) == ("tables/visits",)
    assert database.apply(files.release()) == ()


def test_two_commands_at_once_apply_once(engines: PlatformHandle) -> None:
    database, release = empty_database(engines, "postgres"), read_release("postgres")
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(database.apply, [release] * 4))
    assert sorted(map(len, done))[:3] == [0, 0, 0]
    assert len(max(done, key=len)) >= len(release.tables)


def test_an_edited_function_is_replaced(engines: PlatformHandle, tmp_path: Path) -> None:
    database, files = empty_database(engines, "postgres"), Files("postgres", tmp_path)
    for answer in (1, 2):
        body = f"CREATE OR REPLACE FUNCTION ops.answer() RETURNS int LANGUAGE sql AS 'SELECT {answer}';\n"
        files.write("functions", "ops_answer", body)
        assert database.apply(files.release()) == ("functions/ops_answer",)
        assert database.query("SELECT ops.answer()") == [(answer,)]


def test_grants_are_said_again_when_there_is_a_new_table(engines: PlatformHandle, tmp_path: Path) -> None:
    database, files = empty_database(engines, "postgres"), Files("postgres", tmp_path)
    files.write("grants", "telemetry_read", "GRANT SELECT ON ALL TABLES IN SCHEMA ops TO telemetry_read;\n")
    database.apply(files.release())
    files.table("visits", "a int")
    assert database.apply(files.release()) == ("tables/visits", "grants/telemetry_read")
    assert database.query("SELECT has_table_privilege('telemetry_read', 'ops.visits', 'SELECT')") == [(True,)]


def test_both_stores_are_applied_and_a_second_time_nothing_is(platform: Settings) -> None:
    report = apply_schema(platform, NOW)
    assert (report.applied, report.partitions_made, str(report)) == ((), 0, "up to date")


def test_without_the_owners_connection_the_error_names_the_variable() -> None:
    with pytest.raises(ConfigurationError, match="TELEMETRY_POSTGRES__OWNER_URL"):
        apply_schema(Settings(postgres=PostgresSettings()), NOW)


@pytest.mark.parametrize("store", STORES)
def test_the_baseline_is_the_first_release(store: str) -> None:
    baseline = {file.name: file.text for file in sql_files.files(f"{store}/baseline")}
    release = read_release(store)
    assert baseline, "the first release"
    changed = {change.table for change in release.changes}
    same = {name: file.text for name, file in release.tables.items() if name in baseline and name not in changed}
    assert same == {name: text for name, text in baseline.items() if name not in changed}


@pytest.mark.parametrize("folder", ["tables", "views"])
def test_clickhouse_files_hold_one_statement_that_the_cutting_leaves_whole(folder: str) -> None:
    files = sql_files.files(f"clickhouse/{folder}")
    assert files
    for file in files:
        assert sql_files.statements(file.text) == (file.text.strip().removesuffix(";"),), file.name


def test_statements_end_with_a_semicolon_at_the_end_of_a_line() -> None:
    text = "-- a note;\nALTER TABLE a\n  ADD COLUMN b; \n\nALTER TABLE a MODIFY COMMENT 'x; y';\n-- the end;\n"
    assert sql_files.statements(text) == (
        "-- a note;\nALTER TABLE a\n  ADD COLUMN b",
        "ALTER TABLE a MODIFY COMMENT 'x; y'",
    )


def test_a_clickhouse_change_that_bears_no_second_run_is_refused(tmp_path: Path) -> None:
    files = Files("clickhouse", tmp_path)
    files.table("visits", "a int")
    files.write("changes", "0001_add_b", "-- table: visits\nALTER TABLE visits ADD COLUMN b int;\n")
    with pytest.raises(PermanentError, match="IF NOT EXISTS"):
        files.release()


def _ledger(database: EmptyDatabase) -> dict[str, Applied]:
    with database.open() as opened:
        return dict(opened.read())
