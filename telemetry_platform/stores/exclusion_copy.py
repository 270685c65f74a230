"""A process's own copy of the exclusion list, so that a restart while PostgreSQL is away still excludes.

Invariants: the file is whole or it is not taken: its first line is the SHA-256 of the rest, and it is exchanged in one
step; only its owner may read it, since a network may be one household.
"""

from __future__ import annotations

import os
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from telemetry_platform.errors import ConfigurationError, ContractViolationError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_HEAD = "telemetry exclusions 1"


class Copy(NamedTuple):
    """The list's version and its networks, as text."""

    version: str
    networks: list[str]


def write_copy(file: Path, version: str, networks: Sequence[str]) -> None:
    """Exchange the copy. Raises ConfigurationError when the file cannot be written."""
    body = "\n".join((_HEAD, version, *networks)).encode()
    beside = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(sha256(body).hexdigest().encode() + b"\n" + body)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(file)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise ConfigurationError(
            f"the copy of the exclusion list cannot be written ({type(error).__name__}): "
            "make the folder of TELEMETRY_EXCLUSIONS__COPY_FILE writable"
        ) from None


def read_copy(file: Path) -> Copy | None:
    """The copy; None when there is none. Raises ContractViolationError for one that is not whole."""
    try:
        digest, _, body = file.read_bytes().partition(b"\n")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ContractViolationError(
            f"the copy of the exclusion list cannot be read ({type(error).__name__})"
        ) from None
    if sha256(body).hexdigest().encode() != digest:
        raise ContractViolationError("the copy of the exclusion list is not whole, and is not taken")
    head, version, *networks = body.decode().split("\n")
    if head != _HEAD:
        raise ContractViolationError("the copy of the exclusion list is of another make, and is not taken")
    return Copy(version, networks)
