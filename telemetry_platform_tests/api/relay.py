"""A relay before a server, which can be told to keep the server's answers to itself."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Relay:
    """Passes everything on, both ways; while `is_mute`, what comes back is thrown away.

    `mutes_at`: it falls mute when this is passed on, so that what was asked before is still answered.
    """

    def __init__(self, host: str, port: int) -> None:
        self.is_mute = False
        self.mutes_at: bytes | None = None
        self._target = (host, port)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                inner, _ = self._door.accept()
                outer = socket.create_connection(self._target)
                self._open += [inner, outer]
                for source, sink, passes in (
                    (inner, outer, self._asks),
                    (outer, inner, lambda _: not self.is_mute),
                ):
                    threading.Thread(target=_pump, args=(source, sink, passes), daemon=True).start()

    def _asks(self, part: bytes) -> bool:
        if self.mutes_at is not None and self.mutes_at in part:
            self.is_mute = True
        return True

    def close(self) -> None:
        """Close the door and everything that came through it."""
        for each in (self._door, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


def _pump(source: socket.socket, sink: socket.socket, passes: Callable[[bytes], bool]) -> None:
    with suppress(OSError):
        while part := source.recv(65536):
            if passes(part):
                sink.sendall(part)
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def relay(host: str, port: int) -> Iterator[Relay]:
    """A relay for the length of the block."""
    running = Relay(host, port)
    try:
        yield running
    finally:
        running.close()
