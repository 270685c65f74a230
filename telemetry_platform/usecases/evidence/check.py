"""Whether an evidence archive is what it was made as, and whether what it holds hangs together; of the file alone.

In the order in which things can be believed: the signature, then the files by their hashes, then the checkpoints, then
the rows of the trail, then what stands beside them. Invariants: no database, no network and no setting is asked; the
first thing that is wrong ends it, by name; nothing that a key does not stand for is believed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.contracts.evidence import KEYS, MANIFEST, SIGNATURE
from telemetry_platform.contracts.evidence_files import DATA_FILES
from telemetry_platform.errors import ContractViolationError
from telemetry_platform.processing import evidence_manifest
from telemetry_platform.processing.signing import PublicKey, read_public_key
from telemetry_platform.stores.evidence_archive import ArchiveReader, opened
from telemetry_platform.usecases.evidence.check_beside import check_beside
from telemetry_platform.usecases.evidence.check_trail import check_trail

if TYPE_CHECKING:
    from pathlib import Path

    from telemetry_platform.contracts.evidence import Entry, Manifest
    from telemetry_platform.usecases.evidence.check_beside import Beside
    from telemetry_platform.usecases.evidence.check_trail import TrailChecked


@dataclass(frozen=True)
class Trust:
    """What the auditor was told by another way than the archive: the id of the key, or the key itself; or nothing."""

    key_id: str | None = None
    key: PublicKey | None = None

    @property
    def is_given(self) -> bool:
        """Whether there is anything to compare with."""
        return self.key_id is not None or self.key is not None


@dataclass(frozen=True)
class Checked:
    """An archive in which nothing is wrong; `compared`: its key is the one that the auditor was told."""

    manifest: Manifest
    compared: bool
    trail: TrailChecked
    beside: Beside


def check(path: Path, trust: Trust) -> Checked:
    """Look at all of it.

    Raises ContractViolationError for the first thing that is wrong, ConfigurationError for a file that is not there.
    """
    with opened(path) as archive:
        names = archive.names
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ContractViolationError(f"{twice} is in the archive twice")
        body = archive.small(MANIFEST)
        key = _key(archive, body, trust)
        if not key.has_signed(body, archive.small(SIGNATURE)):
            raise ContractViolationError(f"{MANIFEST} is not what was signed by key {key.key_id}")
        manifest = evidence_manifest.read(body)
        if manifest.key_id != key.key_id:
            raise ContractViolationError(f"{MANIFEST} names another key than the one that signed it")
        _check_files(archive, manifest)
        keys = {entry.name: _key_file(archive, entry.name) for entry in manifest.files if entry.name.startswith(KEYS)}
        trail = check_trail(archive, manifest, {found.key_id: found for found in keys.values()})
        return Checked(manifest, trust.is_given, trail, check_beside(archive, manifest, trail))


def _key(archive: ArchiveReader, body: bytes, trust: Trust) -> PublicKey:
    """The key that the signature is held to."""
    if trust.key is not None:
        return trust.key
    named = evidence_manifest.key_id_of(body) if trust.key_id is None else trust.key_id
    if trust.key_id is not None and f"{KEYS}{named}.pem" not in archive.names:
        raise ContractViolationError(f"the archive has no key {named}: somebody else signed it, or its id is mistyped")
    return _key_file(archive, f"{KEYS}{named}.pem")


def _key_file(archive: ArchiveReader, name: str) -> PublicKey:
    """A key of the archive, held to the id that its name says."""
    key = read_public_key(archive.small(name), name)
    if name != f"{KEYS}{key.key_id}.pem":
        raise ContractViolationError(f"{name} is the key {key.key_id}, and no key of that name")
    return key


def _check_files(archive: ArchiveReader, manifest: Manifest) -> None:
    """Every file that the manifest names is there as it says, and no other one."""
    expected = {entry.name for entry in manifest.files}
    for name in archive.names:
        if name not in expected and name not in {MANIFEST, SIGNATURE}:
            raise ContractViolationError(f"{name} is in the archive, and the manifest does not know it")
    for file in DATA_FILES:
        if file.name not in expected:
            raise ContractViolationError(f"{file.name} is missing from the manifest")
    for entry in manifest.files:
        if (fault := _file_fault(archive, entry)) is not None:
            raise ContractViolationError(f"{entry.name} {fault}")


def _file_fault(archive: ArchiveReader, entry: Entry) -> str | None:
    found = archive.measure(entry.name, entry.size)
    if found.size != entry.size:
        return f"has not the {entry.size:,} bytes that it was made with"
    if found.sha256 != entry.sha256:
        return "is not what it was made as: its SHA-256 is another one"
    if entry.rows is not None and found.rows != entry.rows:
        return f"has {found.rows or 0:,} rows, and the manifest says {entry.rows:,}"
    return None
