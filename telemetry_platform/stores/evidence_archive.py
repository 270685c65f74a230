"""The file of an evidence archive: a ZIP that is written once, entry after entry, and read without unpacking.

Invariants: the file appears under its name whole or not at all, readable by its owner alone, and never in the place of
another one; nothing of any size is held; whoever reads never takes more bytes of an entry than its manifest says.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
import zlib
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from uuid import uuid4

from telemetry_platform.contracts.evidence import Entry
from telemetry_platform.errors import ConfigurationError, ContractViolationError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from datetime import datetime
    from pathlib import Path
    from typing import BinaryIO

_MODE = 0o600
_CHUNK = 1 << 16
# Hashes shrink at no level, the rest of a row at any.
_LEVEL = 1
_LONGEST_LINE = 1 << 22
# What is read at once, never line by line: a manifest, a signature, a key.
_SMALL = 1 << 22


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write, which takes its name when the block ends well, and is gone otherwise.

    Raises ConfigurationError when there is a file of that name, or none can be made.
    """
    if path.exists():
        raise ConfigurationError(f"{path} is there already and stays as it is: name another file with --out")
    beside = path.with_name(f".{path.name}.{uuid4().hex}.part")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be made ({error.strerror}): name another file with --out") from None
    try:
        with os.fdopen(descriptor, "wb") as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        # A link, since a rename would take the place of a file that was made meanwhile.
        path.hardlink_to(beside)
    except FileExistsError:
        raise ConfigurationError(f"{path} was made by somebody else meanwhile: name another file with --out") from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written ({error.strerror}): name another file with --out") from None
    finally:
        with suppress(FileNotFoundError):
            beside.unlink()


class ArchiveWriter:
    """Entries in the order in which they are added; `entries` is what a manifest says of them."""

    def __init__(self, opened: zipfile.ZipFile, made_at: datetime) -> None:
        self._zip = opened
        self._made_at = made_at
        self.entries: list[Entry] = []

    def add_lines(self, name: str, lines: Iterable[bytes]) -> Entry:
        """A file of lines, each of which ends with a line feed."""
        digest, size, rows = hashlib.sha256(), 0, 0
        with self._zip.open(self._info(name), "w", force_zip64=True) as out:
            for line in lines:
                out.write(line)
                digest.update(line)
                size, rows = size + len(line), rows + 1
        return self._note(Entry(name, digest.hexdigest(), size, rows))

    def add(self, name: str, body: bytes) -> Entry:
        """A file that is no data."""
        self._zip.writestr(self._info(name), body)
        return self._note(Entry(name, hashlib.sha256(body).hexdigest(), len(body)))

    def _note(self, entry: Entry) -> Entry:
        self.entries.append(entry)
        return entry

    def _info(self, name: str) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(name, self._made_at.timetuple()[:6])
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = _MODE << 16
        return info


@contextmanager
def writing(handle: BinaryIO, made_at: datetime) -> Iterator[ArchiveWriter]:
    """An archive to write. The list of entries comes when the block ends: no reader opens a file before."""
    with zipfile.ZipFile(handle, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as found:
        yield ArchiveWriter(found, made_at)


class ArchiveReader:
    """An archive that is there. Raises ContractViolationError for whatever cannot be read."""

    def __init__(self, opened: zipfile.ZipFile) -> None:
        self._zip = opened

    @property
    def names(self) -> list[str]:
        """Entries, in their order; a name that is there twice is twice in it."""
        return self._zip.namelist()

    def small(self, name: str) -> bytes:
        """A file of a few kilobytes, whole."""
        with self._reading(name), self._zip.open(name) as file:
            found = file.read(_SMALL + 1)
        if len(found) > _SMALL:
            raise ContractViolationError(f"{name} is larger than any file of its kind")
        return found

    def measure(self, name: str, at_most: int) -> Entry:
        """What a file is, as far as one byte beyond what it may have."""
        digest, size, lines = hashlib.sha256(), 0, 0
        with self._reading(name), self._zip.open(name) as file:
            while size <= at_most and (chunk := file.read(min(_CHUNK, at_most + 1 - size))):
                digest.update(chunk)
                size, lines = size + len(chunk), lines + chunk.count(b"\n")
        return Entry(name, digest.hexdigest(), size, lines)

    def lines(self, name: str) -> Generator[bytes]:
        """The lines of a file, one by one, without their ends."""
        with self._reading(name), self._zip.open(name) as file:
            while line := file.readline(_LONGEST_LINE + 1):
                if len(line) > _LONGEST_LINE:
                    raise ContractViolationError(f"{name} has a line that is longer than any row")
                yield line.rstrip(b"\n")

    @contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        try:
            yield
        except KeyError:
            raise ContractViolationError(f"{name} is missing from the archive") from None
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OSError) as error:
            raise ContractViolationError(
                f"{name} cannot be read: the archive is damaged ({type(error).__name__})"
            ) from None


@contextmanager
def opened(path: Path) -> Iterator[ArchiveReader]:
    """An archive to read. Raises ConfigurationError without a file, ContractViolationError for what is no archive."""
    try:
        handle = path.open("rb")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read ({error.strerror})") from None
    with handle:
        try:
            found = zipfile.ZipFile(handle)
        except (zipfile.BadZipFile, RuntimeError, ValueError, OSError):
            raise ContractViolationError(
                "the file is no whole ZIP archive: it was cut, damaged or never finished"
            ) from None
        with found:
            yield ArchiveReader(found)
