"""SQL files of releases that never were, for the tests of applying a schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform.usecases.schema_release import Release, read_release

if TYPE_CHECKING:
    from pathlib import Path

_TABLE = {
    "postgres": "CREATE TABLE ops.{name} ({columns});\n",
    "clickhouse": "CREATE TABLE {name} ({columns}) ENGINE = MergeTree ORDER BY tuple();\n",
}
_QUALIFIED = {"postgres": "ops.{name}", "clickhouse": "{name}"}


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
