"""From a request to its answer: opens a connection, applies settings, runs the statement.

Invariant: everything here runs in a worker thread, never on the event loop. An `Answer` owns its connection until it is
closed; whoever takes one closes it, on every way out, because that is what ends the query of a client that went away.
"""

from __future__ import annotations

import itertools
import re
import uuid
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from telemetry_platform.embedded.clickhouse import answers, compression, multipart
from telemetry_platform.embedded.clickhouse.engine import CARRIER, MARK, assignments, with_client_ids
from telemetry_platform.embedded.clickhouse.failures import READONLY, UNKNOWN_FORMAT, QueryFailure, failure
from telemetry_platform.embedded.clickhouse.guard import refuse_forbidden, refuse_settings
from telemetry_platform.embedded.clickhouse.statement import (
    STREAMABLE,
    Statement,
    Verb,
    analyse,
    analyse_insert,
    first_keyword,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.embedded.clickhouse.answers import Answer
    from telemetry_platform.embedded.clickhouse.engine import Connection, Engine
    from telemetry_platform.embedded.clickhouse.outcome import Outcomes
    from telemetry_platform.embedded.clickhouse.request import Request
    from telemetry_platform.embedded.clickhouse.sessions import Session, Sessions

# As much of a body as an INSERT may need before its data begin.
_HEAD_BYTES: Final = 1024 * 1024


_FORMAT: Final = re.compile(r"[A-Za-z0-9]{1,64}")


@dataclass(frozen=True)
class _Call:
    """One request with its connection."""

    request: Request
    outcomes: Outcomes
    connection: Connection
    hold: ExitStack
    session: Session | None
    mark: str

    def insert(self, sql: str, form: str, data: Iterator[bytes]) -> Any:  # noqa: ANN401 - the engine's result object has no type
        """Feed an INSERT that is stored when this returns."""
        if _FORMAT.fullmatch(form) is None:
            raise failure(UNKNOWN_FORMAT, "A format's name has letters and digits only.")  # it becomes part of the text
        if form.lower() == "values":
            data = _expressions(data)
        return self.outcomes.insert(self.connection, sql, form, data, self.mark)


class Executor:
    """Runs requests on an engine."""

    def __init__(self, engine: Engine, sessions: Sessions, outcomes: Outcomes) -> None:
        self._engine = engine
        self._outcomes = outcomes
        self._sessions = sessions

    def answer(self, request: Request, body: Iterator[bytes]) -> Answer:
        """Run a request up to its first piece of result; errors until then are raised as QueryFailure."""
        plain = compression.decompressed(body, request.content_encoding)
        if request.native_decompress:
            plain = compression.native_blocks(plain)
        tables: tuple[multipart.External, ...] = ()
        if request.content_type.lower().startswith("multipart/form-data"):
            form = multipart.parse(request.content_type, multipart.whole(plain), request.extra)
            parameters = {name[6:]: value for name, value in form.fields.items() if name.startswith("param_")}
            query = request.query or form.fields.get("query", "")
            request = replace(request, query=query, parameters={**request.parameters, **parameters})
            tables, plain = form.tables, iter(())
        statement, data = _statement(request, plain)
        refuse_forbidden(statement.text, request.parameters)
        refuse_settings(request.settings)
        hold = ExitStack()
        try:
            call = self._open(request, statement, hold)
            for table in tables:
                _add_external(call, table)
            return _insert(call, statement, data) if statement.verb is Verb.INSERT_DATA else _query(call, statement)
        except BaseException:  # whatever happens, the connection goes back
            hold.close()
            raise

    def _open(self, request: Request, statement: Statement, hold: ExitStack) -> _Call:
        """A connection with the request's database, settings and query id in force."""
        mark = uuid.uuid4().hex
        own = {CARRIER: request.query_id, MARK: mark}
        settings = {**request.settings, **own}
        if request.session_id is None:
            connection = self._engine.connect()
            hold.callback(connection.close)
            if request.database not in {"", "default"}:
                connection.run(f"USE {_name(request.database)}")
            connection.run(f"SET {assignments(settings)}")
            return _Call(request, self._outcomes, connection, hold, None, mark)
        seconds, must_exist = request.session_seconds, request.session_must_exist
        session = hold.enter_context(self._sessions.use(request.session_id, seconds=seconds, must_exist=must_exist))
        session.use_database(request.database)
        # A SET statement decides what holds from now on, so the URL's settings step back before it.
        session.apply(own if first_keyword(statement.text) == "SET" else settings)
        return _Call(request, self._outcomes, session.connection, hold, session, mark)


def _query(call: _Call, statement: Statement) -> Answer:
    """Run a statement that brings no data."""
    request = call.request
    readonly = call.connection.is_readonly(statement.text)
    if request.method != "POST" and not readonly:
        # A page elsewhere can make a browser send GET; it must change nothing.
        raise failure(READONLY, f"{request.method} only reads; send statements that change something by POST.")
    form = statement.form or request.default_format or "TabSeparated"
    sql = with_client_ids(statement.text, kill=statement.verb is Verb.KILL)
    if readonly and form.lower() in STREAMABLE and first_keyword(sql) in {"SELECT", "WITH", "FROM", "("}:
        return answers.stream(request, call.connection.blocks(sql, form, request.parameters), form, call.hold)
    result = call.connection.run(sql, form, request.parameters)
    if call.session is not None and first_keyword(sql) == "USE":
        call.session.remember_database()
    counts = answers.Counts()
    counts.add(result)
    return answers.shape(request, iter((result.bytes(),)), form=form, counts=counts, hold=call.hold)


def _insert(call: _Call, statement: Statement, data: Iterator[bytes]) -> Answer:
    """Feed an INSERT with the data of the request."""
    request = call.request
    if request.method != "POST":
        raise failure(READONLY, f"{request.method} only reads; send inserts by POST.")
    for name, value in request.parameters.items():
        call.connection.run(f"SET {assignments({f'param_{name}': value})}")
    form = statement.form or request.default_format or "Values"
    counts = answers.Counts()
    counts.add(call.insert(statement.text, form, data))
    return answers.shape(request, iter(()), form=form, counts=counts, hold=call.hold)


def _expressions(data: Iterator[bytes]) -> Iterator[bytes]:
    """The data of the format Values, once the guard has seen them: they are SQL expressions."""
    text = multipart.whole(data)
    refuse_forbidden(text.decode("utf-8", "surrogateescape"), {})
    return iter((text,) if text else ())


def _name(text: str) -> str:
    """Write a text as a quoted identifier."""
    return "`" + text.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _statement(request: Request, body: Iterator[bytes]) -> tuple[Statement, Iterator[bytes]]:
    """Split a request into its statement and, for an INSERT, the data that follow."""
    head = request.query.encode("utf-8", "surrogateescape")
    if head:
        head += b"\n"
    for piece in body:
        head += piece
        if (found := _insert_in(head)) is not None:
            return found[0], itertools.chain(iter((found[1],) if found[1] else ()), body)
        multipart.check_size(len(head))
    text = head.decode("utf-8", "surrogateescape")
    if first_keyword(text) == "INSERT":
        statement = analyse_insert(head.decode("latin-1"))
        if statement.verb is Verb.INSERT_DATA:
            data = head[statement.data_at :] if statement.data_at is not None else b""
            return _recoded(statement), iter((data,) if data else ())
    return analyse(text), iter(())


def _insert_in(head: bytes) -> tuple[Statement, bytes] | None:
    """The INSERT that a body begins with and the data behind it, once both are in sight.

    Read as latin-1, one character a byte, so that positions are those of the body.
    """
    text = head[:_HEAD_BYTES].decode("latin-1")
    try:
        if first_keyword(text) != "INSERT":
            return None
        statement = analyse_insert(text)
    except QueryFailure:
        return None  # an unclosed quote: the rest has not come yet
    if statement.verb is not Verb.INSERT_DATA or statement.data_at is None or statement.data_at >= len(text):
        return None
    return _recoded(statement), head[statement.data_at :]


def _recoded(statement: Statement) -> Statement:
    """The statement with its text read as UTF-8, which it is."""
    return replace(statement, text=statement.text.encode("latin-1").decode("utf-8", "surrogateescape"))


def _add_external(call: _Call, table: multipart.External) -> None:
    """Make a temporary table of the connection out of an external one."""
    refuse_forbidden(table.structure, {})
    call.connection.run(f"CREATE TEMPORARY TABLE {_name(table.name)} ({table.structure})")
    call.insert(f"INSERT INTO {_name(table.name)}", table.form, iter((table.data,)))
