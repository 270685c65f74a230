"""What was signed of the trail, in an evidence archive: checkpoints, restores that somebody stated, anchors.

Invariant: nothing is handed on that a key of the archive has not signed; the manifest's signature stands for those.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.contracts import evidence_files as files
from telemetry_platform.contracts.audit_chain import GENESIS, Position
from telemetry_platform.errors import ContractViolationError
from telemetry_platform.processing.checkpoints import (
    CheckpointError,
    Resumption,
    is_signed_anchor,
    is_superseded,
    read_checkpoint,
    verified,
)
from telemetry_platform.processing.evidence_lines import LineError, anchor, read_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from telemetry_platform.contracts.audit_chain import Checkpoint
    from telemetry_platform.contracts.evidence import Stretch
    from telemetry_platform.processing.signing import PublicKey
    from telemetry_platform.stores.evidence_archive import ArchiveReader


@dataclass(frozen=True)
class Signed:
    """The first and the last checkpoint and how many there are; `seen` is how far any saw of what is still the trail.

    `anchors` are the places where what retention has dropped ends.
    """

    first: Checkpoint
    last: Checkpoint
    checkpoints: int
    seen: int
    resumptions: tuple[Resumption, ...]
    anchors: frozenset[int]


def check_signed(archive: ArchiveReader, keys: Mapping[str, PublicKey], stretch: Stretch | None) -> Signed:
    """Look at all of it. Raises ContractViolationError for the first thing that cannot be believed."""
    resumptions = _resumptions(archive, keys)
    first = last = None
    count = seen = 0
    try:
        for last in verified(_resting(archive), keys):
            first, count = first or last, count + 1
            seen = seen if is_superseded(last, resumptions) else max(seen, last.seq)
    except CheckpointError as error:
        raise ContractViolationError(f"{files.CHECKPOINTS.name}: {error}") from None
    if first is None or last is None:
        raise ContractViolationError(f"{files.CHECKPOINTS.name} is empty: nothing says that no row was left out")
    return Signed(first, last, count, seen, resumptions, _check_anchors(archive, keys, stretch))


def checkpoints(
    archive: ArchiveReader, keys: Mapping[str, PublicKey], resumptions: tuple[Resumption, ...]
) -> Iterator[Checkpoint]:
    """Those whose rows must be there, one by one."""
    return (one for one in verified(_resting(archive), keys) if not is_superseded(one, resumptions))


def _resting(archive: ArchiveReader) -> Iterator[Checkpoint]:
    return map(read_checkpoint, archive.lines(files.CHECKPOINTS.name))


def _resumptions(archive: ArchiveReader, keys: Mapping[str, PublicKey]) -> tuple[Resumption, ...]:
    found = []
    for text in archive.lines(files.RESUMPTIONS.name):
        try:
            (one,) = verified([read_checkpoint(text)], keys)
        except CheckpointError as error:
            raise ContractViolationError(f"{files.RESUMPTIONS.name}: {error}") from None
        if one.resumes_at is None:
            raise ContractViolationError(f"{files.RESUMPTIONS.name}: checkpoint {one.number} states no restore")
        found.append(Resumption(one.number, one.resumes_at))
    return tuple(found)


def _check_anchors(archive: ArchiveReader, keys: Mapping[str, PublicKey], stretch: Stretch | None) -> frozenset[int]:
    """Each is signed and follows on the one before, and the rows on the last of those before them; where they end."""
    ends, before = set(), Position(0, GENESIS)
    for number, text in enumerate(archive.lines(files.ANCHORS.name), 1):
        try:
            one = anchor(read_line(text))
        except LineError as error:
            raise ContractViolationError(f"{files.ANCHORS.name}, line {number}: {error}") from None
        if not is_signed_anchor(one, keys):
            raise ContractViolationError(f"{files.ANCHORS.name}: the anchor of {one.partition_name} is not signed")
        if Position(one.first_seq - 1, one.prev_hash) != before:
            raise ContractViolationError(f"{files.ANCHORS.name}: {one.partition_name} does not follow the one before")
        before = Position(one.last_seq, one.last_hash)
        ends.add(one.last_seq)
        if stretch is not None and stretch.start.seq == before.seq and stretch.start != before:
            raise ContractViolationError(f"{files.TRAIL.name} does not follow the anchor of {one.partition_name}")
    return frozenset(ends)
