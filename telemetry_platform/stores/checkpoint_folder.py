"""The folder or bucket outside the databases that holds the trail's signed checkpoints and the public keys.

One file for each checkpoint, `YYYY/MM/DD/<number>.json`; a day that is over becomes one file, `YYYY/MM/DD.jsonl`, so
that seven years can be read: 2,600 files instead of 700,000. Invariants: a file appears whole or not at all; single
files go only after their day's file is there with all of them; nothing here checks a signature.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import fsspec

from telemetry_platform.errors import ConfigurationError, TransientError

if TYPE_CHECKING:
    from collections.abc import Iterator

_SETTING = "TELEMETRY_AUDIT__CHECKPOINTS"
_DAY = re.compile(r"(\d{4})/(\d{2})/(\d{2})")
_SINGLE = re.compile(r"\d{4}/\d{2}/\d{2}/(\d{12})\.json")
_BUNDLE = re.compile(r"(\d{4}/\d{2}/\d{2})\.jsonl")
_LOCAL = frozenset({"file", "local"})


@dataclass(frozen=True)
class CheckpointFolder:
    """One folder; `url` is a path or any URL that fsspec knows."""

    url: str
    _opened: list[Any] = field(default_factory=list, repr=False, compare=False)

    def days(self) -> list[str]:
        """Days that have checkpoints, `YYYY/MM/DD`, the oldest first."""
        found = set()
        for path in self._paths():
            if (match := _DAY.match(path)) is not None:
                found.add(match.group(0))
        return sorted(found)

    def read_day(self, day: str) -> list[bytes]:
        """A day's checkpoints, in the order of their numbers; each once, wherever it lies."""
        with self._own_errors():
            files, root = self._files()
            bundle = f"{root}/{day}.jsonl"
            lines = files.cat_file(bundle).splitlines() if files.exists(bundle) else []
            singles = files.ls(f"{root}/{day}", detail=False) if files.isdir(f"{root}/{day}") else []
            found = [files.cat_file(path) for path in sorted(singles) if path.endswith(".json")]
        # A single that is in the bundle too was left by a command that was killed.
        known = set(lines)
        return sorted([*lines, *(body for body in found if body not in known)], key=_number)

    def write(self, day: str, number: int, body: bytes) -> None:
        """Add one checkpoint, one line of JSON. Raises ConfigurationError when that number is there."""
        with self._own_errors():
            files, root = self._files()
            path = f"{root}/{day}/{number:012d}.json"
            if files.exists(path):
                raise ConfigurationError(f"the checkpoint {number} is in the folder of {_SETTING} already")
            self._put(path, body)

    def bundle(self, day: str) -> int:
        """Make one file of a day that is over; how many checkpoints it holds. Safe to repeat."""
        bodies = self.read_day(day)
        with self._own_errors():
            files, root = self._files()
            singles = files.ls(f"{root}/{day}", detail=False) if files.isdir(f"{root}/{day}") else []
            if not singles:
                return len(bodies)
            self._put(f"{root}/{day}.jsonl", b"".join(body + b"\n" for body in bodies))
            files.rm(f"{root}/{day}", recursive=True)
        return len(bodies)

    def remove(self, day: str) -> None:
        """Remove a day whose checkpoints have outlived their retention."""
        with self._own_errors():
            files, root = self._files()
            for path in (f"{root}/{day}.jsonl", f"{root}/{day}"):
                if files.exists(path):
                    files.rm(path, recursive=True)

    def unbundled_days(self) -> list[str]:
        """Days that have single files."""
        return sorted({path.rpartition("/")[0] for path in self._paths() if _SINGLE.fullmatch(path)})

    def write_key(self, key_id: str, pem: bytes) -> None:
        """Put a public key where whoever verifies looks for it."""
        with self._own_errors():
            files, root = self._files()
            if not files.exists(f"{root}/keys/{key_id}.pem"):
                self._put(f"{root}/keys/{key_id}.pem", pem)

    def read_key(self, key_id: str) -> bytes | None:
        """A public key of that name, as it lies there; None where there is none."""
        if not key_id.isalnum():
            raise ConfigurationError("TELEMETRY_AUDIT__TRUSTED_KEYS takes ids of keys, separated by commas")
        with self._own_errors():
            files, root = self._files()
            path = f"{root}/keys/{key_id}.pem"
            return bytes(files.cat_file(path)) if files.exists(path) else None

    def _paths(self) -> list[str]:
        """Paths of all checkpoint files, from the folder on."""
        with self._own_errors():
            files, root = self._files()
            if not files.exists(root):
                return []
            found = [path.removeprefix(root).lstrip("/") for path in files.find(root)]
        return [path for path in found if _SINGLE.fullmatch(path) or _BUNDLE.fullmatch(path)]

    def _put(self, path: str, body: bytes) -> None:
        files, _ = self._files()
        files.makedirs(path.rpartition("/")[0], exist_ok=True)
        if not _is_local(files):
            # A bucket shows an object when it is whole.
            files.pipe_file(path, body)
            return
        beside = f"{path}.{uuid4().hex}.tmp"
        files.pipe_file(beside, body)
        files.mv(beside, path)

    def _files(self) -> tuple[Any, str]:
        """The file system and the folder's path there."""
        if not self._opened:
            # Listings are never remembered: another process writes meanwhile.
            files, root = fsspec.core.url_to_fs(self.url, use_listings_cache=False)
            self._opened.extend((files, root.rstrip("/")))
        return self._opened[0], self._opened[1]

    @contextmanager
    def _own_errors(self) -> Iterator[None]:
        try:
            yield
        except (ImportError, ValueError) as error:
            raise ConfigurationError(
                f"{_SETTING} cannot be used ({type(error).__name__}): it must be a path, or a URL whose fsspec "
                "package is "
                "installed"
            ) from None
        except OSError as error:
            raise TransientError(
                f"the folder of {_SETTING} cannot be used ({type(error).__name__}): check that it is there and "
                "that this "
                "process may write to it"
            ) from None


def _is_local(files: Any) -> bool:  # noqa: ANN401 - fsspec's file systems have no types
    protocol = files.protocol
    return not _LOCAL.isdisjoint((protocol,) if isinstance(protocol, str) else protocol)


def _number(body: bytes) -> int:
    """The number that a checkpoint says it has; what says none comes first, and is found to be bad."""
    found = re.search(rb'"number":(\d+)', body)
    return int(found.group(1)) if found else -1
