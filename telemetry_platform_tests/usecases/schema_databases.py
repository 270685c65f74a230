"""Empty databases of both engines, and what a database says of its own structure."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from telemetry_platform.embedded.postgres import url
from telemetry_platform.stores import postgres
from telemetry_platform.stores.schema_ledger import (
    ClickHouseDatabase,
    Database,
    PostgresDatabase,
    clickhouse_database,
)
from telemetry_platform.usecases.apply_schema import apply_release

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.usecases.schema_release import Release

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
_SCHEMAS = "('audit', 'ingest', 'ops', 'privacy', 'security')"
_POSTGRES_STRUCTURE = (
    f"""SELECT table_schema, table_name, column_name, data_type, is_nullable, coalesce(column_default, ''),
        coalesce(col_description(format('%I.%I', table_schema, table_name)::regclass, ordinal_position), '')
        FROM information_schema.columns WHERE table_schema IN {_SCHEMAS}""",  # noqa: S608 - a constant list
    f"""SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace::regnamespace::text IN {_SCHEMAS}""",  # noqa: S608 - a constant list
    f"SELECT schemaname, indexname, indexdef FROM pg_indexes WHERE schemaname IN {_SCHEMAS}",  # noqa: S608 - a constant list
    "SELECT tgrelid::regclass::text, tgname, tgenabled, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    f"""SELECT oid::regclass::text, relkind, relacl::text, obj_description(oid) FROM pg_class
        WHERE relnamespace::regnamespace::text IN {_SCHEMAS}""",  # noqa: S608 - a constant list
)
_CLICKHOUSE_STRUCTURE = (
    """SELECT table, name, type, default_kind, default_expression, comment, compression_codec, is_in_sorting_key
       FROM system.columns WHERE database = currentDatabase()""",
    """SELECT name, engine_full, partition_key, sorting_key, primary_key, comment
       FROM system.tables WHERE database = currentDatabase()""",
)


@dataclass(frozen=True)
class EmptyDatabase:
    """One database of one store, made for a test, to be opened as often as it likes."""

    engines: PlatformHandle
    store: str
    name: str

    @contextmanager
    def open(self) -> Iterator[Database]:
        """The database with its ledger; PostgreSQL's transaction commits at the end of the block."""
        if self.store == "postgres":
            secret = self.engines.state.secrets()["telemetry_owner"]
            port = self.engines.platform.ports()["postgres"]
            with postgres.connect(url("telemetry_owner", secret, port, self.name)) as connection:
                yield PostgresDatabase(connection)
        else:
            settings = self.engines.settings.clickhouse.model_copy(update={"database": self.name})
            with clickhouse_database(settings) as database:
                yield database

    def apply(self, release: Release) -> tuple[str, ...]:
        """Bring it to a release."""
        with self.open() as database:
            return apply_release(database, release, NOW)

    def execute(self, statement: str) -> None:
        """Run one statement behind the ledger's back."""
        with self.open() as database:
            if isinstance(database, PostgresDatabase):
                database.connection.execute(statement.encode())
            elif isinstance(database, ClickHouseDatabase):
                database.client.command(statement)

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """The answer of one query, sorted."""
        with self.open() as database:
            if isinstance(database, PostgresDatabase):
                return sorted(map(tuple, database.connection.execute(statement.encode()).fetchall()), key=repr)
            assert isinstance(database, ClickHouseDatabase)
            return sorted(map(tuple, database.client.query(statement)), key=repr)

    def columns(self, table: str) -> list[str]:
        """Names of a table's columns; none when it is not there."""
        source, field = (
            ("information_schema.columns", "column_name") if self.store == "postgres" else ("system.columns", "name")
        )
        schema = (
            "table_schema = 'ops' AND table_name"
            if self.store == "postgres"
            else "database = currentDatabase() AND table"
        )
        return [row[0] for row in self.query(f"SELECT {field} FROM {source} WHERE {schema} = '{table}'")]  # noqa: S608 - ours

    def structure(self) -> list[list[tuple[Any, ...]]]:
        """Everything that tells two databases apart: columns, keys, checks, indexes, triggers, grants, comments."""
        queries = _POSTGRES_STRUCTURE if self.store == "postgres" else _CLICKHOUSE_STRUCTURE
        return [self.query(query) for query in queries]


def empty_database(engines: PlatformHandle, store: str) -> EmptyDatabase:
    """A new database; ClickHouse's is made when it is opened."""
    name = f"schema_{uuid4().hex[:12]}"
    if store == "postgres":
        with postgres.connect(engines.postgres_admin_url, autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name} TEMPLATE template0 OWNER telemetry_owner".encode())
    return EmptyDatabase(engines, store, name)
