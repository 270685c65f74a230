"""Who owns a data directory, and as which user the process goes on.

Invariants: one process owns a data directory; the lock is the kernel's, so it ends with the process however that ends,
and a stale file means nothing. Root is given up before the engine opens the directory, never after.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import stat
from typing import TYPE_CHECKING

from telemetry_platform.embedded.clickhouse.config import owned_by
from telemetry_platform.errors import ConfigurationError, PermanentError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO


def lock(data_dir: Path) -> BinaryIO:
    """Take the directory for this process; the returned file must stay open as long as the process lives."""
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = (data_dir / "owner.lock").open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise PermanentError(
            f"another ClickHouse process owns {data_dir}. Next: use the running one, or stop it (`telemetry down`)."
        ) from None
    return file


def secret(password_file: Path) -> str:
    """Read the password; a file that others can read is refused, because it is no secret."""
    mode = stat.S_IMODE(password_file.stat().st_mode)
    if mode & 0o077:
        raise ConfigurationError(f"{password_file} has mode {mode:o}. Next: chmod 600 it.")
    text = password_file.read_text(encoding="utf-8").strip()
    if not text:
        raise ConfigurationError(f"{password_file} is empty. Next: write the password of user telemetry into it.")
    return text


def become(user: str | None, data_dir: Path) -> str:
    """Give up root for `user` (default: nobody) where the data directory stays reachable; say who goes on.

    Below a folder that only root may enter an unprivileged user cannot reach the data: then the process stays root and
    says so. Without root nothing changes.
    """
    if os.geteuid() != 0:
        return f"user {pwd.getpwuid(os.geteuid()).pw_name}"
    try:
        account = pwd.getpwnam(user or "nobody")
    except KeyError:
        raise ConfigurationError(f"there is no user {user!r} on this machine. Next: give another --user.") from None
    if account.pw_uid == 0:
        return "root, as asked"
    closed = next((folder for folder in data_dir.resolve().parents if not folder.stat().st_mode & stat.S_IXOTH), None)
    if closed is not None:
        return f"root, because {account.pw_name} may not enter {closed}"
    owned_by(data_dir, account.pw_uid, account.pw_gid)
    os.setgroups([])
    os.setresgid(account.pw_gid, account.pw_gid, account.pw_gid)
    os.setresuid(account.pw_uid, account.pw_uid, account.pw_uid)
    return f"user {account.pw_name}"
