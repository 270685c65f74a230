"""The part of a profile that lies outside the checkout when root runs it, for servers that must not run as root.

PostgreSQL refuses to run as root, and ClickHouse's engine should not. An unprivileged user can neither execute the
environment's binaries nor reach data below a folder that only root may enter (a checkout under /root). So what such a
server runs and owns gets a folder below the system's temporary folder. Invariants: that folder, binaries and
configuration in it belong to root and are writable by nobody else (else any local user could give us a binary to run);
only a server's data belongs to its user, and root neither reads nor writes files in there, where a link could lead
anywhere.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from telemetry_platform.embedded.process import Account
from telemetry_platform.embedded.state import checkout_id
from telemetry_platform.errors import ConfigurationError, PermanentError

if TYPE_CHECKING:
    from telemetry_platform.embedded.state import StateFolder

_UNPRIVILEGED_USERS = ("nobody", "postgres")
# /var/tmp outlives a reboot, /tmp often does not.
_TEMPORARY_FOLDERS = (Path("/var/tmp"), Path(tempfile.gettempdir()))  # noqa: S108  # owner and mode are checked below
INSTALLED = "install-"


def is_needed() -> bool:
    """Whether servers need another user and a folder that this user can reach."""
    return os.geteuid() == 0


def unprivileged_account() -> Account:
    """The user that servers run as when we are root."""
    for name in _UNPRIVILEGED_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise ConfigurationError(
        "PostgreSQL refuses to run as root and this machine has no user `nobody` or `postgres`; "
        "run as an ordinary user, or set TELEMETRY_POSTGRES__URL to a real server"
    )


def shared_folder(checkout: Path) -> Path:
    """Root's folder for this checkout, below the first temporary folder that lets programs run."""
    for base in _TEMPORARY_FOLDERS:
        if base.is_dir() and not os.statvfs(base).f_flag & os.ST_NOEXEC:
            return base / f"telemetry-{checkout_id(checkout)}"
    raise ConfigurationError(
        "neither /var/tmp nor the temporary folder lets programs run; set TMPDIR to one that does, "
        "or run as an ordinary user"
    )


def profile_folder(state: StateFolder) -> Path:
    """The profile's own folder in there; creates nothing."""
    return shared_folder(state.checkout) / state.profile


def make(state: StateFolder) -> Path:
    """Make the profile's folder; refuses one that somebody else has made."""
    folder = profile_folder(state)
    for path in (folder.parent, folder):
        path.mkdir(mode=0o755, exist_ok=True)
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o022:
            raise PermanentError(
                f"{path} is not a folder of root that only root may write to; somebody else made it: look at it, "
                "remove it and try again"
            )
        path.chmod(0o755)  # an unusual umask must not lock the unprivileged user out
    return folder


def remove(state: StateFolder) -> None:
    """Remove the profile's folder and, with the last profile, the binaries; the servers have been stopped."""
    if not is_needed():
        return
    folder = profile_folder(state)
    shared = folder.parent
    if not shared.is_dir() or shared.is_symlink() or shared.stat().st_uid != 0:
        return
    if folder.exists():
        shutil.rmtree(folder)
    if all(entry.name.startswith(INSTALLED) for entry in shared.iterdir()):
        shutil.rmtree(shared)
