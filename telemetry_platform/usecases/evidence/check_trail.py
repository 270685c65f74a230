"""The trail of an evidence archive: its rows, each hash computed anew, against what was signed of them.

Invariant: one row at a time, whatever the archive's size; what is kept of the rows is what later checks ask for: the
platform's own entries about retention and erasures.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from itertools import dropwhile
from typing import TYPE_CHECKING, Any

from telemetry_platform.contracts import evidence_files as files
from telemetry_platform.contracts.own_actions import ERASURE_CERTIFIED, RETENTION_RAN
from telemetry_platform.contracts.retention import Retention
from telemetry_platform.errors import ContractViolationError
from telemetry_platform.processing.audit_chain import details_digest
from telemetry_platform.processing.calendar_cutoff import cut_off
from telemetry_platform.processing.chain_walk import walk
from telemetry_platform.processing.evidence_lines import LineError, chain_row, own_details, read_line
from telemetry_platform.processing.evidence_resumptions import still_there
from telemetry_platform.usecases.evidence.check_signed import Signed, check_signed, checkpoints

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from telemetry_platform.contracts.evidence import Manifest, Stretch
    from telemetry_platform.processing.chain_walk import ChainRow
    from telemetry_platform.processing.signing import PublicKey
    from telemetry_platform.stores.evidence_archive import ArchiveReader

_KEPT_AT_LEAST = Retention(6, "year", "recorded_at", "45 CFR 164.316(b)(2)(i): no trail is kept for less")
_ACCESS = frozenset(action.name for action in files.ACCESS)
_KEPT = frozenset({RETENTION_RAN.name, ERASURE_CERTIFIED.name})


@dataclass(frozen=True)
class Spoken:
    """A row of the trail in which the platform speaks of something else in the archive."""

    seq: int
    action: str
    recorded_at: str
    details: Mapping[str, Any] | None


@dataclass
class TrailChecked:
    """What was looked at; `spoken` are the rows that speak of retention and erasures."""

    signed: Signed
    rows: int = 0
    spoken: list[Spoken] = field(default_factory=list)


def check_trail(archive: ArchiveReader, manifest: Manifest, keys: Mapping[str, PublicKey]) -> TrailChecked:
    """Walk all of it. Raises ContractViolationError for the first thing that is wrong."""
    stretch = manifest.stretch
    signed = check_signed(archive, keys, stretch)
    found = TrailChecked(signed)
    _check_nothing_left_out(manifest, signed)
    rows = _Rows(archive, found)
    if stretch is not None:
        _check_rows(archive, stretch, rows, keys)
    elif next(rows.all(), None) is not None:
        raise ContractViolationError(f"{files.TRAIL.name} has rows, and the manifest says none")
    if stretch is not None and stretch.unseen != max(stretch.end.seq - signed.seen, 0):
        raise ContractViolationError(f"the manifest says {stretch.unseen:,} rows that no checkpoint saw: not so")
    if rows.access != _digest(archive, files.READERS.name):
        raise ContractViolationError(f"{files.READERS.name} has not the lines of {files.TRAIL.name} that it has to")
    return found


def _check_rows(archive: ArchiveReader, stretch: Stretch, rows: _Rows, keys: Mapping[str, PublicKey]) -> None:
    believed = checkpoints(archive, keys, rows.found.signed.resumptions)
    behind = dropwhile(lambda one: one.seq < stretch.start.seq, believed)
    walked = walk(rows.all(), {}, behind, start=stretch.start, head=stretch.end)
    rows.found.rows = walked.rows
    if walked.fault is not None:
        where = "" if walked.fault.seq is None else f" at row {walked.fault.seq}"
        raise ContractViolationError(f"{files.TRAIL.name} is not whole{where}: {walked.fault.reason}")


def _check_nothing_left_out(manifest: Manifest, signed: Signed) -> None:
    """The rows begin where the checkpoint before the period saw the trail end, and one saw the end of the period."""
    period, stretch = manifest.period, manifest.stretch
    if signed.last.taken_at < min(period.ends, manifest.generated_at):
        raise ContractViolationError(
            f"{files.CHECKPOINTS.name}: none was signed after the period: rows at its end could have been left out"
        )
    known = still_there(signed.first, signed.resumptions) if signed.first.taken_at < period.begins else 0
    begins = still_there(signed.last, signed.resumptions) if stretch is None else stretch.start.seq
    # What retention has dropped ends with an anchor; what has only expired is not shown, and has none yet.
    is_expired = period.begins < cut_off(_KEPT_AT_LEAST, manifest.generated_at)
    if begins > known and begins not in signed.anchors and not is_expired:
        raise ContractViolationError(
            f"{files.TRAIL.name} begins behind {begins}, and before the period the trail had come to {known}: rows "
            "were left out"
        )


class _Rows:
    """The rows, one by one, and what is kept of them."""

    def __init__(self, archive: ArchiveReader, found: TrailChecked) -> None:
        self._archive = archive
        self._access = sha256()
        self.found = found

    @property
    def access(self) -> str:
        """What the lines of those who read hash to."""
        return self._access.hexdigest()

    def all(self) -> Iterator[ChainRow]:
        """Raises ContractViolationError for a line that is none, or whose details are not those of its row."""
        for number, text in enumerate(self._archive.lines(files.TRAIL.name), 1):
            try:
                document = read_line(text)
                row = chain_row(document)
                details = _details(document)
            except LineError as error:
                raise ContractViolationError(f"{files.TRAIL.name}, line {number}: {error}") from None
            if document["action"] in _ACCESS:
                self._access.update(text + b"\n")
            if document["action"] in _KEPT:
                self.found.spoken.append(Spoken(row.seq, document["action"], document["recorded_at"], details))
            yield row


def _details(document: dict[str, Any]) -> Mapping[str, Any] | None:
    """The details of a row, held to the hash in it. Raises LineError."""
    details = own_details(document)
    if details is None:
        return None
    try:
        digest = details_digest(bytes.fromhex(document["details_nonce"]), document["details"])
    except (TypeError, ValueError):
        raise LineError("its details have no nonce") from None
    if digest != document["details_hash"]:
        raise LineError(f"the details of row {document['seq']} are not those that were written")
    return details


def _digest(archive: ArchiveReader, name: str) -> str:
    digest = sha256()
    for text in archive.lines(name):
        digest.update(text + b"\n")
    return digest.hexdigest()
