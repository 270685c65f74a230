"""What stands beside the trail in an evidence archive: retention runs, certificates, and what the trail says of both.

Invariant: what the trail speaks of is there, as the trail says, and what is there and must have an entry has one.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from telemetry_platform.contracts import evidence_files as files
from telemetry_platform.contracts.own_actions import ERASURE_CERTIFIED, RETENTION_RAN
from telemetry_platform.contracts.retention import Retention
from telemetry_platform.errors import ContractViolationError
from telemetry_platform.processing.calendar_cutoff import cut_off
from telemetry_platform.processing.evidence_certificates import CERTIFIED, certificate_fault, trail_fault
from telemetry_platform.processing.evidence_lines import LineError, read_line, retention_run
from telemetry_platform.processing.retention_chain import first_fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.contracts.evidence import Manifest
    from telemetry_platform.contracts.retention_runs import RetentionRun
    from telemetry_platform.stores.evidence_archive import ArchiveReader
    from telemetry_platform.usecases.evidence.check_trail import Spoken, TrailChecked

_KEPT = Retention(7, "year", "ended_at", "of the runs themselves, as their record says")
_A_MONTH = timedelta(days=31)


@dataclass(frozen=True)
class Beside:
    """What was looked at."""

    runs: int
    certificates: int


def check_beside(archive: ArchiveReader, manifest: Manifest, trail: TrailChecked) -> Beside:
    """Look at all of it. Raises ContractViolationError for the first thing that is wrong."""
    runs = _check_runs(archive, manifest, trail)
    said = {one.seq: one for one in trail.spoken if one.action == ERASURE_CERTIFIED.name}
    return Beside(runs, _check_erasures(archive, manifest, said))


def _must_be_there(manifest: Manifest, one: Spoken) -> bool:
    """Whether the archive must have what a row of the trail speaks of.

    Rows around the period are there for the checkpoints' sake; details may have been redacted; and what is as old as
    the trail may have expired while its row's month has not.
    """
    period, recorded_at = manifest.period, datetime.fromisoformat(one.recorded_at)
    kept_since = cut_off(_KEPT, manifest.generated_at) + _A_MONTH
    return one.details is not None and max(period.begins, kept_since) <= recorded_at < period.ends


def _check_runs(archive: ArchiveReader, manifest: Manifest, trail: TrailChecked) -> int:
    proofs: Counter[str] = Counter()

    def counted() -> Iterator[RetentionRun]:
        for run in _runs(archive):
            proofs[str(run.run_id)] += 1
            yield run

    if manifest.runs is not None:
        fault = first_fault(counted(), manifest.runs)
    else:
        fault = "there are runs, and the manifest says none" if any(True for _ in counted()) else None
    if fault is not None:
        raise ContractViolationError(f"{files.RUNS.name}: {fault}")
    for one in trail.spoken:
        if one.action != RETENTION_RAN.name or one.details is None or not _must_be_there(manifest, one):
            continue
        run_id, tables = str(one.details.get("run_id")), one.details.get("tables")
        if proofs[run_id] != tables:
            raise ContractViolationError(
                f"{files.RUNS.name} has {proofs[run_id]} proofs of the run that row {one.seq} of the trail speaks of, "
                f"which had {tables}"
            )
    return proofs.total()


def _runs(archive: ArchiveReader) -> Iterator[RetentionRun]:
    for number, text in enumerate(archive.lines(files.RUNS.name), 1):
        try:
            yield retention_run(read_line(text))
        except LineError as error:
            raise ContractViolationError(f"{files.RUNS.name}, line {number}: {error}") from None


def _check_erasures(archive: ArchiveReader, manifest: Manifest, said: dict[int, Spoken]) -> int:
    known, certificates = set(), 0
    for number, text in enumerate(archive.lines(files.ERASURES.name), 1):
        try:
            document = read_line(text)
            fault = certificate_fault(document)
            if fault is None and document["status"] == CERTIFIED:
                certificates += 1
                fault = _spoken_fault(document, manifest, said)
            known.add(document["erasure_id"])
        except (LineError, KeyError):
            raise ContractViolationError(f"{files.ERASURES.name}, line {number}: it is no erasure") from None
        if fault is not None:
            raise ContractViolationError(f"{files.ERASURES.name}: erasure {document['erasure_id']}: {fault}")
    for one in said.values():
        if _must_be_there(manifest, one) and (one.details or {}).get("erasure_id") not in known:
            raise ContractViolationError(
                f"{files.ERASURES.name} has not the erasure that row {one.seq} of the trail speaks of"
            )
    return certificates


def _spoken_fault(document: dict[str, Any], manifest: Manifest, said: dict[int, Spoken]) -> str | None:
    """What is wrong by the trail's row, where that row is in the archive."""
    stretch, seq = manifest.stretch, document["trail_seq"]
    if stretch is None or not isinstance(seq, int) or not stretch.start.seq < seq <= stretch.end.seq:
        return None
    one = said.get(seq)
    if one is None:
        return f"row {seq} of the trail does not speak of it"
    if one.details is None:
        # They were redacted, and the row stands.
        return None
    if one.details.get("erasure_id") != document["erasure_id"]:
        return f"row {seq} of the trail speaks of another one"
    return trail_fault(document, one.details)
