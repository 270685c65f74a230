"""`evidence`: one signed archive for an auditor and a period.

The trail is verified anew and its end signed first; then all files are written from one state of PostgreSQL.
Invariants: what is wrong goes into the archive in red and never keeps it from being made; that it was made stands in
the trail, with what its manifest hashes to, before the file is whole; a file that was not made whole is not there.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING
from uuid import uuid4

from telemetry_platform.contracts import evidence
from telemetry_platform.contracts.evidence import KEYS, README, SIGNATURE, SUMMARY, Manifest
from telemetry_platform.contracts.own_actions import EVIDENCE_EXPORTED
from telemetry_platform.errors import PermanentError
from telemetry_platform.processing import evidence_manifest
from telemetry_platform.processing.evidence_figures import Figures
from telemetry_platform.processing.evidence_findings import Circumstances, findings
from telemetry_platform.processing.evidence_readme import readme
from telemetry_platform.processing.evidence_summary import Told, summary
from telemetry_platform.processing.retention_chain import first_fault
from telemetry_platform.stores import expiry_proof, postgres, trail_chain
from telemetry_platform.stores.evidence import last_sync
from telemetry_platform.stores.evidence_archive import ArchiveWriter, new_file, writing
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform.usecases.checkpoint_trail import checkpoint, open_folder
from telemetry_platform.usecases.ensure_keys import load_key_ring
from telemetry_platform.usecases.evidence import checkpoints
from telemetry_platform.usecases.evidence.files import Files
from telemetry_platform.usecases.evidence.scope import scope
from telemetry_platform.usecases.own_actions import record
from telemetry_platform.usecases.read_trail import read_address
from telemetry_platform.usecases.trail_keys import load_signer, trusted_keys
from telemetry_platform.usecases.verify_audit import verify

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

    from telemetry_platform.contracts.evidence import Period
    from telemetry_platform.processing.signing import Signer
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.checkpoint_folder import CheckpointFolder
    from telemetry_platform.stores.verifications import Verification
    from telemetry_platform.usecases.own_actions import ActedBy

LOG_COMMENT = "telemetry evidence"


@dataclass(frozen=True)
class Made:
    """An archive that is there: what its manifest says, and what that hashes to."""

    path: Path
    manifest: Manifest
    manifest_sha256: str


@dataclass(frozen=True)
class _Order:
    """What is to be made, with what was found before the database was looked at."""

    settings: Settings
    period: Period
    now: datetime
    archive_id: UUID
    signer: Signer
    folder: CheckpointFolder
    verification: Verification
    no_checkpoint: str | None


def make(settings: Settings, period: Period, out: Path, *, now: datetime, by: ActedBy) -> Made:
    """Make it; where something is not as it must be, it says so and is made all the same.

    Raises ConfigurationError without a connection that reads, a key, a folder of checkpoints, or a free name.
    """
    read_address(settings)
    signer, folder = load_signer(settings.audit), open_folder(settings)
    with new_file(out) as handle:
        no_checkpoint = _sign_the_end(settings, now)
        order = _Order(settings, period, now, uuid4(), signer, folder, verify(settings, now), no_checkpoint)
        with writing(handle, now) as archive:
            manifest = _write(order, archive)
            body = evidence_manifest.write(manifest)
            _record(order, manifest, hashed := archive.add(evidence.MANIFEST, body).sha256, by)
            archive.add(SIGNATURE, signer.sign(body))
    return Made(out, manifest, hashed)


def _sign_the_end(settings: Settings, now: datetime) -> str | None:
    """Let a checkpoint see the trail as it is; why that cannot be. Raises TransientError for what may pass."""
    try:
        checkpoint(settings, now)
    except PermanentError as error:
        return str(error)
    return None


def _write(order: _Order, archive: ArchiveWriter) -> Manifest:
    """All files but the manifest."""
    settings, figures = order.settings, Figures()
    keys = trusted_keys(settings.audit, order.folder)
    # Before the snapshot: a checkpoint that is made meanwhile saw rows that the snapshot has not.
    newest, stated = checkpoints.newest_of(order.folder), checkpoints.stated_restores(order.folder, keys)
    with (
        open_warehouse(settings.clickhouse, log_comment=LOG_COMMENT) as warehouse,
        trail_chain.snapshot(read_address(settings)) as conn,
    ):
        seen = scope(settings, conn, order.period)
        chosen = checkpoints.Chosen(order.folder, order.period, newest, seen.last_seq, stated)
        files = Files(archive, conn, warehouse, seen, figures)
        stretch = files.write(chosen, asdict(order.verification))
        beside = Circumstances(
            period=order.period,
            now=order.now,
            stretch=stretch,
            no_checkpoint=order.no_checkpoint,
            runs_fault=first_fault(expiry_proof.chain(conn), expiry_proof.chain_state(conn)),
            last_sync=last_sync(conn, order.period.ends),
        )
    red = findings(figures, beside)
    for key_id, key in sorted(keys.items()):
        archive.add(f"{KEYS}{key_id}.pem", key.pem)
    told = Told(str(order.archive_id), version("telemetry-platform"), order.signer.key_id)
    archive.add(README, readme(order.period).encode())
    archive.add(SUMMARY, summary(figures, beside, red, told).encode())
    return Manifest(
        archive_id=told.archive_id,
        period=order.period,
        generated_at=order.now,
        platform_version=told.platform_version,
        key_id=told.key_id,
        trail_head=seen.head,
        newest_checkpoint=checkpoints.document(newest),
        stretch=stretch,
        runs=figures.runs.state,
        red=red,
        files=tuple(archive.entries),
    )


def _record(order: _Order, manifest: Manifest, hashed: str, by: ActedBy) -> None:
    """Say in the trail that it was made, and commit."""
    with postgres.connect(order.settings.postgres, application="telemetry-evidence") as conn:
        record(
            conn,
            load_key_ring(conn, order.settings.keys),
            EVIDENCE_EXPORTED,
            order.now,
            by=by,
            resource_id=manifest.archive_id,
            details={
                "from": order.period.first_day.isoformat(),
                "to": order.period.last_day.isoformat(),
                "files": len(manifest.files),
                "manifest_sha256": hashed,
            },
            event_id=order.archive_id,
        )
