"""What the SQL files of a release say, and how a database's ledger compares with them. Nothing is changed here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from telemetry_platform import sql_files
from telemetry_platform.errors import PermanentError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from telemetry_platform.sql_files import SqlFile
    from telemetry_platform.stores.schema_ledger import Applied

BEFORE_TABLES = ("functions",)
AFTER_TABLES = ("views", "grants")
"""Folders of repeatables, in the order in which they are applied around the tables and changes."""

_CHANGE_NAME = re.compile(r"(\d{4})_[a-z0-9_]+")
_CHANGE_TABLE = re.compile(r"-- table: ([a-z0-9_]+)\n")

_BEARS_REPEATING = re.compile(r"\b(IF EXISTS|IF NOT EXISTS|MODIFY)\b")

State = Literal["applied", "pending", "edited"]


@dataclass(frozen=True)
class Change:
    """One file of `changes/`: what brings a table of an older release to this one."""

    number: int
    table: str
    file: SqlFile

    @property
    def item(self) -> str:
        """Its name in the ledger."""
        return f"changes/{self.file.name}"

    def is_included(self, known: Mapping[str, Applied]) -> bool:
        """Whether the table was made when this change existed already, and so is made after it."""
        table = known.get(f"tables/{self.table}")
        return table is not None and table.at_change >= self.number


@dataclass(frozen=True)
class Release:
    """The files of one store."""

    store: str
    tables: Mapping[str, SqlFile]
    changes: tuple[Change, ...]
    repeatables: Mapping[str, tuple[SqlFile, ...]]

    @property
    def newest_change(self) -> int:
        """Number of the newest change; 0 when there is none."""
        return self.changes[-1].number if self.changes else 0

    def refuse_edited(self, known: Mapping[str, Applied]) -> None:
        """Raise PermanentError when a change that the database has is not the file's any more."""
        for change in self.changes:
            applied = known.get(change.item)
            if applied is not None and applied.checksum != change.file.checksum:
                raise PermanentError(
                    f"sql/{self.store}/{change.item}.sql was edited after it had been applied to this database: "
                    "restore its text, and write what you want to change into a new file with the next number"
                )

    def refuse_overtaken(self, known: Mapping[str, Applied]) -> None:
        """Raise PermanentError when a change is new to the database and its number is not.

        Whether a table includes a change is told by the numbers alone: one that comes later under a number that was
        passed before would be taken for included in tables that were made without it.
        """
        passed = [_number_of(item) for item in known if item.startswith("changes/")]
        for change in self.changes:
            if change.item not in known and change.number <= max(passed, default=0):
                raise PermanentError(
                    f"sql/{self.store}/{change.item}.sql is new to this database, which has passed its number: give it "
                    f"a number above {max(passed):04}; a change that was applied keeps its name"
                )

    def states(self, known: Mapping[str, Applied]) -> dict[str, State]:
        """Each file against the ledger; a table file that differs without a change to explain it is `edited`."""
        items = {f"tables/{name}": file for name, file in self.tables.items()}
        items |= {change.item: change.file for change in self.changes}
        items |= {f"{folder}/{file.name}": file for folder, found in self.repeatables.items() for file in found}
        return {item: self._state(item, file, known) for item, file in items.items()}

    def _state(self, item: str, file: SqlFile, known: Mapping[str, Applied]) -> State:
        applied = known.get(item)
        if applied is None:
            return "pending"
        if applied.checksum == file.checksum:
            return "applied"
        folder, _, name = item.partition("/")
        waiting = any(change.table == name and change.item not in known for change in self.changes)
        return "pending" if folder in self.repeatables or (folder == "tables" and waiting) else "edited"


def _number_of(item: str) -> int:
    """The number of a change in the ledger."""
    return int(item.removeprefix("changes/").partition("_")[0])


def read_release(store: str, *, base: Path | None = None) -> Release:
    """The files of one store. Raises PermanentError when a change has no number, no table or another's number."""
    tables = {file.name: file for file in sql_files.files(f"{store}/tables", base=base)}
    changes: list[Change] = []
    for file in sql_files.files(f"{store}/changes", base=base):
        number, table = _CHANGE_NAME.fullmatch(file.name), _CHANGE_TABLE.match(file.text)
        if not number or not table or table[1] not in tables:
            raise PermanentError(
                f"sql/{store}/changes/{file.name}.sql must be named NNNN_<slug>.sql and begin with `-- table: <name>`, "
                f"the name of a file in sql/{store}/tables"
            )
        if store == "clickhouse" and not all(map(_BEARS_REPEATING.search, sql_files.statements(file.text))):
            raise PermanentError(
                f"sql/clickhouse/changes/{file.name}.sql: write each statement with IF EXISTS, IF NOT EXISTS or "
                "MODIFY; there are no transactions, and a command that was killed runs it again"
            )
        changes.append(Change(int(number[1]), table[1], file))
    if len({change.number for change in changes}) < len(changes):
        raise PermanentError(f"two files of sql/{store}/changes share a number: give the newer one the next free one")
    repeatables = {
        folder: sql_files.files(f"{store}/{folder}", base=base) for folder in (*BEFORE_TABLES, *AFTER_TABLES)
    }
    return Release(store, tables, tuple(changes), repeatables)
