"""Retention of every table that no event lands in, on the real PostgreSQL and as the role that does it."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, LiteralString

import pytest

from telemetry_platform.contracts.consent import ConsentLevel
from telemetry_platform.contracts.records import records
from telemetry_platform.contracts.rollup_registry import kept_tables
from telemetry_platform.contracts.subject import SubjectState
from telemetry_platform.errors import PermanentError
from telemetry_platform.processing.calendar_cutoff import cut_off
from telemetry_platform.stores import expiry_proof, holds, postgres, redis, subject_states, tombstone_copies
from telemetry_platform.stores.postgres import SQL, Identifier
from telemetry_platform.usecases.expire.targets import Way, kept, targets
from telemetry_platform.usecases.restored import copy_tombstones
from telemetry_platform.usecases.retention_policy import in_force
from telemetry_platform_tests.usecases import expiring_records as samples
from telemetry_platform_tests.usecases.erased_person import ORG
from telemetry_platform_tests.usecases.expiring import both, count, days_ago, patient, put, run
from telemetry_platform_tests.usecases.holding import follow, hold, release

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection

_MINUTE = timedelta(minutes=1)


@contextmanager
def _owner(settings: Settings) -> Iterator[Connection]:
    assert settings.postgres.owner_url is not None
    with postgres.connect(settings.postgres.owner_url.get_secret_value(), autocommit=True) as conn:
        yield conn


def _count(conn: Connection, table: str, where: LiteralString = "true", *values: Any) -> int:  # noqa: ANN401 - SQL values
    query = SQL("SELECT count(*) FROM {} WHERE ").format(Identifier(*table.split("."))) + SQL(where)
    return int(conn.execute(query, values).fetchall()[0][0])


def test_every_table_with_a_retention_is_acted_on_and_every_other_one_says_why(platform: Settings) -> None:
    found = targets(in_force(platform))
    with_retention = {name for name, record in records().items() if record.retention is not None}
    assert set(found) == {*kept_tables(), *with_retention}
    assert set(kept()) == set(records()) - with_retention
    assert all(kept().values())
    assert {name for name, target in found.items() if target.way is Way.ROWS} == set(samples.SAMPLES)


def test_every_record_expires_to_the_moment(platform: Settings) -> None:
    settings = patient(platform)
    found = targets(in_force(settings))
    now = datetime.now(UTC)
    with _owner(settings) as conn:
        before = {name: _count(conn, name) for name in samples.SAMPLES}
        for name, sample in samples.SAMPLES.items():
            boundary = cut_off(found[name].policy, now)
            days = timedelta(days=1) if name == "privacy.subjects" else _MINUTE
            sample(conn, boundary - days)
            # Later than the run begins, so that it is kept however long the tests take.
            sample(conn, boundary + timedelta(hours=1))
        report = run(settings)
        proofs = {one.table_name: one for one in report.proofs}
        # The tombstones' samples bring erasures of today.
        extra = {"privacy.erasures": 2}
        for name in samples.SAMPLES:
            assert proofs[name].rows_dropped == 1, name
            assert proofs[name].status == "done", name
            assert _count(conn, name) == before[name] + 1 + extra.get(name, 0), name
        assert _count(conn, "privacy.erasures_by_table") == _count(conn, "privacy.erasures")
    assert report.rows == len(samples.SAMPLES)
    assert run(settings).rows == 0


def test_what_is_not_over_stays_however_old_it_is(platform: Settings) -> None:
    settings = patient(platform)
    long_ago = datetime(2001, 1, 1, tzinfo=UTC)
    with _owner(settings) as conn:
        samples.erasure(conn, long_ago, "requested")
        samples.tombstone(conn, long_ago, "held")
        samples.batch(conn, long_ago, "closed")
        samples.hold(conn, None)
        samples.exclusion(conn, None)
        kept_rows = ("privacy.erasures", "privacy.tombstones", "ingest.batches", "privacy.legal_holds")
        before = {name: _count(conn, name) for name in (*kept_rows, "privacy.privacy_exclusions")}
        report = run(settings)
        assert report.rows == 0
        assert {name: _count(conn, name) for name in before} == before


def test_a_held_person_keeps_rows_and_the_proof_says_so(platform: Settings) -> None:
    settings = patient(platform)
    long_ago, held = datetime(2001, 1, 1, tzinfo=UTC), "ef" * 32
    with _owner(settings) as conn:
        hold_id = samples.hold(conn, None, held)
        conn.execute("INSERT INTO privacy.hold_actors VALUES (%s, %s, 'actor', 1, %s)", (hold_id, ORG, samples.HASH))
        samples.subject(conn, long_ago, held)
        samples.subject(conn, long_ago)
        samples.letter(conn, long_ago)
        samples.letter(conn, long_ago, "12" * 32)
        proofs = {one.table_name: one for one in run(settings).proofs}
        for name in ("privacy.subjects", "privacy.dead_letters"):
            assert (proofs[name].rows_dropped, proofs[name].rows_held, proofs[name].expired_after) == (1, 1, 0)
        assert _count(conn, "privacy.subjects", "subject_hash = %s", held) == 1
        conn.execute("UPDATE privacy.legal_holds SET released_at = now(), released_why = 'over'")
        conn.execute("DELETE FROM privacy.hold_actors")
        proofs = {one.table_name: one for one in run(settings).proofs}
        assert proofs["privacy.subjects"].rows_dropped == 1
        assert proofs["privacy.dead_letters"].rows_dropped == 1


def test_a_run_stops_at_its_cap_and_the_next_one_goes_on(platform: Settings) -> None:
    settings = patient(platform, max_rows_per_run=5, batch_rows=2)
    long_ago = datetime(2001, 1, 1, tzinfo=UTC)
    with _owner(settings) as conn:
        for number in range(8):
            samples.sync(conn, long_ago + timedelta(days=number))
        first = run(settings, only="privacy.privacy_exclusion_sync_log").proofs[0]
        assert (first.rows_dropped, first.expired_after, first.status) == (5, 3, "partial")
        # The oldest go first.
        assert first.oldest_remaining == long_ago + timedelta(days=5)
        second = run(settings, only="privacy.privacy_exclusion_sync_log").proofs[0]
        assert (second.rows_dropped, second.expired_after, second.status) == (3, 0, "done")


def test_a_dry_run_changes_nothing_but_says_what_it_saw(platform: Settings) -> None:
    settings = patient(platform)
    with _owner(settings) as conn:
        samples.letter(conn, datetime(2001, 1, 1, tzinfo=UTC))
        before = _count(conn, "ops.restore_marks"), _count(conn, "audit.audit_logs")
        report = run(settings, dry_run=True)
        proof = next(one for one in report.proofs if one.table_name == "privacy.dead_letters")
        assert (proof.dry_run, proof.expired_before, proof.expired_after, proof.rows_dropped) == (True, 1, 1, 0)
        assert proof.status == "partial"
        assert _count(conn, "privacy.dead_letters") == 1
        assert (_count(conn, "ops.restore_marks"), _count(conn, "audit.audit_logs")) == before


def test_a_run_is_recorded_in_the_trail_and_marks_both_databases(platform: Settings) -> None:
    settings = patient(platform)
    with _owner(settings) as conn:
        samples.letter(conn, datetime(2001, 1, 1, tzinfo=UTC))
        report = run(settings)
        row = conn.execute(
            "SELECT body FROM audit.audit_logs JOIN audit.details USING (seq) WHERE action = 'retention.ran'"
        ).fetchall()
        assert row == [
            ({"run_id": str(report.run_id), "tables": len(report.proofs), "rows": 1, "left": 0},),
        ]
        marks = conn.execute("SELECT mark_id, why, confirmed_at IS NOT NULL FROM ops.restore_marks").fetchall()
        assert marks == [(report.run_id, "retention", True)]


def test_two_runs_do_not_meet(platform: Settings) -> None:
    settings = patient(platform)
    with both(settings) as (_, conn), expiry_proof.only_run(conn), pytest.raises(Exception, match="another run"):
        run(settings)


def test_copies_of_decisions_and_tombstones_go_with_their_rows(platform: Settings, tmp_path: Path) -> None:
    settings = patient(platform)
    folder = tmp_path / "tombstones"
    settings = settings.model_copy(update={"privacy": settings.privacy.model_copy(update={"tombstone_copy": folder})})
    expired, used, orphan = "aa" * 32, "bb" * 32, "cc" * 32
    state = SubjectState(ConsentLevel.ANALYTICS, decided_at=1, changed_at=1)
    with _owner(settings) as conn, redis.connect(settings.redis) as client:
        samples.subject(conn, datetime(2001, 1, 1, tzinfo=UTC), expired)
        samples.subject(conn, datetime.now(UTC), used)
        for person in (expired, used, orphan):
            subject_states.publish(client, "tenant:with:colons" if person == orphan else ORG, person, state)
        for until in (datetime.now(UTC) - _MINUTE, datetime.now(UTC) + timedelta(hours=1)):
            samples.tombstone(conn, until)
        moments = [row[0] for row in conn.execute("SELECT until FROM privacy.tombstones ORDER BY until").fetchall()]
        copy_tombstones(conn, folder, moments[0] - _MINUTE)
        assert len(list(tombstone_copies.read(folder))) == 2
        run(settings)
        held = set(client.scan_iter(match="subject:*"))
        assert held == {f"subject:{ORG}:{used}".encode()}
        assert [one.until for one in tombstone_copies.read(folder)] == [moments[1]]


def test_a_held_persons_rows_in_the_warehouse_are_copied_before_they_go(platform: Settings) -> None:
    settings = patient(platform)
    with both(settings) as (warehouse, _):
        placed = hold(settings, "u-held")
        follow(settings)
        with postgres.connect(settings.postgres) as conn:
            held = holds.in_force(conn)[0]
        put(warehouse, "analytics_events", days_ago(800), days_ago(1), actor_hash=held.actors[0])
        put(warehouse, "analytics_events", days_ago(800))
        proof = {one.table_name: one for one in run(settings).proofs}["analytics_events"]
        assert (proof.rows_dropped, proof.rows_held, proof.rows_after) == (2, 1, 1)
        assert count(warehouse, "held_analytics_events") == 1
        release(settings, placed.hold.hold_id)
        # The next run takes the copies that nothing keeps any more.
        run(settings)
        assert count(warehouse, "held_analytics_events") == 0


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_the_role_of_retention_removes_no_row_that_has_not_expired(platform: Settings, name: str) -> None:
    assert platform.postgres.retention_url is not None
    with _owner(platform) as conn:
        samples.SAMPLES[name](conn, datetime.now(UTC) + timedelta(hours=1))
        before = _count(conn, name)
    delete = SQL("DELETE FROM {}").format(Identifier(*name.split(".")))
    with (
        postgres.connect(platform.postgres.retention_url.get_secret_value(), autocommit=True) as retention,
        pytest.raises(PermanentError, match=r"is not expired|is kept|released"),
    ):
        retention.execute(delete)
    with _owner(platform) as conn:
        assert _count(conn, name) == before > 0


def test_a_held_persons_row_is_kept_from_the_role_itself(platform: Settings) -> None:
    assert platform.postgres.retention_url is not None
    with _owner(platform) as conn:
        samples.hold(conn, None, samples.HASH)
        samples.subject(conn, datetime(2001, 1, 1, tzinfo=UTC), samples.HASH)
    with (
        postgres.connect(platform.postgres.retention_url.get_secret_value(), autocommit=True) as retention,
        pytest.raises(PermanentError, match="a legal hold is in force"),
    ):
        retention.execute("DELETE FROM privacy.subjects")
