"""Bring both databases, from whatever release they are at, to the present tense of `sql/`.

Three sorts of files. A *table* that the database does not have is made from its file. A *change* alters one table,
named in its header (`-- table: <name>`); it runs once, in the order of the numbers, unless the table was made when the
change existed already and so includes it. *Repeatables* (functions, views, grants) are written so that they can run
again, and do whenever their text differs from what was applied. Invariant: a change that has been applied is never
edited, and none is put before it (the databases that have it would differ from those that get it): such a one stops
everything before anything is done.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from telemetry_platform.errors import ConfigurationError
from telemetry_platform.stores import clock, held_copies, postgres
from telemetry_platform.stores.schema_ledger import (
    LEDGER_TABLE,
    Applied,
    Database,
    PostgresDatabase,
    clickhouse_database,
    lock_schema,
)
from telemetry_platform.stores.warehouse import Warehouse
from telemetry_platform.usecases.retention_policy import write_policy
from telemetry_platform.usecases.schema_release import AFTER_TABLES, BEFORE_TABLES, Release, State, read_release

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from telemetry_platform.settings import PostgresSettings, Settings
    from telemetry_platform.sql_files import SqlFile
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.schema_ledger import How

PARTITIONS_AHEAD = 3
"""Months of partitions of the audit trail and the security events that every apply makes sure of."""

_AGAIN_AFTER_ANYTHING = "grants"
"""What speaks of "all tables" must be said again when there is a new one."""


@dataclass(frozen=True)
class ApplyReport:
    """What was applied, as store/folder/name; empty when both stores were up to date."""

    applied: tuple[str, ...]
    partitions_made: int

    def __str__(self) -> str:
        """One line for people."""
        if not self.applied:
            return "up to date"
        counts = {store: sum(item.startswith(store) for item in self.applied) for store in ("postgres", "clickhouse")}
        return ", ".join(f"{store}: {count} files applied" for store, count in counts.items() if count)


def apply_schema(settings: Settings, now: datetime) -> ApplyReport:
    """Apply what is missing in PostgreSQL (as the schema's owner) and ClickHouse; a second call does nothing.

    Raises ConfigurationError without the owner's connection, PermanentError when an applied change was edited or a new
    one stands before it.
    """
    with _owner(settings.postgres) as connection:
        done = [
            f"postgres/{item}" for item in apply_release(PostgresDatabase(connection), read_release("postgres"), now)
        ]
        made = connection.execute(
            "SELECT audit.ensure_partitions(%s) + security.ensure_partitions(%s)", [PARTITIONS_AHEAD, PARTITIONS_AHEAD]
        ).fetchone()
        write_policy(connection, settings, now)
        # Its first file of all is noted when the database is made, and never again: no database becomes a demo later.
        is_new = f"postgres/tables/{LEDGER_TABLE}" in done
        clock.note_installation(
            connection, clock.DEMO if is_new and settings.profile == clock.DEMO else clock.REAL, now
        )
        ahead = clock.installation(connection).ahead
    # A transaction of its own, so that nothing that was altered above stays locked meanwhile. It does nothing but hold
    # the lock that keeps a second command out of ClickHouse.
    with _owner(settings.postgres) as connection, clickhouse_database(settings.clickhouse) as warehouse:
        lock_schema(connection)
        done += [f"clickhouse/{item}" for item in apply_release(warehouse, read_release("clickhouse"), now)]
        held_copies.ensure_tables(Warehouse(warehouse.client))
        if ahead:
            # What was applied just now tells the real time.
            clock.move_warehouse(Warehouse(warehouse.client), ahead)
    return ApplyReport(tuple(done), made[0] if made else 0)


def apply_release(database: Database, release: Release, now: datetime) -> tuple[str, ...]:
    """Apply what one store is missing; the items that were applied."""
    # First the lock that this takes, then the ledger: another command may have written it meanwhile.
    database.prepare()
    known = dict(database.read())
    release.refuse_edited(known)
    release.refuse_overtaken(known)
    update = _Update(database, release, known, now)
    for folder in BEFORE_TABLES:
        update.repeat(folder)
    update.make_tables()
    update.make_changes()
    for folder in AFTER_TABLES:
        update.repeat(folder)
    return tuple(update.done)


def schema_status(settings: Settings) -> Mapping[str, State]:
    """Each SQL file against the databases' ledgers, by store/folder/name."""
    with _owner(settings.postgres) as connection:
        known = PostgresDatabase(connection).read()
    states = {f"postgres/{item}": state for item, state in read_release("postgres").states(known).items()}
    with clickhouse_database(settings.clickhouse) as warehouse:
        known = warehouse.read()
    return states | {f"clickhouse/{item}": state for item, state in read_release("clickhouse").states(known).items()}


@dataclass
class _Update:
    """One store on its way to the release."""

    database: Database
    release: Release
    known: dict[str, Applied]
    now: datetime
    done: list[str] = field(default_factory=list)
    _unwritten: dict[str, Applied] = field(default_factory=dict)

    def repeat(self, folder: str) -> None:
        """Run the repeatables that are new, differ, or speak of what has just been made."""
        again = bool(self.done) and folder == _AGAIN_AFTER_ANYTHING
        for file in self.release.repeatables[folder]:
            applied = self.known.get(f"{folder}/{file.name}")
            if again or applied is None or applied.checksum != file.checksum:
                self.database.execute(file)
                self._note(f"{folder}/{file.name}", file)
        self._write()

    def make_tables(self) -> None:
        """Make the tables that the database does not have."""
        for name, file in self.release.tables.items():
            if f"tables/{name}" not in self.known:
                if not self.database.has_table(name):
                    self.database.execute(file)
                self._note(f"tables/{name}", file)
        self._write()

    def make_changes(self) -> None:
        """Run the changes that the database does not have, but for those that its tables include."""
        for change in self.release.changes:
            if change.item in self.known:
                continue
            included = change.is_included(self.known)
            if not included:
                self.database.execute(change.file)
            self._note(change.item, change.file, "included" if included else "executed")
            # The table is now what its file says; a later difference is an edit without a change.
            table = self.known[f"tables/{change.table}"]
            self._record(table.item, self.release.tables[change.table], table.at_change, table.how)
            # Before the next one: a change is never run twice where it can be helped.
            self._write()

    def _note(self, item: str, file: SqlFile, how: How = "executed") -> None:
        self._record(item, file, self.release.newest_change, how)
        self.done.append(item)

    def _record(self, item: str, file: SqlFile, at_change: int, how: How) -> None:
        self.known[item] = self._unwritten[item] = Applied(item, file.checksum, at_change, how)

    def _write(self) -> None:
        """Write what was noted, at once: what a killed command did not write down is found, or may be done again."""
        if self._unwritten:
            self.database.record(list(self._unwritten.values()), self.now)
            self._unwritten.clear()


@contextmanager
def _owner(settings: PostgresSettings) -> Iterator[Connection]:
    """A transaction of the schema's owner."""
    if settings.owner_url is None:
        raise ConfigurationError(
            "the schema is applied by its owner: set TELEMETRY_POSTGRES__OWNER_URL to the connection of telemetry_owner"
        )
    with postgres.connect(settings.owner_url.get_secret_value(), application="telemetry-schema") as connection:
        yield connection
