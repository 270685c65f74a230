"""The state folder of one local profile: ports, secrets, logs, records of running services.

Everything that a profile keeps lies under `.telemetry/<profile>/` of the checkout. Invariant: folders are 0700 and
files 0600 from the moment they exist (never written first and closed afterwards), and files are replaced whole, so that
a killed command leaves the old content or the new one.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast, get_args

from telemetry_platform.errors import PermanentError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Profile = Literal["demo", "up", "test"]
PROFILES: tuple[Profile, ...] = get_args(Profile)

POSTGRES_ROLES = (
    "telemetry_owner",
    "telemetry_ingest",
    "telemetry_read",
    "telemetry_retention",
    "telemetry_dashboards",
    "telemetry_dagster",
)
_POLL_SECONDS = 0.05
_SECRET_NAMES = (
    "postgres",
    *POSTGRES_ROLES,
    "clickhouse",
    "redis_telemetry",
    "redis_admin",
    "jwt",
    "maxmind",
)


def project_root() -> Path:
    """The folder that holds `dagster.yaml` and `workspace.yaml`: the checkout, else the current folder."""
    here = Path(__file__).resolve().parents[2]
    return here if (here / "pyproject.toml").exists() else Path.cwd().resolve()


def checkout_id(checkout: Path) -> str:
    """A short name for a checkout, the same for every command run in it and different for its neighbour."""
    return hashlib.sha256(os.fsencode(checkout.resolve())).hexdigest()[:12]


def write_private(path: Path, content: str) -> None:
    """Replace `path` whole; its content is never readable by others, not even for a moment."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def private_folder(path: Path) -> Path:
    """Make a folder that only its owner may enter, and tighten one that is there already."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    return path


@dataclass(frozen=True)
class StateFolder:
    """One profile's folder. Paths only: nothing is created before `create` or `secrets` is called.

    `checkout` is the project's folder; tests give another one, so that two test runs do not meet.
    """

    checkout: Path
    profile: Profile

    @property
    def path(self) -> Path:
        """`.telemetry/<profile>`."""
        return self.checkout / ".telemetry" / self.profile

    @property
    def logs(self) -> Path:
        """One log a service."""
        return self.path / "logs"

    @property
    def records(self) -> Path:
        """One record a running service, see `process.ServiceRecord`."""
        return self.path / "services"

    @property
    def dagster_home(self) -> Path:
        """DAGSTER_HOME; it links to the checkout's `dagster.yaml`."""
        return self.path / "dagster_home"

    @property
    def runner_file(self) -> Path:
        """Names the command that stops the services when it ends; absent when they stay up by themselves."""
        return self.path / "runner"

    @property
    def kek_file(self) -> Path:
        """The key-encryption key of the profile, base64."""
        return self.path / "kek"

    @property
    def next_kek_file(self) -> Path:
        """The one to change to, when somebody puts it there (`name:base64`); see docs/keys.md."""
        return self.path / "kek-next"

    @property
    def signing_key_file(self) -> Path:
        """The Ed25519 key of the profile's checkpoints, base64."""
        return self.path / "signing-key"

    @property
    def checkpoints(self) -> Path:
        """Where the profile's signed checkpoints of the trail are."""
        return self.path / "checkpoints"

    def log_file(self, service: str) -> Path:
        """The log of one service."""
        return self.logs / f"{service}.log"

    def folder(self, service: str) -> Path:
        """The folder of one service: its data and configuration, and its working directory."""
        return self.path / service

    def create(self) -> None:
        """Make the folders; safe to call again."""
        private_folder(self.checkout / ".telemetry")
        for folder in (self.path, self.logs, self.records, self.dagster_home, self.path / "truth"):
            private_folder(folder)
        self._link_dagster_yaml()

    def _link_dagster_yaml(self) -> None:
        """Point DAGSTER_HOME at the checkout's file: a copy would stay behind when the file changes."""
        link = self.dagster_home / "dagster.yaml"
        target = project_root() / "dagster.yaml"
        if link.is_symlink() and link.readlink() == target:
            return
        link.unlink(missing_ok=True)
        link.symlink_to(target)

    def secrets(self) -> Mapping[str, str]:
        """The profile's generated secrets, made once; the key-encryption key has a file of its own."""
        path = self.path / "secrets.json"
        known = cast("dict[str, str]", json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}
        missing = [name for name in _SECRET_NAMES if name not in known]
        if missing:
            self.create()
            known |= {name: secrets.token_urlsafe(32) for name in missing}
            write_private(path, json.dumps(known))
        if not self.kek_file.exists():
            write_private(self.kek_file, base64.b64encode(secrets.token_bytes(32)).decode("ascii"))
        if not self.signing_key_file.exists():
            write_private(self.signing_key_file, base64.b64encode(secrets.token_bytes(32)).decode("ascii"))
        return known

    @contextmanager
    def locked(self, *, patience_seconds: float = 15.0) -> Iterator[None]:
        """Let one command at a time change the profile; the kernel frees the lock when a command is killed.

        The wait is for a watchdog that is just stopping what a killed command left.
        """
        self.create()
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if not wait_until(lambda: _try_lock(descriptor), patience_seconds):
                raise TransientError(
                    f"another command is working on the profile `{self.profile}` of this checkout; "
                    "wait until it has ended and try again"
                )
            yield
        finally:
            os.close(descriptor)

    def wipe(self, *, keep: tuple[str, ...] = ("lock", "runner", "ports.json")) -> None:
        """Forget the profile but for `keep`; the caller has stopped its services."""
        if not self.path.exists():
            return
        for entry in self.path.iterdir():
            if entry.name in keep:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def remove(self) -> None:
        """Remove the profile's folder and, when it was the last, the folder above."""
        if self.path.is_symlink():
            raise PermanentError(f"{self.path} is a symbolic link; remove it by hand")
        shutil.rmtree(self.path, ignore_errors=False) if self.path.exists() else None
        parent = self.path.parent
        if parent.is_dir() and not any(parent.iterdir()):
            parent.rmdir()


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Poll a condition; whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def is_generated_here(checkout: Path, secret: str) -> bool:
    """Whether a secret was generated by any profile of this checkout.

    A shell that took over `telemetry env` has a local profile's addresses in its environment; they must not be taken
    for those of real servers.
    """
    for file in sorted((checkout / ".telemetry").glob("*/secrets.json")):
        if secret and secret in json.loads(file.read_text(encoding="utf-8")).values():
            return True
    return False
