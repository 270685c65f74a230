"""Warehouses that tests hand on: a database with all its tables and views takes ten times as long to make as to empty.

Invariant: who gets a database cannot tell that somebody had it before. One whose tables or views are not what they were
when it was made, or in which a mutation is still at work, is never handed on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform.stores import clickhouse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.clickhouse import Client

_LEDGER = "schema_ledger"
"""What was applied to the database: true for as long as its tables are what they were."""
_STATE = (
    "SELECT name, replaceAll(create_table_query, currentDatabase(), ''), engine LIKE '%MergeTree' AND total_rows > 0 "
    "FROM system.tables WHERE database = currentDatabase()"
)
_AT_WORK = "SELECT count() FROM system.mutations WHERE database = currentDatabase() AND NOT is_done"


class Warehouses:
    """The databases of one server that nobody uses at the moment."""

    def __init__(self) -> None:
        self._idle: list[str] = []
        self._made: dict[str, Mapping[str, str]] = {}

    def take(self) -> str | None:
        """The name of an empty one with the schema, for the caller alone; None when one must be made."""
        return self._idle.pop() if self._idle else None

    def made(self, settings: Settings) -> None:
        """Remember what a database is like that was made just now."""
        with _client(settings) as client:
            self._made[settings.clickhouse.database] = {name: text for name, text, _ in client.query(_STATE)}

    def give_back(self, settings: Settings) -> None:
        """Empty a database for the next one, or forget it when it is not what it was."""
        name = settings.clickhouse.database
        with _client(settings) as client:
            # Merges may have been stopped, which no statement shows.
            client.command("SYSTEM START MERGES")
            state = client.query(_STATE)
            known = self._made.pop(name, None)
            if known != {table: text for table, text, _ in state} or client.query(_AT_WORK)[0][0]:
                return
            for table, _, has_rows in state:
                if has_rows and table != _LEDGER:
                    client.command("TRUNCATE TABLE {table:Identifier}", {"table": table})
            self._made[name] = known
        self._idle.append(name)


def _client(settings: Settings) -> Client:
    return clickhouse.connect(settings.clickhouse, log_comment="a test's warehouse")
