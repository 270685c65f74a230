"""Retention beside what else happens: a drain that takes events, a restore, the fold of what is half expired."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from telemetry_platform.contracts.registry import tables
from telemetry_platform.errors import RestoredDataError
from telemetry_platform.processing.calendar_cutoff import cut_off
from telemetry_platform.stores import expiry_proof, postgres
from telemetry_platform.usecases.drain.folding import LATE
from telemetry_platform.usecases.drain.stores import open_stores
from telemetry_platform.usecases.ensure_keys import load_key_ring
from telemetry_platform.usecases.fold_sessions import SETTLED_AFTER
from telemetry_platform.usecases.restore_check import restore_check
from telemetry_platform_tests.usecases.expiring import both, count, days_ago, patient, put, run
from telemetry_platform_tests.usecases.landing import drain_all, looking, media_entry, queue, quick

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings


def test_events_are_taken_while_retention_works(platform: Settings) -> None:
    settings = patient(quick(platform))
    start = datetime.now(UTC) - timedelta(hours=1)
    rounds, events = 6, 50
    with both(settings) as (warehouse, _):
        put(warehouse, "media_events", *(days_ago(100 + day) for day in range(60)))
        put(warehouse, "media_sessions", *(days_ago(800 + day) for day in range(60)))
        done = threading.Event()

        def expire() -> None:
            while not done.is_set():
                run(settings)

        retention = threading.Thread(target=expire)
        retention.start()
        try:
            for number in range(rounds):
                session = str(uuid4())
                moments = [start + timedelta(seconds=number * events + second) for second in range(events)]
                queue(settings, [media_entry(session, "heartbeat", at, position_seconds=1.0) for at in moments])
                drain_all(settings)
        finally:
            done.set()
            retention.join()
        assert count(warehouse, "media_events") == rounds * events
        assert count(warehouse, "media_sessions_current") == rounds
    with looking(settings) as (_, conn):
        row = conn.execute("SELECT sum(events), sum(stored) FROM ingest.batches").fetchone()
        assert row == (rounds * events, rounds * events)


def test_what_a_backup_brings_back_is_removed_before_anybody_works_on_it(platform: Settings) -> None:
    settings = patient(platform)
    with both(settings) as (warehouse, conn), open_stores(settings) as stores:
        put(warehouse, "error_events", days_ago(800), days_ago(1))
        assert run(settings).rows == 1
        # As if ClickHouse were that of yesterday: no mark, and the row is back.
        warehouse.client.command("TRUNCATE TABLE restore_marks")
        put(warehouse, "error_events", days_ago(800))
        with pytest.raises(RestoredDataError, match="restore-check"):
            run(settings)
        with postgres.connect(settings.postgres) as ingest:
            ring = load_key_ring(ingest, settings.keys)
        report = restore_check(stores, settings, ring, now=datetime.now(UTC), accept_lost=True)
        assert report.expired == 1
        assert count(warehouse, "error_events") == 1
        newest = expiry_proof.latest(conn)["error_events"]
        assert (newest.rows_dropped, newest.status) == (1, "done")
        assert run(settings).rows == 0


def test_no_session_is_folded_again_that_may_have_lost_an_event() -> None:
    """A session is settled long before the first of its events expires, even where all were as late as they may."""
    kept = tables()["media_events"].retention
    now = datetime.now(UTC)
    assert cut_off(kept, now) < now - SETTLED_AFTER - LATE - timedelta(days=7)
