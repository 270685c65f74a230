"""Entry point of the process: `python -m telemetry_platform.embedded.clickhouse --data-dir D --password-file F`.

Invariant: the order. Everything is imported, the password is read, the port is bound and the directory is locked before
root is given up; the engine opens the directory after it. The working directory is a folder of its own, because the
engine reads a `config.xml` of the folder it starts in. SIGTERM ends with status 0, with the data flushed.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import logging
import os
import signal
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import uvicorn

from telemetry_platform.embedded.clickhouse import config, owner
from telemetry_platform.embedded.clickhouse.engine import Engine
from telemetry_platform.embedded.clickhouse.execute import Executor
from telemetry_platform.embedded.clickhouse.failures import QueryFailure
from telemetry_platform.embedded.clickhouse.outcome import Outcomes
from telemetry_platform.embedded.clickhouse.request import Account
from telemetry_platform.embedded.clickhouse.server import Server
from telemetry_platform.embedded.clickhouse.sessions import Sessions
from telemetry_platform.errors import PlatformError
from telemetry_platform.logs import guard

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LOG: Final = logging.getLogger("telemetry_platform.embedded.clickhouse")
# Every running query holds one; more than the server lets in at once (`server.py`).
_THREADS: Final = 64
_GRACE_SECONDS: Final = 5.0
# What would be imported at first use: an unprivileged user may not be able to read the environment any more.
_BEFORE_ROOT_IS_GIVEN_UP: Final = (
    "chdb",
    *(f"encodings.{name}" for name in ("ascii", "latin_1", "idna", "utf_8", "utf_8_sig")),
    *("email._header_value_parser", "email.contentmanager", "email.headerregistry", "email.parser", "email.policy"),
    *("uvloop", "httptools", "uvicorn.loops.uvloop", "uvicorn.lifespan.off", "uvicorn.protocols.http.httptools_impl"),
    *("concurrent.futures.thread", "traceback", "linecache", "tokenize"),
)


class _Process(uvicorn.Server):
    """uvicorn that ends its queries and then itself on SIGTERM or SIGINT, with status 0."""

    def __init__(self, settings: uvicorn.Config, app: Server, engine: Engine, port_file: Path | None) -> None:
        super().__init__(settings)
        self._port_file = port_file
        self._app = app
        self._engine = engine
        self._ending: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell the port once somebody answers there."""
        await super().startup(sockets)
        if self._port_file is not None and sockets:
            fresh = self._port_file.with_suffix(".new")
            fresh.write_text(f"{sockets[0].getsockname()[1]}\n", encoding="ascii")
            fresh.replace(self._port_file)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals on the loop; uvicorn's own way raises them again at the end, and the status were -15."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._begin_end)
        yield

    def _begin_end(self) -> None:
        if self._ending is None:
            self._ending = asyncio.get_running_loop().create_task(self._end())

    async def _end(self) -> None:
        """Take nothing new, let what runs finish for a while, kill the rest, and leave."""
        self._app.stopping = True
        if self.server_state.tasks:
            await asyncio.wait(set(self.server_state.tasks), timeout=_GRACE_SECONDS)
        while self.server_state.tasks:
            self._engine.kill_all()
            await asyncio.wait(set(self.server_state.tasks), timeout=0.1)
        self.should_exit = True


def main(argv: Sequence[str] | None = None) -> int:
    """Run the server until a signal ends it; 0 for a clean end, 1 for a start that failed."""
    options = _arguments(argv)
    guard()
    logging.basicConfig(
        level=logging.INFO,
        filename=options.log_file,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    try:
        _run(options)
    except (PlatformError, QueryFailure, OSError) as error:
        _LOG.error("the embedded ClickHouse did not start: %s", error)
        if options.log_file:
            sys.stderr.write(f"the embedded ClickHouse did not start: {error}\n")
        return 1
    return 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m telemetry_platform.embedded.clickhouse", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True, help="folder that this process will own")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--port-file", type=Path, help="file that gets the port once the server answers")
    parser.add_argument("--password-file", type=Path, required=True, help="0600 file with the password")
    parser.add_argument("--user", help="unprivileged user to become when started as root (default: nobody)")
    parser.add_argument("--log-file", type=Path, help="log file; standard error when not given")
    return parser.parse_args(argv)


def _run(options: argparse.Namespace) -> None:
    """Open everything in the order that the module's invariant names, and serve."""
    data_dir = options.data_dir.resolve()
    port_file = options.port_file.resolve() if options.port_file else None
    account = Account("telemetry", owner.secret(options.password_file))
    with owner.lock(data_dir), socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", options.port))
        address = config.prepare(data_dir, config.Limits())
        # Half a second and 500 MB of it: after the lock, and before root is given up.
        for module in _BEFORE_ROOT_IS_GIVEN_UP:
            importlib.import_module(module)
        os.chdir(data_dir / "run")
        identity = owner.become(options.user, data_dir)
        engine = Engine(address)
        sessions = Sessions(engine)
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="query") as threads:
            app = Server(engine, Executor(engine, sessions, Outcomes(engine)), account, threads)
            settings = uvicorn.Config(
                app,
                http="httptools",
                loop="uvloop",
                # ClickHouse speaks none; and looking for one would be an import after root was given up.
                ws="none",
                lifespan="off",
                access_log=False,
                log_config=None,
                log_level="warning",
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=75,
            )
            server = _Process(settings, app, engine, port_file)
            _LOG.info("engine %s on port %d as %s", engine.version, listener.getsockname()[1], identity)
            server.run(sockets=[listener])
        sessions.close()
        engine.close()
        _LOG.info("stopped")


if __name__ == "__main__":
    sys.exit(main())
