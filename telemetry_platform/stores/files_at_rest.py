"""Files as they lie in folders, byte by byte: what servers wrote, whatever they say about it themselves.

Invariants: every regular file below a folder is given, links are not followed; a file that cannot be opened raises, one
that vanished meanwhile (a merged part, a recycled log) is none. Pages of zeros are not read where the file system knows
holes, and not given on in any case: preallocated logs are gigabytes of them.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from telemetry_platform.errors import PermanentError
from telemetry_platform.stores.parts_at_rest import FilePart

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PIECE = 4 * 1024 * 1024
_ZEROS = bytes(_PIECE)


def files_below(folder: Path) -> Iterator[FilePart]:
    """All files. Raises PermanentError for a folder or a file that cannot be read."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unreadable(folder, error) from None
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from files_below(folder / entry.name)
        elif entry.is_file(follow_symlinks=False):
            yield FilePart(str(folder / entry.name), pieces(folder / entry.name))


def pieces(path: Path) -> Iterator[tuple[int, bytes]]:
    """What the file holds but for zeros, each piece with its place."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unreadable(path, error) from None
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return
        at = 0
        while (begin := _next_data(descriptor, at)) is not None:
            file.seek(begin)
            piece = file.read(_PIECE)
            if not piece:
                return
            if piece != _ZEROS[: len(piece)]:
                yield begin, piece
            at = begin + len(piece)


def _next_data(descriptor: int, at: int) -> int | None:
    """Where the next byte is that is no hole; None behind the last."""
    try:
        return os.lseek(descriptor, at, os.SEEK_DATA)
    except OSError:
        # ENXIO: nothing follows. Other file systems know no holes and do not fail here.
        return None


def _unreadable(path: Path, error: OSError) -> PermanentError:
    return PermanentError(f"{path} cannot be read ({error.strerror}): run as the user that the servers run as, or root")
