"""The engine itself: one data directory, one short-lived connection for each request, many requests at once.

Invariants: a connection serves one request at a time (two on one connection wait for each other); a request without a
session gets a fresh connection (0.3 ms), so SET, USE and temporary tables of one never reach another. The engine gives
no way to choose a query id, so the client's id travels in a setting that has no effect here (`CARRIER`); KILL QUERY and
the two views made in `open` read it from there.
"""

from __future__ import annotations

import re
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from telemetry_platform.embedded.clickhouse.failures import BAD_ARGUMENTS, QueryFailure, failure, from_engine
from telemetry_platform.embedded.clickhouse.functions import remembered
from telemetry_platform.embedded.clickhouse.tokens import tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Only file() reads this setting, and file() is refused.
CARRIER: Final = "rename_files_after_processing"
# Tells one insert from all others in query_log (`outcome.py`); only the PromQL dialect reads this setting.
MARK: Final = "promql_table"
OWN_SETTINGS: Final = frozenset({CARRIER, MARK})
CLIENT_ID: Final = f"if(Settings['{CARRIER}'] = '', query_id, Settings['{CARRIER}'])"
# Tables whose query_id clients look up, and the views that show the client's own id in its place.
VIEWS: Final = {"processes": "processes_by_client", "query_log": "query_log_by_client"}
_SETTING: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def quoted(text: str) -> str:
    """Write a text as a SQL string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def encoded(sql: str) -> bytes:
    """The bytes of a statement: what was no UTF-8 on the way in is the same bytes on the way out."""
    return sql.encode("utf-8", "surrogateescape")


def assignments(settings: Mapping[str, str]) -> str:
    """Write settings as the right side of SET; names are checked because they cannot be quoted."""
    for name in settings:
        if _SETTING.fullmatch(name) is None:
            raise failure(BAD_ARGUMENTS, "A setting's name has letters, digits and underscores only.")
    return ", ".join(f"{name} = {quoted(value)}" for name, value in settings.items())


class Connection:
    """One connection of the engine; errors come out as QueryFailure."""

    def __init__(self, raw: Any) -> None:  # noqa: ANN401 - the engine's module ships no types
        self._raw = raw

    def run(self, sql: str, form: str = "TabSeparated", parameters: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401 - same
        """Run a statement to its end and return the engine's result object."""
        try:
            return self._raw.query(encoded(sql), form, params=dict(parameters or {}))
        except RuntimeError as error:
            raise from_engine(error) from None

    def is_readonly(self, sql: str) -> bool:
        """Whether the engine's parser finds one statement that leaves no trace; refuses several statements."""
        report = self._raw.classify_query(encoded(sql))
        if report["statement_count"] > 1:
            raise QueryFailure(62, "Code: 62. DB::Exception: Multi-statements are not allowed (SYNTAX_ERROR)")
        return bool(report["query_class"].name == "READ_ONLY")

    def blocks(self, sql: str, form: str, parameters: Mapping[str, str]) -> Iterator[Any]:
        """Run a SELECT and yield results block by block; the last one has no rows. Closing the iterator cancels."""
        try:
            stream = self._raw.send_query(encoded(sql), form, params=dict(parameters))
        except RuntimeError as error:
            raise from_engine(error) from None
        ended = False
        try:
            while not ended:
                block = self._raw.streaming_fetch_result(stream)
                ended = block is None or block.rows_read() == 0
                if block is not None:
                    yield block
        except RuntimeError as error:
            ended = True
            raise from_engine(error) from None
        finally:
            if not ended:
                with suppress(RuntimeError):  # already ended by KILL QUERY
                    self._raw.streaming_cancel_query(stream)

    def insert(self, sql: str, form: str, chunks: Iterator[bytes]) -> Any:  # noqa: ANN401 - the engine's result object
        """Feed an INSERT chunk by chunk; whatever ends the chunks early aborts it.

        The engine raises what is wrong with the data, and hides what goes wrong behind them: ask `outcome.py` instead.
        """
        try:
            inserter = self._raw.send_insert(encoded(sql), form)
        except RuntimeError as error:
            raise from_engine(error) from None
        done = False
        try:
            for chunk in chunks:
                self._raw.insert_append(inserter, chunk)
            result = self._raw.insert_done(inserter)
            done = True
        except RuntimeError as error:
            raise from_engine(error) from None
        finally:
            if not done:
                with suppress(RuntimeError):  # the engine has ended it already
                    self._raw.insert_cancel(inserter)
        return result

    def close(self) -> None:
        """Give the connection back to the engine."""
        self._raw.close()


