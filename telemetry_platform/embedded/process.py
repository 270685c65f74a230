"""Processes as the kernel knows them: who is ours, starting one detached, stopping one for good.

Invariant: nothing is signalled by its number alone. A process is ours when its pid, start time and boot match a record,
or when it carries the service's tag in its environment, or runs the service's own binary inside the service's own
folder. The signal goes through a descriptor that was opened before that was checked, so that a number which the kernel
hands to a stranger in between stays unharmed.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from telemetry_platform.embedded.state import wait_until, write_private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

TAG = "TELEMETRY_SERVICE_TAG"
_PROC = Path("/proc")
_LISTEN = "0A"  # TCP_LISTEN, as the kernel numbers its states
_ORPHAN_SECONDS = 2.0
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")  # Dagster writes them to files as well
_KEEP_LOG_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True)
class Identity:
    """A process, distinguishable from a later one with the same number."""

    pid: int
    start_ticks: int
    boot_id: str


@dataclass(frozen=True)
class Account:
    """An unprivileged user that a service runs as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class ServiceRecord:
    """What is kept of a started service: enough to find and stop all of it without knowing how it was started."""

    name: str
    identity: Identity
    tag: str
    home: str
    binary: str
    stop_signal: int
    stop_group: bool
    fingerprint: str

    def save(self, folder: Path) -> None:
        """Write the record to its file."""
        write_private(folder / f"{self.name}.json", json.dumps(asdict(self)))

    @staticmethod
    def load(folder: Path, name: str) -> ServiceRecord | None:
        """Read a record; None when there is none or when a crash of the machine left half of one."""
        try:
            content = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
            return ServiceRecord(**{**content, "identity": Identity(**content["identity"])})
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return None

    def forget(self, folder: Path) -> None:
        """Remove the record's file."""
        (folder / f"{self.name}.json").unlink(missing_ok=True)


def boot_id() -> str:
    """The kernel's name for the time since the last boot: start times count from there."""
    return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/<pid>/stat after the command, which may hold spaces and brackets itself."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def identify(pid: int) -> Identity | None:
    """Who has this number now; None for nobody, and for a zombie, which only waits to be collected."""
    fields = _stat(pid)
    if fields is None or fields[0] in {"Z", "X"}:
        return None
    return Identity(pid, int(fields[19]), boot_id())


def is_alive(identity: Identity) -> bool:
    """Whether exactly this process still runs."""
    return identify(identity.pid) == identity


def _carries_tag(pid: int, tag: str) -> bool:
    """Whether the process was started with the tag: children inherit it, also into groups of their own."""
    try:
        environment = (_PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return False
    return f"{TAG}={tag}".encode() in environment.split(b"\0")


def _runs_inside(pid: int, binary: str, home: str) -> bool:
    """Whether the process runs `binary` with `home` as its folder.

    PostgreSQL and Valkey overwrite the memory that /proc shows as their environment; this finds them all the same, and
    leaves alone a shell that somebody opened in the folder.
    """
    if not binary:
        return False
    try:
        runs = (_PROC / str(pid) / "exe").readlink()
        folder = (_PROC / str(pid) / "cwd").readlink()
    except OSError:
        return False
    return str(runs).removesuffix(" (deleted)") == binary and folder.is_relative_to(home)


def members(record: ServiceRecord) -> list[Identity]:
    """Every live process of the service: the first one, its children, and orphans of an earlier start."""
    found = []
    for pid in all_pids():
        identity = identify(pid)
        if identity is None or pid == os.getpid():
            continue
        same = identity == record.identity
        if same or _carries_tag(pid, record.tag) or _runs_inside(pid, record.binary, record.home):
            found.append(identity)
    return found


def listens(record: ServiceRecord, port: int) -> bool:
    """Whether it is the service itself that listens on the port, and no stranger who was faster.

    Where the kernel does not let us look at a member's files, the service is believed.
    """
    wanted = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for member in members(record):
        try:
            files = list((_PROC / str(member.pid) / "fd").iterdir())
        except PermissionError:
            return True
        except OSError:
            continue
        for file in files:
            with suppress(OSError):
                if str(file.readlink()) in wanted:
                    return True
    return False


def _listening_inodes(port: int) -> Iterator[str]:
    """The sockets that listen on a TCP port of this machine, by number."""
    for name in ("tcp", "tcp6"):
        table = _PROC / "net" / name
        lines = table.read_text(encoding="ascii").splitlines()[1:] if table.exists() else []
        for fields in map(str.split, lines):
            if fields[1].endswith(f":{port:04X}") and fields[3] == _LISTEN:
                yield fields[9]


def tagged_below(prefix: str) -> list[Identity]:
    """Every live process whose tag begins with `prefix`."""
    wanted = f"{TAG}={prefix}".encode()
    found = []
    for pid in all_pids():
        with suppress(OSError):
            environment = (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
            identity = identify(pid)
            if identity and pid != os.getpid() and any(entry.startswith(wanted) for entry in environment):
                found.append(identity)
    return found


def all_pids() -> Iterator[int]:
    """All process numbers of the moment."""
    return (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())


def send(identity: Identity, number: int) -> None:
    """Signal exactly this process, or nobody."""
    try:
        descriptor = os.pidfd_open(identity.pid)
    except OSError:
        return  # already gone
    try:
        if is_alive(identity):
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(descriptor, number)
    finally:
        os.close(descriptor)


def stop(record: ServiceRecord, *, grace_seconds: float) -> None:
    """Ask the service to end, wait, then kill whatever of it is left; returns when nothing of it runs."""
    alive = members(record)
    leader = [one for one in alive if one == record.identity]
    for one in alive if record.stop_group or not leader else leader:
        send(one, record.stop_signal)
    # Orphans of a killed process have nobody left to finish for.
    if not wait_until(lambda: not members(record), grace_seconds if leader else min(grace_seconds, _ORPHAN_SECONDS)):
        kill(lambda: members(record))


def kill(find: Callable[[], list[Identity]]) -> None:
    """Kill what `find` names until it names nothing: a dying parent may still have forked."""

    def gone() -> bool:
        left = find()
        for one in left:
            send(one, signal.SIGKILL)
        return not left

    wait_until(gone, 10.0)


def launch(
    argv: tuple[str, ...], environment: Mapping[str, str], folder: Path, log_file: Path, account: Account | None
) -> subprocess.Popen[bytes]:
    """Start a process in a session and group of its own, detached from this terminal, writing to its log."""
    if log_file.exists() and log_file.stat().st_size > _KEEP_LOG_BYTES:
        log_file.replace(log_file.with_suffix(".log.1"))
    descriptor = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        return subprocess.Popen(
            argv,
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o077,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    finally:
        os.close(descriptor)


def last_lines(log_file: Path, since: int = 0, count: int = 20) -> str:
    """The end of a log from byte `since` on, for the message that says why a service did not start."""
    if not log_file.exists():
        return "(no log was written)"
    size = log_file.stat().st_size
    with log_file.open("rb") as file:
        file.seek(max(since if since <= size else 0, size - 16_384))
        lines = _COLOURS.sub("", file.read().decode("utf-8", errors="replace")).splitlines()
    return "\n".join(lines[-count:]) or "(the log is empty)"
