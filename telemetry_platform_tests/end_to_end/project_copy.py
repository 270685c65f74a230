"""A copy of the project in a folder of its own, with the files of the README's "Add a table" in it.

What runs in it are processes of this environment whose modules come from the copy.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

CHECKOUT = Path(__file__).parents[2]
ENVIRONMENT = Path(sys.prefix)
_LEFT_OUT = (".git", ".venv", ".telemetry", ".*_cache", ".hypothesis", "__pycache__", "*.egg-info", "build", "dist")
_FILE = re.compile(r"^`(?P<path>[\w/.-]+)`\n\n```[a-z]+\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def files_of_the_readme() -> dict[str, str]:
    """The files that the README's section tells a newcomer to write, by path."""
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    section = readme.partition("\n## Add a table\n")[2].partition("\n## ")[0]
    return {found["path"]: found["text"] for found in _FILE.finditer(section)}


@dataclass(frozen=True)
class ProjectCopy:
    """The copy, what its files were before anything was added, and what its processes are told."""

    folder: Path
    # Not shown, neither digests nor secrets: a failing test prints what it holds.
    before: Mapping[str, str] = field(repr=False)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    def told(self, variables: Mapping[str, str]) -> ProjectCopy:
        """The same copy, whose processes get these settings."""
        return replace(self, variables=variables)

    def write(self, path: str, text: str) -> None:
        """Write a file, with the folders that it needs."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def read(self, path: str) -> str:
        """The text of a file."""
        return (self.folder / path).read_text(encoding="utf-8")

    def differences(self) -> tuple[set[str], set[str], set[str]]:
        """Files that are new, changed and gone since the copy was made."""
        now = digests(self.folder)
        both = now.keys() & self.before.keys()
        changed = {path for path in both if now[path] != self.before[path]}
        return set(now.keys() - self.before.keys()), changed, set(self.before.keys() - now.keys())

    def environment(self, **more: str) -> dict[str, str]:
        """Variables for a process in the copy; of the caller's own only where programs and temporary files lie."""
        kept = {name: os.environ[name] for name in ("HOME", "TMPDIR") if name in os.environ}
        path = f"{ENVIRONMENT / 'bin'}:{os.environ['PATH']}"
        fixed = {"PATH": path, "PYTHONPATH": str(self.folder), "TERM": "dumb", "TZ": "UTC"}
        return {**kept, **fixed, **self.variables, **more}

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the copy, to its end."""
        return subprocess.run(
            command, cwd=self.folder, env=self.environment(), capture_output=True, text=True, check=False
        )

    def make(self, *targets: str) -> subprocess.CompletedProcess[str]:
        """Run targets of the copy's Makefile with this environment in the place of one of its own."""
        return self.run("make", "--silent", f"--old-file={ENVIRONMENT}/.ready", f"VENV={ENVIRONMENT}", *targets)


def copy_project(folder: Path) -> ProjectCopy:
    """Copy the checkout without its environment, state, caches and history."""
    shutil.copytree(CHECKOUT, folder, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    return ProjectCopy(folder, digests(folder))


def digests(folder: Path) -> dict[str, str]:
    """Digest of every file by its path; what programs keep for themselves is overlooked."""
    found: dict[str, str] = {}
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not any(Path(name).match(pattern) for pattern in _LEFT_OUT)]
        for name in names:
            path = Path(parent, name)
            found[path.relative_to(folder).as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found
