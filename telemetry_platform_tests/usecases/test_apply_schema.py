"""Applying the schema: new databases, older ones, and what is refused; the same on both engines."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from telemetry_platform import sql_files
from telemetry_platform.errors import ConfigurationError, PermanentError
from telemetry_platform.settings import PostgresSettings, Settings
from telemetry_platform.usecases.apply_schema import apply_schema
from telemetry_platform.usecases.schema_release import AFTER_TABLES, BEFORE_TABLES, Release, read_release
from telemetry_platform_tests.usecases.schema_databases import NOW, EmptyDatabase, empty_database
from telemetry_platform_tests.usecases.schema_files import Files

if TYPE_CHECKING:
    from pathlib import Path

    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.sql_files import SqlFile
    from telemetry_platform.stores.schema_ledger import Applied

STORES = ("postgres", "clickhouse")


@pytest.fixture(params=STORES)
def database(request: pytest.FixtureRequest, engines: PlatformHandle) -> EmptyDatabase:
    return empty_database(engines, request.param)


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


def test_every_repeatable_can_be_applied_again(database: EmptyDatabase) -> None:
    release = read_release(database.store)
    database.apply(release)
    before = database.structure()
    files = [file for folder in release.repeatables.values() for file in folder]
    assert files
    with database.open() as opened:
        for file in files:
            opened.execute(file)
    assert database.structure() == before, "an edited one is executed where the older text was"


def _first_release(store: str) -> Release:
    """The first release's tables, with what they are made with: views and grants may speak of tables to come."""
    present = read_release(store)
    tables = {file.name: file for file in sql_files.files(f"{store}/baseline")}
    return Release(store, tables, (), {**dict.fromkeys(AFTER_TABLES, ()), **_of(BEFORE_TABLES, present)})


def _of(folders: tuple[str, ...], release: Release) -> dict[str, tuple[SqlFile, ...]]:
    return {folder: release.repeatables[folder] for folder in folders}


def test_tables_equal_baseline_plus_changes(engines: PlatformHandle, database: EmptyDatabase) -> None:
    present = read_release(database.store)
    old = empty_database(engines, database.store)
    old.apply(_first_release(database.store))
    old.apply(present)
    database.apply(present)
    assert old.structure() == database.structure()


def test_a_new_table_needs_no_line_in_the_baseline(
    engines: PlatformHandle, database: EmptyDatabase, tmp_path: Path
) -> None:
    store = database.store
    shutil.copytree(sql_files.root() / store, tmp_path / store)
    files = Files(store, tmp_path)
    files.table("rooms", "a int")
    oldest, older = empty_database(engines, store), empty_database(engines, store)
    oldest.apply(_first_release(store))
    older.apply(read_release(store))
    assert "tables/rooms" in oldest.apply(files.release())
    # Grants on all tables are said again, and nothing else is touched.
    again = older.apply(files.release())
    assert [item for item in again if not item.startswith("grants/")] == ["tables/rooms"]
    database.apply(files.release())
    assert database.columns("rooms") == ["a"]
    assert oldest.structure() == older.structure() == database.structure()


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


def test_a_change_whose_number_the_database_has_passed_is_refused(database: EmptyDatabase, files: Files) -> None:
    # Two branches took their numbers side by side: a table made in between would be thought to include the late one.
    files.table("visits", "a int", "b int")
    files.add_column("0002_add_b", "visits", "b int")
    database.apply(files.release())
    files.table("visits", "a int", "b int", "c int")
    files.add_column("0001_add_c", "visits", "c int")
    with pytest.raises(PermanentError, match=r"0001_add_c\.sql .* number above 0002"):
        database.apply(files.release())
    assert database.columns("visits") == ["a", "b"]


def test_an_applied_change_keeps_its_name(database: EmptyDatabase, files: Files) -> None:
    files.add_column("0001_add_b", "visits", "b int")
    database.apply(files.release())
    changes = files.folder / files.store / "changes"
    (changes / "0001_add_b.sql").rename(changes / "0001_add_the_column.sql")
    with pytest.raises(PermanentError, match=r"0001_add_the_column\.sql .* number above 0001"):
        database.apply(files.release())


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
