"""The demo's third chapter: is the trail whole, is a tampering found, is gone what had to go and nothing else.

Invariant: the tampering is done on a copy of the trail in a database of its own, which is removed again; the trail of
the demo itself is never touched.
"""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from pydantic import SecretStr
from rich.table import Column, Table

from telemetry_platform.cli.audit import told
from telemetry_platform.cli.console import out
from telemetry_platform.contracts.registry import tables
from telemetry_platform.errors import TransientError
from telemetry_platform.usecases.reconcile.expected import Line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.contracts.retention_runs import RetentionRun
    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.warehouse import Warehouse

_TRAIL, _TAMPERED, _RETENTION = "Compliance: the trail", "Compliance: a tampered copy", "Compliance: 200 days later"
_AHEAD = timedelta(days=200)
"""Past the 90 days of the event log of media and the six months of pose frames; within the year of all others."""
_GONE = ("media_events", "pose_tracking_frames")
_STAYS = ("media_sessions", "analytics_events", "error_events", "api_metrics", "staff_metrics")
_JOB = "enforce_retention"
_PATIENCE_SECONDS = 120.0
_POLL_SECONDS = 0.5
_COPIED = ("audit.audit_logs", "audit.details", "audit.event_index")


def compliance_chapter(handle: PlatformHandle) -> list[Line]:
    """All of it; what must be true, and what was found."""
    return [*_trail(handle), *_retention(handle)]


