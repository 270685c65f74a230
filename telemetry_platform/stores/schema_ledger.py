"""What has been applied to a database, each SQL file once: the ledger lies in the database that it speaks of.

A restored or fresh database so brings its own truth. Invariant: PostgreSQL's ledger row commits with the statements it
stands for; ClickHouse has no such transaction, so what runs there must bear a second run, and the ledger row
comes last.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, Protocol

from telemetry_platform import sql_files
from telemetry_platform.stores import clickhouse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from telemetry_platform.settings import ClickHouseSettings
    from telemetry_platform.sql_files import SqlFile
    from telemetry_platform.stores.clickhouse import Client
    from telemetry_platform.stores.postgres import Connection

LOCK = "telemetry schema"
LEDGER_TABLE = "ops_schema_ledger"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
How = Literal["executed", "included"]


@dataclass(frozen=True)
class Applied:
    """One file that the database has: `at_change` is the number of the newest change there was at that time."""

    item: str
    checksum: str
    at_change: int
    how: How


class Database(Protocol):
    """A database with its ledger, as `apply_schema` works on it."""

    @property
    def name(self) -> str:
        """The folder below `sql/`."""

    def read(self) -> Mapping[str, Applied]:
        """The ledger by item; empty for a database that has none yet."""

    def prepare(self) -> None:
        """Make schemas and ledger where they are missing."""

    def execute(self, file: SqlFile) -> None:
        """Run a file's statements."""

    def has_table(self, name: str) -> bool:
        """Whether a table is there although the ledger does not say so."""

    def record(self, applied: Sequence[Applied], now: datetime) -> None:
        """Note that files have been applied, each of them named once."""


@dataclass(frozen=True)
class PostgresDatabase:
    """Works in the caller's transaction: all of a release, or nothing of it."""

    connection: Connection
    name: str = "postgres"

    def read(self) -> Mapping[str, Applied]:
        """Reads without making anything, so that a role that may only look can ask for the state."""
        if self.connection.execute("SELECT to_regclass('ops.schema_ledger') IS NULL").fetchone() == (True,):
            return {}
        rows = self.connection.execute("SELECT item, checksum, at_change, how FROM ops.schema_ledger").fetchall()
        return {row[0]: Applied(*row) for row in rows}

    def prepare(self) -> None:
        """Also takes the lock of the schema."""
        lock_schema(self.connection)
        # Functions speak of tables that are made after them.
        self.connection.execute("SET LOCAL check_function_bodies = off")
        # "Exists already, skipping" is what IF NOT EXISTS is for.
        self.connection.execute("SET LOCAL client_min_messages = warning")
        for file in sql_files.files("postgres/schemas"):
            self.execute(file)
        self.connection.execute(sql_files.read("postgres/tables/ops_schema_ledger.sql").encode())

    def execute(self, file: SqlFile) -> None:
        """Run the whole file at once."""
        self.connection.execute(file.text.encode())

    def has_table(self, name: str) -> bool:
        """Never: table and ledger row commit together. The ledger itself is the exception."""
        return name == LEDGER_TABLE

    def record(self, applied: Sequence[Applied], now: datetime) -> None:
        """A file that is applied again replaces its row."""
        self.connection.cursor().executemany(
            "INSERT INTO ops.schema_ledger (item, checksum, at_change, how, applied_at) VALUES (%s, %s, %s, %s, %s) "
            "ON CONFLICT (item) DO UPDATE SET checksum = excluded.checksum, at_change = excluded.at_change, "
            "how = excluded.how, applied_at = excluded.applied_at",
            [(one.item, one.checksum, one.at_change, one.how, now) for one in applied],
        )


@dataclass(frozen=True)
class ClickHouseDatabase:
    """The warehouse's ledger; the caller holds PostgreSQL's lock meanwhile."""

    client: Client
    name: str = "clickhouse"

    def read(self) -> Mapping[str, Applied]:
        """The newest row of each file counts."""
        if not self.has_table("schema_ledger"):
            return {}
        rows = self.client.query(sql_files.read("clickhouse/queries/select_schema_ledger.sql"))
        return {row[0]: Applied(row[0], row[1], row[2], row[3]) for row in rows}

    def prepare(self) -> None:
        """The database is there: the client would not have connected without it."""
        self.client.command(sql_files.read("clickhouse/queries/create_schema_ledger.sql"))

    def execute(self, file: SqlFile) -> None:
        """Run the file's statements one by one."""
        for statement in sql_files.statements(file.text):
            self.client.command(statement)

    def has_table(self, name: str) -> bool:
        """A command that was killed between making a table and noting it leaves one."""
        return [name] in [
            list(row) for row in self.client.query(sql_files.read("clickhouse/queries/select_tables.sql"))
        ]

    def record(self, applied: Sequence[Applied], now: datetime) -> None:
        """Add rows; older ones of the same files are overlooked from now on."""
        self.client.command(
            sql_files.read("clickhouse/queries/insert_schema_ledger.sql"),
            {
                "items": [one.item for one in applied],
                "checksums": [one.checksum for one in applied],
                "changes": [one.at_change for one in applied],
                "hows": [one.how for one in applied],
                "applied_at": (now - _EPOCH) // timedelta(microseconds=1),
            },
        )


def lock_schema(connection: Connection) -> None:
    """Let one command at a time change the schema, until the transaction ends; changes may take their time."""
    connection.execute("SET LOCAL statement_timeout = 0")
    connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [LOCK])


@contextmanager
def clickhouse_database(settings: ClickHouseSettings) -> Iterator[ClickHouseDatabase]:
    """The warehouse, whose database is made when it is missing."""
    with clickhouse.connect(settings, log_comment="schema", database="default") as client:
        named = {"database": settings.database}
        if not client.scalar(sql_files.read("clickhouse/queries/select_database.sql"), named):
            client.command(sql_files.read("clickhouse/queries/create_database.sql"), named)
    with clickhouse.connect(settings, log_comment="schema") as client:
        yield ClickHouseDatabase(client)
