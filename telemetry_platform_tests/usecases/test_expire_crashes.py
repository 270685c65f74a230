"""Runs of retention that are killed: what they did is proved by the next one, which goes on where they were."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from telemetry_platform.stores import expiry_proof, expiry_warehouse, postgres, restore_marks
from telemetry_platform.usecases.expire.targets import targets
from telemetry_platform.usecases.expire.verify import verify_runs
from telemetry_platform.usecases.retention_policy import in_force
from telemetry_platform_tests.usecases.crashing_retention import crash
from telemetry_platform_tests.usecases.expiring import both, count, days_ago, patient, put, run
from telemetry_platform_tests.usecases.expiring_records import SAMPLES
from telemetry_platform_tests.usecases.holding import hold

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.warehouse import Warehouse

_WHOLE, _ROWS = "analytics_events", "media_buffering_events"
"""A table that is dropped by partitions, and one that has none."""


@pytest.mark.parametrize(
    ("table", "point", "by_killed", "partitions"),
    [
        (_WHOLE, "announced", 0, 0),
        (_WHOLE, "before_drop", 0, 0),
        (_WHOLE, "after_drop", 2, 1),
        (_ROWS, "announced", 0, 0),
        (_ROWS, "after_rewrite", 2, 0),
    ],
)
def test_a_killed_run_is_proved_by_the_next_one(
    module_platform: Settings, table: str, point: str, by_killed: int, partitions: int
) -> None:
    settings = patient(module_platform)
    with both(settings) as (warehouse, conn):
        first = _begin(warehouse, conn, table)
        crash(settings, f"{table}.{point}")
        report = run(settings)
        (killed,) = [one for one in report.recovered if one.table_name == table]
        assert (killed.status, killed.rows_dropped, killed.partitions_dropped) == ("interrupted", by_killed, partitions)
        assert (killed.expired_before, killed.expired_after) == (2, 2 - by_killed)
        _assert_all_is_proved(warehouse, conn, table, first)


@pytest.mark.parametrize(("table", "point"), [(_ROWS, "asked"), (_ROWS, "proved"), (_WHOLE, "proved")])
def test_a_run_that_is_killed_while_the_warehouse_works_or_after_it_is_proved_once(
    module_platform: Settings, table: str, point: str
) -> None:
    settings = patient(module_platform)
    with both(settings) as (warehouse, conn):
        first = _begin(warehouse, conn, table)
        crash(settings, f"{table}.{point}")
        assert [one.table_name for one in expiry_proof.announced(conn)] == ([] if point == "proved" else [table])
        run(settings)
        _assert_all_is_proved(warehouse, conn, table, first)


def _begin(warehouse: Warehouse, conn: Connection, table: str) -> int:
    """Two rows that have expired, and two that have not; the number of the newest proof."""
    warehouse.client.command("TRUNCATE TABLE {table:Identifier}", {"table": table})
    put(warehouse, table, days_ago(800), days_ago(800.1))
    put(warehouse, table, days_ago(1), days_ago(2))
    return expiry_proof.chain_state(conn).last_number


def _assert_all_is_proved(warehouse: Warehouse, conn: Connection, table: str, first: int) -> None:
    assert expiry_proof.announced(conn) == []
    proofs = [one for one in expiry_proof.chain(conn) if one.table_name == table and one.number > first]
    assert sum(one.rows_dropped for one in proofs) == 2
    assert count(warehouse, table) == 2
    assert expiry_warehouse.open_mutations(warehouse) == []
    assert verify_runs(conn) is None


def test_a_copy_of_survivors_that_a_killed_run_left_is_removed(platform: Settings) -> None:
    settings = patient(platform)
    with both(settings) as (warehouse, _):
        warehouse.client.command("SYSTEM STOP MERGES media_buffering_events")
        put(warehouse, "media_buffering_events", days_ago(400), days_ago(1))
        crash(settings, "media_buffering_events.copied")
        assert count(warehouse, "media_buffering_events_survivors") == 1
        # Its lease runs out; its rewrite was ended before it copied.
        report = run(patient(platform, wait_seconds=30.0))
        assert count(warehouse, "media_buffering_events") == 1
        assert not warehouse.client.query("SELECT name FROM system.tables WHERE name LIKE '%_survivors'")
        proofs = {one.table_name: one for one in report.proofs}
        assert proofs["media_buffering_events"].rows_dropped == 1
        assert [one.rows_dropped for one in report.recovered] == [0]


def test_what_is_held_after_a_run_was_killed_does_not_count_as_removed(platform: Settings) -> None:
    settings = patient(platform)
    assert settings.postgres.owner_url is not None
    with postgres.connect(settings.postgres.owner_url.get_secret_value(), autocommit=True) as owner:
        for _ in range(3):
            SAMPLES["privacy.dead_letters"](owner, days_ago(40))
        crash(settings, "privacy.dead_letters.announced")
        placed = hold(settings, "u-held")
        owner.execute(
            "UPDATE privacy.dead_letters SET org_id = %s, actor_hash = ("
            "SELECT actor_hash FROM privacy.hold_actors WHERE hold_id = %s AND domain = 'actor' LIMIT 1)",
            (placed.hold.org_id, placed.hold.hold_id),
        )
        report = run(settings)
        (killed,) = [one for one in report.recovered if one.table_name == "privacy.dead_letters"]
        assert (killed.expired_before, killed.expired_after, killed.rows_dropped) == (3, 0, 0)
        (after,) = [one for one in report.proofs if one.table_name == "privacy.dead_letters"]
        assert (after.rows_held, after.rows_dropped, after.rows_after, after.status) == (3, 0, 3, "held")


def test_a_run_that_was_killed_before_it_said_so_is_in_the_trail_and_marked_by_the_next_one(platform: Settings) -> None:
    settings = patient(platform)
    with both(settings) as (warehouse, conn):
        put(warehouse, "error_events", days_ago(800), days_ago(1))
        crash(settings, f"{list(targets(in_force(settings)))[-1]}.proved")
        (killed,) = expiry_proof.unsaid(conn)
        assert (killed.rows, count(warehouse, "error_events")) == (1, 1)
        report = run(settings)
        assert (report.rows, report.recovered) == (0, ())
        entries = conn.execute(
            "SELECT d.body ->> 'run_id', d.body ->> 'rows', d.body ->> 'tables' FROM audit.audit_logs l "
            "JOIN audit.details d USING (seq) WHERE l.action = 'retention.ran' ORDER BY l.seq"
        ).fetchall()
        assert entries == [(str(killed.run_id), "1", str(killed.tables)), (str(report.run_id), "0", str(killed.tables))]
        newest = restore_marks.newest_confirmed(conn)
        assert newest is not None
        assert newest.mark_id == killed.run_id
        assert restore_marks.warehouse_has(warehouse, newest)
        assert expiry_proof.unsaid(conn) == []