class Engine:
    """A data directory that is open in this process."""

    def __init__(self, address: str) -> None:
        self._address = address
        # Holds the engine open while no request does: the last connection to close would shut it down.
        self._keeper = self.connect()
        self._keeper_lock = threading.Lock()
        # Apart from the keeper: an insert does not wait for a KILL QUERY.
        self._asker = self.connect()
        self._asker_lock = threading.Lock()
        self._asker.run("SET log_queries = 0, max_threads = 1")
        for statement in remembered(address):
            self._keeper.run(statement)
        # query_log appears with the first flush, and a view needs its table.
        self._keeper.run("SELECT 1")
        self._keeper.run("SYSTEM FLUSH LOGS")
        for table, view in VIEWS.items():
            extra = f", {CLIENT_ID.replace('query_id', 'initial_query_id')} AS initial_query_id"
            self._keeper.run(
                f"CREATE VIEW IF NOT EXISTS system.{view} AS "  # noqa: S608 - names of this module
                f"SELECT * REPLACE ({CLIENT_ID} AS query_id{extra}) FROM system.{table}"
            )
        self.version = self._keeper.run("SELECT version()").bytes().decode().strip()
        self.timezone = "UTC"

    def connect(self) -> Connection:
        """Open one more connection, in the database `default`."""
        from chdb import _chdb

        try:
            return Connection(_chdb.connect(self._address))  # type: ignore[attr-defined] # a compiled module
        except RuntimeError as error:
            raise from_engine(error) from None

    def ask(self, sql: str) -> bytes:
        """Answer a short question about the engine itself, whatever settings the asking request has."""
        with self._asker_lock:
            return bytes(self._asker.run(sql).bytes())

    def kill(self, query_id: str) -> None:
        """Ask a running query to end, by the client's id."""
        self._kill(f"Settings['{CARRIER}'] = {quoted(query_id)}")

    def kill_all(self) -> None:
        """Ask every running query to end."""
        self._kill("1")

    def _kill(self, condition: str) -> None:
        with self._keeper_lock:
            self._keeper.run(f"KILL QUERY WHERE {condition} ASYNC")

    def close(self) -> None:
        """Write what the logs hold and close the last connection, which ends the engine."""
        with suppress(QueryFailure):  # logs are a convenience; a full disk must not keep the process alive
            self._keeper.run("SYSTEM FLUSH LOGS")
        self._asker.close()
        self._keeper.close()


def with_client_ids(sql: str, *, kill: bool) -> str:
    """Let a statement see the clients' query ids: views instead of tables, and an expression inside KILL QUERY."""
    if not kill and not any(table in sql for table in VIEWS):
        return sql
    found = list(tokens(sql))
    parts: list[str] = []
    position = 0
    for index, token in enumerate(found):
        is_parameter = index > 0 and found[index - 1].text == "{"  # {query_id:String}
        replacement = CLIENT_ID if kill and token.name == "query_id" and not is_parameter else None
        behind_system = index > 1 and found[index - 1].text == "." and found[index - 2].name == "system"
        reads = found[0].keyword in {"SELECT", "WITH", "EXPLAIN", "INSERT", ""}
        if not kill and reads and behind_system and token.name in VIEWS:
            replacement = VIEWS[token.name]
        if replacement is not None:
            parts += [sql[position : token.start], replacement]
            position = token.end
    return "".join([*parts, sql[position:]])
