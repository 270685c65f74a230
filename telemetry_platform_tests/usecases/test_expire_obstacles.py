"""Retention where something is in its way: no table keeps another one from its turn, no account passes for a look."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from telemetry_platform.contracts.registry import tables
from telemetry_platform.errors import PermanentError
from telemetry_platform.processing.calendar_cutoff import cut_off
from telemetry_platform.stores import expiry_proof, expiry_warehouse, postgres
from telemetry_platform.stores.expiry_proof import Announcement, Outcome
from telemetry_platform.stores.expiry_warehouse import ExpiringTable
from telemetry_platform.usecases.drain.stores import open_stores
from telemetry_platform.usecases.expire.past_retention import A_NIGHT, standings
from telemetry_platform.usecases.expire.targets import targets
from telemetry_platform.usecases.expire.verify import verify_runs
from telemetry_platform.usecases.expire.work import Work
from telemetry_platform.usecases.retention_policy import in_force
from telemetry_platform_tests.usecases.expiring import both, count, days_ago, patient, put, run
from telemetry_platform_tests.usecases.expiring_records import SAMPLES
from telemetry_platform_tests.usecases.holding import a_pseudonym, add_rows, follow, hold, release
from telemetry_platform_tests.usecases.landing import audit_entry, queue

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection

_LETTERS, _BATCHES = "privacy.dead_letters", "ingest.batches"


def _owner(settings: Settings) -> Connection:
    assert settings.postgres.owner_url is not None
    return postgres.connect(settings.postgres.owner_url.get_secret_value(), autocommit=True)


def _rows(conn: Connection, table: str) -> int:
    row = conn.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()  # noqa: S608 - a name of ours
    assert row is not None
    return int(row[0])


def test_a_table_that_somebody_locks_keeps_no_other_from_its_turn(platform: Settings) -> None:
    settings = patient(platform)
    with both(settings) as (_, conn), _owner(settings) as owner:
        SAMPLES[_LETTERS](owner, days_ago(40))
        SAMPLES[_BATCHES](owner, days_ago(500))
        with owner.transaction():
            owner.execute("SELECT FROM privacy.dead_letters FOR UPDATE")
            report = run(settings)
        assert list(report.failures) == [_LETTERS]
        with pytest.raises(PermanentError, match=_LETTERS):
            report.raise_for_failures()
        proofs = {one.table_name: one for one in report.proofs}
        assert (proofs[_LETTERS].status, proofs[_LETTERS].rows_dropped) == ("failed", 0)
        assert (proofs[_BATCHES].status, proofs[_BATCHES].rows_dropped) == ("done", 1)
        assert expiry_proof.announced(conn) == []
        assert run(settings).rows == 1


def test_a_table_that_is_not_there_keeps_no_other_from_its_turn(platform: Settings) -> None:
    settings = patient(platform)
    with both(settings) as (warehouse, conn), _owner(settings) as owner:
        SAMPLES[_LETTERS](owner, days_ago(40))
        warehouse.client.command("RENAME TABLE consent_drops TO consent_drops_elsewhere")
        report = run(settings)
        assert list(report.failures) == ["consent_drops"]
        assert _rows(conn, _LETTERS) == 0


def test_a_killed_run_at_a_table_that_nobody_knows_any_more_is_told_and_keeps_nothing_up(platform: Settings) -> None:
    settings = patient(platform)
    now = datetime.now(UTC)
    with both(settings) as (_, conn), _owner(settings) as owner:
        SAMPLES[_LETTERS](owner, days_ago(40))
        expiry_proof.announce(conn, Announcement("a_table", uuid4(), "clickhouse", "a day", now, now, 1, 1, 0))
        report = run(settings)
        assert list(report.failures) == ["a_table"]
        assert _rows(conn, _LETTERS) == 0


def test_a_rewrite_that_stands_still_keeps_nobody_from_their_turn(platform: Settings) -> None:
    settings = patient(platform)
    with both(settings) as (warehouse, conn), _owner(settings) as owner:
        SAMPLES[_LETTERS](owner, days_ago(40))
        put(warehouse, "error_events", days_ago(1000), days_ago(1))
        put(warehouse, "staff_metrics", days_ago(1))
        warehouse.client.command("SYSTEM STOP MERGES staff_metrics")
        warehouse.client.command("ALTER TABLE staff_metrics DELETE WHERE org_id = 'nobody' SETTINGS mutations_sync = 0")
        # One of ClickHouse waits until it is seen that nothing goes on; one of PostgreSQL does not wait for ClickHouse.
        impatient = run(patient(platform, wait_seconds=0.0))
        assert {one.table_name: one.status for one in impatient.proofs if one.expired_before} == {
            "error_events": "postponed",
            _LETTERS: "done",
        }
        assert _rows(conn, _LETTERS) == 0
        assert run(settings, only="error_events").proofs[0].status == "done"
        assert len(expiry_warehouse.open_mutations(warehouse)) == 1, "that of somebody else is left alone"
        warehouse.client.command("SYSTEM START MERGES staff_metrics")


def test_copies_that_cannot_be_deleted_keep_no_table_from_its_turn(platform: Settings) -> None:
    settings = patient(platform)
    settings = settings.model_copy(
        update={"clickhouse": settings.clickhouse.model_copy(update={"timeout_seconds": 5.0})}
    )
    placed = hold(settings, "u-1")
    with both(settings) as (warehouse, conn), _owner(settings) as owner:
        row = conn.execute("SELECT actor_hash FROM privacy.hold_actors WHERE domain = 'actor'").fetchone()
        assert row is not None
        add_rows(warehouse, "media_events", row[0], days_ago(100))
        assert follow(settings).copied == {"media_events": 1}
        release(settings, placed.hold.hold_id)
        SAMPLES[_LETTERS](owner, days_ago(40))
        warehouse.client.command("SYSTEM STOP MERGES held_media_events")
        report = run(settings)
        assert list(report.failures) == ["copies of released holds"]
        assert count(warehouse, "media_events") == 0
        assert _rows(conn, _LETTERS) == 0
        warehouse.client.command("SYSTEM START MERGES held_media_events")
        assert not run(settings).failures
        assert count(warehouse, "held_media_events") == 0


def test_a_proof_that_is_made_up_hides_no_row_from_the_check(platform: Settings) -> None:
    target = targets(in_force(platform))["error_events"]
    now = datetime.now(UTC)
    with both(platform) as (warehouse, conn):
        put(warehouse, target.name, cut_off(target.policy, now - 3 * A_NIGHT))
        long_ago = datetime(1970, 1, 1, tzinfo=UTC)
        told = Announcement(target.name, uuid4(), "clickhouse", "a year", now, long_ago, 0, 0, 0)
        with conn.transaction():
            expiry_proof.prove(conn, told, Outcome(0, 0, 0, 0, None, "done"))
        assert verify_runs(conn) is None
        (found,) = standings(warehouse, conn, [target], now)
    assert not found.is_clean


def test_a_run_that_a_clock_which_went_back_left_in_the_future_is_proved(platform: Settings) -> None:
    ahead = datetime.now(UTC) + timedelta(days=400)
    with both(platform) as (_, conn):
        expiry_proof.announce(conn, Announcement(_LETTERS, uuid4(), "postgres", "a month", ahead, ahead, 0, 0, 0))
        (found,) = run(patient(platform)).recovered
        assert (found.status, found.ended_at) == ("interrupted", ahead)
        assert verify_runs(conn) is None


def test_survivors_that_a_killed_run_left_go_although_nothing_has_expired_any_more(platform: Settings) -> None:
    """It was killed after it had put them in place."""
    now = datetime.now(UTC)
    with both(platform) as (warehouse, conn):
        put(warehouse, "media_buffering_events", days_ago(1))
        told = Announcement("media_buffering_events", uuid4(), "clickhouse", "a year", now, days_ago(366), 2, 1, 0)
        expiry_proof.announce(conn, told)
        table = ExpiringTable(warehouse, tables()["media_buffering_events"], days_ago(366))
        warehouse.client.command("CREATE TABLE media_buffering_events_survivors AS media_buffering_events ENGINE = Log")
        report = run(patient(platform))
        assert [(one.rows_dropped, one.status) for one in report.recovered] == [(1, "interrupted")]
        assert (table.rows(), table.expired()[0]) == (1, 0)
        assert not warehouse.client.query("SELECT name FROM system.tables WHERE name LIKE '%_survivors'")


def test_after_a_restore_no_table_waits_for_a_queue_that_nobody_may_drain(platform: Settings) -> None:
    settings = patient(platform, wait_seconds=0.0, most_waiting_entries=0)
    target = targets(in_force(settings))[_LETTERS]
    queue(settings, [audit_entry(1, datetime.now(UTC))])
    with both(settings) as (_, conn), open_stores(settings) as stores:
        for is_alone, busy in ((False, "the landing queue is long"), (True, None)):
            work = Work(stores, conn, uuid4(), datetime.now(UTC), {}, dry_run=False, is_alone=is_alone)
            assert work.wait_for_turn(target) == busy


def test_whoever_two_holds_are_on_is_counted_and_copied_once(platform: Settings) -> None:
    settings = patient(platform)
    for _ in range(2):
        hold(settings, "u-1")
    follow(settings)
    with both(settings) as (warehouse, conn):
        row = conn.execute("SELECT actor_hash FROM privacy.hold_actors WHERE domain = 'actor'").fetchone()
        assert row is not None
        for actor in (row[0], a_pseudonym()):
            add_rows(warehouse, "media_events", actor, days_ago(100))
        (proof,) = run(settings, only="media_events").proofs
        assert (proof.rows_held, proof.rows_dropped, count(warehouse, "held_media_events")) == (1, 2, 1)


def test_a_copy_whose_hold_was_released_is_no_copy_for_the_next_hold(platform: Settings) -> None:
    """It is about to be deleted, and the deletion does not know of the next hold."""
    settings = patient(platform)
    first = hold(settings, "u-1")
    with both(settings) as (warehouse, conn):
        row = conn.execute("SELECT actor_hash FROM privacy.hold_actors WHERE domain = 'actor'").fetchone()
        assert row is not None
        add_rows(warehouse, "media_events", row[0], days_ago(100))
        follow(settings)
        warehouse.client.command("SYSTEM STOP MERGES held_media_events")
        release(settings, first.hold.hold_id)
        # As the release's command does it, which was ended while it waited.
        warehouse.client.command(
            "ALTER TABLE held_media_events DELETE WHERE hold_id = {hold_id:UUID} SETTINGS mutations_sync = 0",
            {"hold_id": str(first.hold.hold_id)},
        )
        second = hold(settings, "u-1")
        settings = settings.model_copy(
            update={"clickhouse": settings.clickhouse.model_copy(update={"timeout_seconds": 5.0})}
        )
        assert run(settings, only="media_events").proofs[0].rows_held == 1
        assert count(warehouse, "media_events") == 0
        warehouse.client.command("SYSTEM START MERGES held_media_events")
        assert not run(settings, only="media_events").failures
        kept = warehouse.client.query("SELECT hold_id, count() FROM held_media_events GROUP BY hold_id")
        assert [tuple(row) for row in kept] == [(second.hold.hold_id, 1)]
