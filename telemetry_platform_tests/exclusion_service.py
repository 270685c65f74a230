"""The local stand-in of MaxMind's service, in this process, with a list that a test edits."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from telemetry_platform.embedded.maxmind import PATH, Service, handler_of
from telemetry_platform.settings import MaxMindSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

ACCOUNT, KEY = "481516234", "Zq9-licence-key-of-the-test"
UPDATED = "2026-01-01T00:00:00Z"


@dataclass
class ListService:
    """The running service: its file, and what it was asked for."""

    file: Path
    settings: MaxMindSettings
    asked: list[str] = field(default_factory=list)
    """Path and query of every request, in order."""

    def hold(self, *networks: str, updated: str = UPDATED, answer: int = 200) -> None:
        """List these networks, and answer with this status."""
        self.hold_entries([entry(network, updated) for network in networks], answer=answer)

    def hold_entries(self, entries: Sequence[Any], *, answer: int = 200, **more: Any) -> None:  # noqa: ANN401 - JSON values
        """List these entries, as they are."""
        self.file.write_text(json.dumps({"exclusions": entries, "answer": answer, **more}), encoding="utf-8")


def entry(network: str, updated: str = UPDATED) -> dict[str, str]:
    """One entry as the documentation shows it."""
    return {
        "exclusion_type": "ccpa_do_not_sell",
        "data_type": "network",
        "value": network,
        "last_updated": updated,
    }


def settings_for(port: int, **changed: Any) -> MaxMindSettings:  # noqa: ANN401 - values of settings
    """An account at a service on this machine."""
    usual = {
        "url": f"http://127.0.0.1:{port}{PATH}",
        "account_id": SecretStr(ACCOUNT),
        "license_key": SecretStr(KEY),
        "timeout_seconds": 10.0,
    }
    return MaxMindSettings(**(usual | changed))


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """Answer on a free port of loopback for the length of the block; the port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join(10)


@contextmanager
def list_service(folder: Path) -> Iterator[ListService]:
    """The service, with an empty list."""
    file = folder / "exclusions.json"
    plain = handler_of(Service(file, ACCOUNT, KEY))
    asked: list[str] = []

    class Noting(plain):  # type: ignore[misc,valid-type] # the class is made by a function
        """Notes what is asked for."""

        def do_GET(self) -> None:  # noqa: N802 - the name that the base class calls
            asked.append(self.path)
            super().do_GET()

    with listening(Noting) as port:
        service = ListService(file, settings_for(port), asked)
        service.hold()
        yield service
