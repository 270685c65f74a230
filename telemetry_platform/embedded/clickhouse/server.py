"""ClickHouse's HTTP interface in front of the engine: an ASGI application for uvicorn with httptools.

What it does not do, compared with a real server:
- no TCP (native protocol), no TLS, no replication, no clusters, one user, no roles, quotas or row policies;
  `currentUser()` is `default`;
- no dictionaries, and no table, database or function that reads files, programs or addresses outside, so no table
  function `format`, no filters in settings, no other dialects (`config.py`, `guard.py`); no BACKUP;
- data of the format Values may have 64 MiB, since they are SQL and looked through first;
- the engine gives each query an id of its own: system.processes, system.query_log and KILL QUERY are read with the
  client's ids, `queryID()`, SHOW PROCESSLIST and part_log show the engine's; an id may run twice at once;
- an insert that fails with log_queries=0 is answered with code 1002 instead of its own (`outcome.py`);
- settings of a URL are SET before the query, and query_log keeps those statements beside it, with their log_comment;
- Arrow, Parquet, JSON and the ...WithNames formats are built whole before the first byte leaves; Native, RowBinary,
  CSV, TSV and the JSON lines stream;
- no progress headers while a query runs, no `compress=1` (use enable_http_compression), no brotli, no INSERT ... SELECT
  FROM input() with data in the body, no `client_protocol_version` (Native is the version without one);
- the checksum of `decompress=1` blocks is not verified.

Invariant: loopback only. The Host header must be a loopback name, or a page elsewhere could reach the server through a
name that it points at 127.0.0.1; credentials are demanded; no CORS header is ever sent; no query text is logged.
"""

from __future__ import annotations

import asyncio
import logging
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from telemetry_platform.embedded.clickhouse import request as requests
from telemetry_platform.embedded.clickhouse.body import ClientGoneError, Incoming
from telemetry_platform.embedded.clickhouse.failures import (
    ACCESS_DENIED,
    SERVER_IS_STOPPING,
    TOO_MANY_QUERIES,
    UNKNOWN,
    QueryFailure,
    failure,
)

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from concurrent.futures import ThreadPoolExecutor

    from telemetry_platform.embedded.clickhouse.answers import Answer
    from telemetry_platform.embedded.clickhouse.engine import Engine
    from telemetry_platform.embedded.clickhouse.execute import Executor

    Scope = MutableMapping[str, Any]

_LOG: Final = logging.getLogger("telemetry_platform.embedded.clickhouse")
_LOOPBACK: Final = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?", re.IGNORECASE)
# Each holds a thread of the pool (`__main__.py`), so the pool is never exhausted.
_MAX_QUERIES: Final = 60
_DISPLAY_NAME: Final = "telemetry-embedded"