def _trail(handle: PlatformHandle) -> list[Line]:
    """Sign where the trail ends, verify it, and verify a copy in which one row was edited."""
    from telemetry_platform.usecases.checkpoint_trail import checkpoint
    from telemetry_platform.usecases.verify_audit import verify

    made = checkpoint(handle.settings, datetime.now(UTC)).checkpoint
    whole = verify(handle.settings, datetime.now(UTC))
    _tell(f"Checkpoint {made.number} was signed at {made.seq:,}. {told(whole)}")
    edited = max(made.seq // 2, 1)
    with _copied(handle) as (copy, admin):
        before = verify(copy, datetime.now(UTC))
        admin.execute("SET event_triggers = off")
        for (table,) in admin.execute("SELECT name FROM audit.partitions_of('audit.audit_logs')").fetchall():
            admin.execute(f"ALTER TABLE audit.{table} DISABLE TRIGGER USER".encode())
        admin.execute("ALTER TABLE audit.audit_logs DISABLE TRIGGER USER")
        admin.execute("UPDATE audit.audit_logs SET outcome = 'denied' WHERE seq = %s", (edited,))
        after = verify(copy, datetime.now(UTC))
    _tell(f"On a copy, a superuser switched the guards off and edited row {edited:,}. {told(after)}")
    return [
        Line(_TRAIL, "rows at rest: all of them verified", made.count, whole.rows),
        Line(_TRAIL, "the trail is whole", 1, int(whole.ok)),
        Line(_TAMPERED, "whole before it was tampered with", 1, int(before.ok)),
        Line(_TAMPERED, "whole afterwards", 0, int(after.ok)),
        Line(_TAMPERED, "first bad seq", edited, after.first_bad_seq or 0),
    ]


@contextmanager
def _copied(handle: PlatformHandle) -> Iterator[tuple[Settings, Connection]]:
    """A database with the same trail, as settings and as the superuser's connection; it is dropped in the end."""
    from telemetry_platform.stores import postgres
    from telemetry_platform.stores.schema_ledger import PostgresDatabase
    from telemetry_platform.usecases.apply_schema import apply_release
    from telemetry_platform.usecases.schema_release import read_release

    name = "telemetry_copy"
    given = handle.settings.postgres
    admin_url = _at(handle.postgres_admin_url, name)
    with postgres.connect(handle.postgres_admin_url, autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
        server.execute(f"CREATE DATABASE {name} OWNER telemetry_owner".encode())
        try:
            with postgres.connect(admin_url) as owner:
                owner.execute("SET ROLE telemetry_owner")
                apply_release(PostgresDatabase(owner), read_release("postgres"), datetime.now(UTC))
                owner.execute("SELECT audit.ensure_partitions(1)")
            moved = given.model_copy(
                update={
                    part: SecretStr(_at(url.get_secret_value(), name))
                    for part in ("url", "read_url")
                    if (url := getattr(given, part)) is not None
                }
            )
            with postgres.connect(admin_url, autocommit=True) as admin:
                _copy_trail(_at(handle.postgres_admin_url, "telemetry"), admin)
                yield handle.settings.model_copy(update={"postgres": moved}), admin
        finally:
            server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())


def _copy_trail(source_url: str, target: Connection) -> None:
    """Rows as they are, in one moment."""
    from telemetry_platform.stores import postgres

    with postgres.connect(source_url) as source:
        source.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for table in _COPIED:
            with (
                source.cursor().copy(f"COPY (SELECT * FROM {table}) TO STDOUT".encode()) as rows,  # noqa: S608 - ours
                target.cursor().copy(f"COPY {table} FROM STDIN".encode()) as taken,
            ):
                for block in rows:
                    taken.write(block)
        head = source.execute("SELECT seq, recorded_at, row_hash FROM audit.head").fetchone()
    target.execute("UPDATE audit.head SET (seq, recorded_at, row_hash) = (%s, %s, %s)", head)


def _retention(handle: PlatformHandle) -> list[Line]:
    """Let the clock of the demo run ahead, let Dagster enforce retention, and read what is left and what proves it."""
    from telemetry_platform.stores import expiry_proof, postgres
    from telemetry_platform.stores.warehouse import open_warehouse
    from telemetry_platform.usecases import travel as travelling
    from telemetry_platform.usecases.ensure_keys import load_key_ring
    from telemetry_platform.usecases.expire.verify import verify_runs

    settings = handle.settings
    url = (settings.postgres.read_url or settings.postgres.url).get_secret_value()
    with (
        open_warehouse(settings.clickhouse, log_comment="telemetry demo, compliance") as warehouse,
        postgres.connect(settings.postgres, application="telemetry-demo", autocommit=True) as conn,
        postgres.connect(url, application="telemetry-demo", autocommit=True) as reading,
    ):
        ring = load_key_ring(conn, settings.keys)
        before = _counts(warehouse)
        gone = travelling.travel(conn, warehouse, ring, datetime.now(UTC) + _AHEAD, datetime.now(UTC))
        _tell(f"The clock of this demo went ahead to {gone.now:%Y-%m-%d}. Somebody started {_JOB} in Dagster.")
        status = _run_retention(handle)
        after, proofs = _counts(warehouse), expiry_proof.latest(reading)
        travelling.travel(conn, warehouse, ring, None, datetime.now(UTC))
        broken = verify_runs(reading)
    _show(proofs, before)
    return [
        Line(_RETENTION, "runs of enforce_retention that succeeded", 1, int(status == "SUCCESS")),
        *(Line(_RETENTION, f"rows left in {table}", 0, after[table]) for table in _GONE),
        *(Line(_RETENTION, "  removed, says its proof", before[table], _removed(proofs, table)) for table in _GONE),
        *(Line(_RETENTION, f"rows left in {table}", before[table], after[table]) for table in _STAYS),
        Line(_RETENTION, "proofs that are one chain", len(proofs), len(proofs) if broken is None else 0),
    ]


def _run_retention(handle: PlatformHandle) -> str:
    """The status of a run that was started as somebody would in the UI, once it has ended."""
    from telemetry_platform.cli.dagster_runs import dagster_runs, launch

    config = json.dumps({"ops": {"remove_expired": {"config": {"dry_run": False}}}})
    run_id = launch(handle.dagster_url, _JOB, config)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with out.status("waiting for the run of enforce_retention"):
        while time.monotonic() < deadline:
            for run in dagster_runs(handle.dagster_url):
                if run.run_id == run_id and run.has_ended:
                    return run.status
            time.sleep(_POLL_SECONDS)
    raise TransientError(f"the run {run_id[:8]} of {_JOB} has not ended: look at it in the Dagster UI")


def _counts(warehouse: Warehouse) -> dict[str, int]:
    """Rows at rest, versions once; read past everything that hides expired ones."""
    found: dict[str, int] = {}
    for name in (*_GONE, *_STAYS):
        newest = " FINAL" if tables()[name].final else ""
        found[name] = int(warehouse.client.query(f"SELECT count() FROM {name}{newest}")[0][0])  # noqa: S608 - names of ours
    return found


def _removed(proofs: dict[str, RetentionRun], table: str) -> int:
    return proofs[table].rows_dropped if table in proofs else 0


def _show(proofs: dict[str, RetentionRun], before: dict[str, int]) -> None:
    """What the run says of the tables that had rows."""
    table = Table(Column("Retention, table by table", no_wrap=True), "kept for", box=None, pad_edge=False)
    for title in ("rows before", "removed", "partitions", "left"):
        table.add_column(title, justify="right")
    for name, proof in sorted(proofs.items()):
        if name in before or proof.rows_dropped:
            counts = (proof.rows_before, proof.rows_dropped, proof.partitions_dropped, proof.rows_after)
            table.add_row(name, proof.policy.partition(" after ")[0], *(f"{count:,}" for count in counts))
    out.print()
    out.print(table)


def _at(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def _tell(text: str) -> None:
    out.print(text, markup=False, highlight=False, soft_wrap=True)
