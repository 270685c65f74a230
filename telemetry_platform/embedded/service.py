"""What the supervisor must know of a service: how to start it, tell that it is ready, and stop it.

Invariant: `argv` holds no secret (every user of the machine can read command lines); secrets travel in `environment`
or in 0600 files.
"""

from __future__ import annotations

import hashlib
import json
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.embedded.process import Account, Identity, ServiceRecord
from telemetry_platform.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


_SETTINGS = ("TELEMETRY_", "DAGSTER_")


def _nothing() -> None:
    """The preparation of a service that needs none."""


@dataclass(frozen=True)
class Service:
    """One process group of the platform."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    log_file: Path
    is_ready: Callable[[], bool]
    address: str
    prepare: Callable[[], None] = _nothing
    account: Account | None = None
    # Set for servers that overwrite their environment: they are recognised by binary and folder instead of the tag.
    binary: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    # PostgreSQL's backends must not be signalled: they follow the first process, which writes the last checkpoint.
    stop_group: bool = True
    start_seconds: float = 60.0
    port: int | None = None

    @property
    def fingerprint(self) -> str:
        """Changes with whatever the service was started with, so that `up` restarts what moved or was set anew.

        Of the environment only the settings count: the rest differs from one terminal to the next.
        """
        settings = sorted(item for item in self.environment.items() if item[0].startswith(_SETTINGS))
        content = json.dumps([self.argv, settings, str(self.folder)])
        return hashlib.sha256(content.encode()).hexdigest()

    def record(self, identity: Identity, tag: str) -> ServiceRecord:
        """What is kept of the started service."""
        return ServiceRecord(
            name=self.name,
            identity=identity,
            tag=tag,
            home=str(self.folder.resolve()),
            binary=str(self.binary.resolve()) if self.binary else "",
            stop_signal=int(self.stop_signal),
            stop_group=self.stop_group,
            fingerprint=self.fingerprint,
        )


class ServiceStartError(TransientError):
    """A service did not become ready; the message ends with the last lines of its log."""

    def __init__(self, service: Service, reason: str, lines: str) -> None:
        super().__init__(
            f"{service.name} did not start: {reason}.\nLast lines of {service.log_file}:\n{lines}\n"
            "Next: read the log above; `telemetry doctor` shows every part, `telemetry down` stops what runs."
        )
        self.service = service
