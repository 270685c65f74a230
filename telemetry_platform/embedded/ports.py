"""The loopback ports of a profile: chosen once, kept in its state folder, replaced when a stranger holds one.

Invariant: a port is asked for by the service's name, and the same name gets the same port as long as that port is free
or held by the service itself, so that addresses survive `down` and `up`.
"""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from telemetry_platform.embedded.state import wait_until, write_private
from telemetry_platform.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PREFERRED = {"api": 8080, "dagster": 3000}
# Below the range from which the kernel takes ports for outgoing connections: one from inside it would now and then be
# in use for a moment just when its service wants to come back.
_FIRST, _LAST = 20_000, 29_999
_CLOSING_SECONDS = 2.0


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def is_open(port: int, timeout: float = 1.0) -> bool:
    """Whether something answers a connection to the port."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout):
            return True
    except OSError:
        return False


def _becomes_free(port: int) -> bool:
    """Whether the port is free, or soon: the kernel takes a moment to close what a killed server held."""
    return wait_until(lambda: is_free(port), _CLOSING_SECONDS)


@dataclass
class Ports:
    """The ports of one profile, kept in `file`; `seed` spreads the first tries of neighbouring checkouts."""

    file: Path
    seed: int
    _chosen: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.file.exists():
            self._chosen = {name: int(port) for name, port in json.loads(self.file.read_text(encoding="utf-8")).items()}

    def __getitem__(self, name: str) -> int:
        return self._chosen[name]

    def get(self, name: str) -> int | None:
        """The port kept for a service, if any."""
        return self._chosen.get(name)

    def settle(self, names: Iterable[str], *, running: Iterable[str]) -> None:
        """Give every name a port that it can listen on; services in `running` keep theirs."""
        held = set(running)
        for name in names:
            port = self._chosen.get(name)
            if port is None or (name not in held and not _becomes_free(port)):
                self._chosen[name] = self._choose(name)
        write_private(self.file, json.dumps(self._chosen, indent=1))

    def _choose(self, name: str) -> int:
        taken = set(self._chosen.values())
        preferred = PREFERRED.get(name)
        span = _LAST - _FIRST + 1
        candidates = (_FIRST + (self.seed + step) % span for step in range(span))
        for port in ([preferred] if preferred else []) + list(candidates):
            if port not in taken and is_free(port):
                return port
        raise TransientError(f"no free port between {_FIRST} and {_LAST} for {name}; end what holds them and try again")
