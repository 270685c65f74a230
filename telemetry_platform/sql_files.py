"""Where the SQL lies: the checkout's `sql/`, or `telemetry_platform/_sql` in an installed wheel.

Invariant: SQL is read from files by name and never put together from text, so that what runs is what a reader finds.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from telemetry_platform.errors import PermanentError

_INSTALLED = Path(__file__).parent / "_sql"
_CHECKOUT = Path(__file__).parents[1] / "sql"


@dataclass(frozen=True)
class SqlFile:
    """One file: its name without `.sql` and its text."""

    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text; what the schema ledger remembers."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@lru_cache(maxsize=1)
def root() -> Path:
    """The folder that holds `clickhouse/` and `postgres/`."""
    for folder in (_INSTALLED, _CHECKOUT):
        if (folder / "postgres").is_dir():
            return folder
    raise PermanentError("the SQL files are missing from this installation; install the package again")


def files(folder: str, *, base: Path | None = None) -> tuple[SqlFile, ...]:
    """All files of a folder like `postgres/tables`, in the order of their names; none when there is no such folder."""
    found = sorted(((base or root()) / folder).glob("*.sql"))
    return tuple(SqlFile(path.stem, path.read_text(encoding="utf-8")) for path in found)


@lru_cache(maxsize=256)
def read(path: str) -> str:
    """One file's text, e.g. `clickhouse/queries/fold_media_sessions.sql`."""
    file = root() / path
    if not file.is_file():
        raise PermanentError(f"the SQL file {path} is missing from this installation; install the package again")
    return file.read_text(encoding="utf-8")


def statements(text: str) -> tuple[str, ...]:
    """The statements of a file whose server takes one at a time: each ends with a `;` at the end of a line.

    Text in comments and quotes that ends a line with `;` would be cut in two; a test holds the files to that.
    """
    found: list[str] = []
    lines: list[str] = []
    for line in text.splitlines():
        lines.append(line)
        if line.rstrip().endswith(";") and not line.lstrip().startswith("--"):
            found.append("\n".join(lines).strip().removesuffix(";"))
            lines = []
    rest = "\n".join(lines).strip()
    if any(line.strip() and not line.lstrip().startswith("--") for line in lines):
        found.append(rest)
    return tuple(found)
