"""Retention of the trail and the security events: whole months by the calendar, signed for, or none under a hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from telemetry_platform.contracts.own_actions import RETENTION_RAN
from telemetry_platform.usecases.expire.looking import look
from telemetry_platform.usecases.expire.past_retention import standings
from telemetry_platform.usecases.expire.targets import targets
from telemetry_platform.usecases.retention_policy import in_force
from telemetry_platform_tests.stores.trail import Trail, trail_of
from telemetry_platform_tests.usecases.erased_person import ORG
from telemetry_platform_tests.usecases.expiring import both, patient, run
from telemetry_platform_tests.usecases.test_anchor_trail import age, is_whole

if TYPE_CHECKING:
    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings

TRAIL, SECURITY, INDEX = "audit.audit_logs", "security.security_events", "security.event_index"
# A leap year's February, whose last day is the one that a sum of row time and years gets wrong.
_MONTH = "2020-02-01 00:00+00", "2020-03-01 00:00+00"


@pytest.fixture
def trail(engines: PlatformHandle, platform: Settings) -> Trail:
    return trail_of(engines, platform)


def _old_month(trail: Trail, table: str, columns: str, values: str) -> None:
    """A month of 2020 with one row of 29 February, noon."""
    with trail.connect("postgres", autocommit=False) as owner:
        owner.execute("SET event_triggers = off")
        owner.execute("SET ROLE telemetry_owner")
        partition = f"{table}_2020_02"
        owner.execute(f"CREATE TABLE {partition} (LIKE {table} INCLUDING ALL)".encode())
        owner.execute(f"SELECT audit.make_append_only('{partition}')".encode())
        owner.execute(f"INSERT INTO {partition} ({columns}) VALUES ({values})".encode())  # noqa: S608 - names of ours
        bounds = f"FROM ('{_MONTH[0]}') TO ('{_MONTH[1]}')"
        owner.execute(f"ALTER TABLE {table} ATTACH PARTITION {partition} FOR VALUES {bounds}".encode())


def _old_audit(trail: Trail) -> None:
    _old_month(
        trail,
        TRAIL,
        "seq, event_id, occurred_at, recorded_at, actor_hash, key_epoch, actor_type, org_id, action, resource_type, "
        "outcome, prev_hash, row_hash",
        f"1, '{uuid4()}', '2020-02-29 12:00+00', '2020-02-29 12:00+00', '', 1, 'system', '{ORG}', 'media.view', "
        f"'media', 'success', '{'0' * 64}', '{'a' * 64}'",
    )


def _old_security(trail: Trail) -> None:
    event_id = uuid4()
    _old_month(
        trail,
        SECURITY,
        "event_id, occurred_at, recorded_at, org_id, type, severity, actor_hash, key_epoch",
        f"'{event_id}', '2020-02-29 12:00+00', '2020-02-29 12:00+00', '{ORG}', 'auth.failed', 'low', '', 0",
    )
    with trail.connect("telemetry_owner") as owner:
        owner.execute("INSERT INTO security.event_index VALUES (%s, %s, '2020-02-29 12:00+00')", (ORG, event_id))


def test_e44_an_audit_row_of_a_leap_day_is_kept_through_february_and_seven_years_keep_it_longer(
    trail: Trail, platform: Settings
) -> None:
    _old_audit(trail)
    seven = targets(in_force(platform))[TRAIL]
    six = replace(seven, policy=replace(seven.policy, amount=6))
    with both(platform) as (warehouse, conn):
        before = datetime(2026, 2, 28, 23, 59, tzinfo=UTC)
        assert look(warehouse, conn, six, before).expired == 0
        after = datetime(2026, 3, 1, 12, tzinfo=UTC)
        assert look(warehouse, conn, six, after).expired == 1
        assert look(warehouse, conn, seven, after).expired == 0


def test_expired_months_of_the_trail_go_with_an_anchor_and_a_proof(trail: Trail, platform: Settings) -> None:
    age(trail)
    settings = patient(platform)
    proofs = {one.table_name: one for one in run(settings).proofs}
    proof = proofs[TRAIL]
    assert (proof.rows_dropped, proof.partitions_dropped, proof.status) == (20, 1, "done")
    assert trail.rows("SELECT count(*) FROM audit.audit_logs WHERE seq <= 20") == [(0,)]
    assert trail.rows("SELECT first_seq, last_seq FROM audit.anchors") == [(1, 20)]
    assert trail.rows("SELECT count(*) FROM audit.audit_logs WHERE action = %s", [RETENTION_RAN.name]) == [(1,)]
    assert is_whole(settings)
    with both(settings) as (warehouse, conn):
        (found,) = standings(warehouse, conn, [targets(in_force(settings))[TRAIL]], datetime.now(UTC))
    assert found.is_clean


def test_security_events_go_with_their_rows_of_the_index(trail: Trail, platform: Settings) -> None:
    _old_security(trail)
    settings = patient(platform)
    with both(settings) as (warehouse, conn):
        found = standings(warehouse, conn, [targets(in_force(settings))[name] for name in (SECURITY, INDEX)], _now())
        assert [one.seen.expired for one in found] == [1, 1]
        proofs = {one.table_name: one for one in run(settings, only=SECURITY).proofs}
        assert set(proofs) == {SECURITY, INDEX}
        assert (proofs[SECURITY].rows_dropped, proofs[SECURITY].partitions_dropped) == (1, 1)
        assert (proofs[INDEX].rows_dropped, proofs[INDEX].partitions_dropped) == (1, 0)
    assert trail.rows("SELECT count(*) FROM security.event_index") == [(0,)]


def test_e44_under_a_legal_hold_no_month_goes_until_it_is_released(trail: Trail, platform: Settings) -> None:
    age(trail)
    settings = patient(platform)
    with trail.connect("telemetry_owner") as owner:
        owner.execute(
            "INSERT INTO privacy.legal_holds (hold_id, org_id, subject_hash, placed_at, why) "
            "VALUES (%s, %s, %s, now(), 'a dispute')",
            (uuid4(), ORG, "ab" * 32),
        )
        held = {one.table_name: one for one in run(settings).proofs}[TRAIL]
        assert (held.status, held.rows_held, held.rows_dropped, held.expired_after) == ("held", 20, 0, 0)
        assert trail.rows("SELECT count(*) FROM audit.audit_logs WHERE seq <= 20") == [(20,)]
        owner.execute("UPDATE privacy.legal_holds SET released_at = now(), released_why = 'over'")
    released = {one.table_name: one for one in run(settings).proofs}[TRAIL]
    assert (released.status, released.rows_held, released.rows_dropped) == ("done", 0, 20)
    assert is_whole(settings)


def test_a_month_that_is_not_whole_stays_and_the_other_tables_go_on(trail: Trail, platform: Settings) -> None:
    _old_audit(trail)
    _old_security(trail)
    settings = patient(platform)
    settings = settings.model_copy(update={"retention": settings.retention.model_copy(update={"audit_years": 6})})
    with trail.connect("telemetry_owner") as owner:
        owner.execute(
            "INSERT INTO audit.policy (table_name, amount, unit, counted_from, since, why) "
            "VALUES ('audit.audit_logs', 6, 'year', 'recorded_at', now(), 'a test')"
        )
    report = run(settings)
    proofs = {one.table_name: one for one in report.proofs}
    assert (proofs[TRAIL].status, proofs[TRAIL].rows_dropped) == ("failed", 0)
    assert proofs[SECURITY].rows_dropped == 1
    assert list(report.failures) == [TRAIL]
    with pytest.raises(Exception, match=r"audit\.audit_logs: audit_logs_2020_02 is not whole"):
        report.raise_for_failures()


def _now() -> datetime:
    return datetime.now(UTC)