class Server:
    """The ASGI application."""

    def __init__(
        self, engine: Engine, executor: Executor, account: requests.Account, threads: ThreadPoolExecutor
    ) -> None:
        self._engine = engine
        self._executor = executor
        self._account = account
        self._threads = threads
        self._running = 0
        self.stopping = False

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's own shapes
        """Serve one request."""
        if scope["type"] != "http":
            raise RuntimeError(f"only HTTP is served here, not {scope['type']}")
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            if _LOOPBACK.fullmatch(headers.get("host", "")) is None:
                raise failure(ACCESS_DENIED, "The Host header must be 127.0.0.1, localhost or [::1].")
            if scope["path"] == "/ping" or (scope["path"] == "/" and _is_probe(scope, headers)):
                await _whole(send, 200, {"Content-Type": "text/html; charset=UTF-8"}, b"Ok.\n")
                return
            await self._serve(scope, headers, receive, send)
        except QueryFailure as error:
            await self._refuse(send, error, None)

    async def _serve(self, scope: Scope, headers: dict[str, str], receive: Any, send: Any) -> None:  # noqa: ANN401
        """Authenticate, run and answer one query."""
        if scope["path"] not in {"/", "/query"} or scope["method"] not in {"GET", "HEAD", "POST"}:
            await _whole(send, 404, {"Content-Type": "text/plain; charset=UTF-8"}, b"There is no handle for this.\n")
            return
        requests.authenticate(scope["query_string"], headers, self._account)
        request = requests.parse(scope["method"], scope["query_string"], headers)
        if self._running >= _MAX_QUERIES:
            raise failure(TOO_MANY_QUERIES, f"Too many simultaneous queries; {_MAX_QUERIES} run already.")
        if self.stopping:
            raise failure(SERVER_IS_STOPPING, "The server is stopping; try again in a moment.")
        incoming = Incoming(receive, asyncio.get_running_loop())
        self._running += 1
        watch = asyncio.create_task(self._watch(incoming, request.query_id))
        try:
            answer = await self._in_thread(self._executor.answer, request, incoming.pieces())
            try:
                await self._send(send, answer, request, incoming)
            finally:
                await self._in_thread(answer.close)
        except QueryFailure as error:
            incoming.is_answered = True
            await self._refuse(send, error, request.query_id)
        except ClientGoneError:
            _LOG.info("a client went away inside its request; the query was ended")
        except Exception:  # noqa: BLE001 - the outermost edge: a client gets an answer, and the process goes on serving others
            _LOG.exception("a request failed inside the server")
            await self._refuse(send, failure(UNKNOWN, "The server failed; its log says where."), request.query_id)
        finally:
            self._running -= 1
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch

    async def _in_thread(self, function: Any, *arguments: Any) -> Any:  # noqa: ANN401 - whatever the function takes
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)

    async def _watch(self, incoming: Incoming, query_id: str) -> None:
        """Kill the query of a client that goes away while it runs."""
        if await incoming.gone():
            # Not by the query threads: all of them may be busy with queries that this has to end.
            await asyncio.to_thread(self._engine.kill, query_id)

    async def _send(self, send: Any, answer: Answer, request: requests.Request, incoming: Incoming) -> None:  # noqa: ANN401
        """Send headers and pieces; the next piece is asked for only when the socket has taken the last."""
        headers = self._headers(request.query_id) | answer.headers
        await send({"type": "http.response.start", "status": 200, "headers": _encoded(headers)})
        pieces = iter(answer.pieces)
        while not incoming.is_gone:
            piece = await self._in_thread(next, pieces, None)
            if piece is None:
                incoming.is_answered = True
                await send({"type": "http.response.body", "body": b""})
                return
            if piece and request.method != "HEAD":
                await send({"type": "http.response.body", "body": piece, "more_body": True})

    async def _refuse(self, send: Any, error: QueryFailure, query_id: str | None) -> None:  # noqa: ANN401
        """Answer with an error as the real server writes it."""
        headers = self._headers(query_id) | {
            "Content-Type": "text/plain; charset=UTF-8",
            "X-ClickHouse-Exception-Code": str(error.code),
        }
        text = f"{error.text} (version {self._engine.version})" if "(version " not in error.text else error.text
        await _whole(send, error.status, headers, text.encode("utf-8", "replace") + b"\n")

    def _headers(self, query_id: str | None) -> dict[str, str]:
        """Headers of every answer."""
        headers = {
            "X-ClickHouse-Server-Display-Name": _DISPLAY_NAME,
            "X-ClickHouse-Timezone": self._engine.timezone,
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        }
        return headers | ({"X-ClickHouse-Query-Id": query_id} if query_id else {})


def _is_probe(scope: Scope, headers: dict[str, str]) -> bool:
    """Whether a request for `/` only asks whether somebody is there."""
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    return scope["method"] in {"GET", "HEAD"} and not scope["query_string"] and not has_body


def _encoded(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]


async def _whole(send: Any, status: int, headers: dict[str, str], body: bytes) -> None:  # noqa: ANN401 - ASGI's own shape
    """Send a short answer at once."""
    sized = headers | {"Content-Length": str(len(body))}
    await send({"type": "http.response.start", "status": status, "headers": _encoded(sized)})
    await send({"type": "http.response.body", "body": body})
