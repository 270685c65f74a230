"""Copies of tombstones in a folder outside the databases: who was erased, for a database restored from before that.

One file for each erasure, with pseudonyms and no id; and `mark`, the newest mark (`restore_marks`), by which two
databases that were restored together are told. Invariants: a file is exchanged in one step, after it is on the disk;
only its owner may read it; one that cannot be read stops whoever reads, since it may say who was erased.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson

from telemetry_platform.errors import ConfigurationError, ContractViolationError
from telemetry_platform.stores.erasures import Tombstone

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_MARK = "mark"
_SETTING = "TELEMETRY_PRIVACY__TOMBSTONE_COPY"


def write(folder: Path, erasure_id: UUID, tombstones: Sequence[Tombstone]) -> bool:
    """Copy the tombstones of an erasure; False when the copy says the same already."""
    rows = [
        {
            "org_id": one.org_id,
            "subject_hash": one.subject_hash,
            "epoch": one.epoch,
            "actor_hash": one.actor_hash,
            "erased_at": one.erased_at.isoformat(),
            "until": one.until.isoformat(),
        }
        for one in sorted(tombstones, key=lambda one: one.epoch)
    ]
    body = orjson.dumps(rows, option=orjson.OPT_INDENT_2)
    file = folder / f"{erasure_id}.json"
    if _content(file) == body:
        return False
    _exchange(file, body)
    return True


def read(folder: Path) -> list[Tombstone]:
    """All copies. Raises ContractViolationError for one that cannot be read."""
    return [one for file in _files(folder) for one in _tombstones(file)]


def remove(folder: Path, erasure_id: UUID) -> None:
    """Remove the copy of an erasure whose tombstones have ended."""
    try:
        (folder / f"{erasure_id}.json").unlink(missing_ok=True)
    except OSError as error:
        raise _unusable(error) from None


def write_mark(folder: Path, mark_id: UUID) -> None:
    """Let the folder be a witness of this mark."""
    _exchange(folder / _MARK, str(mark_id).encode())


def read_mark(folder: Path) -> UUID | None:
    """The mark that the folder knows; None where it says nothing."""
    body = _content(folder / _MARK)
    if body is None:
        return None
    try:
        return UUID(body.decode("ascii", "replace"))
    except ValueError:
        raise ContractViolationError(f"the file `{_MARK}` in the folder of {_SETTING} is no mark") from None


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(file for file in folder.iterdir() if file.suffix == ".json")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unusable(error) from None


def _tombstones(file: Path) -> list[Tombstone]:
    try:
        rows: list[dict[str, Any]] = orjson.loads(_content(file) or b"")
        return [
            Tombstone(
                UUID(file.stem),
                str(row["org_id"]),
                str(row["subject_hash"]),
                int(row["epoch"]),
                str(row["actor_hash"]),
                datetime.fromisoformat(row["erased_at"]),
                datetime.fromisoformat(row["until"]),
            )
            for row in rows
        ]
    except (ValueError, KeyError, TypeError):
        raise ContractViolationError(
            f"a copy of tombstones cannot be read: bring {file.name} back into the folder of {_SETTING}"
        ) from None


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(error) from None


def _exchange(file: Path, body: bytes) -> None:
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(body)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(file)
        entries = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(entries)
        finally:
            os.close(entries)
    except OSError as error:
        raise _unusable(error) from None


def _unusable(error: OSError) -> ConfigurationError:
    return ConfigurationError(f"the folder of {_SETTING} cannot be used ({type(error).__name__}): mend its rights")
