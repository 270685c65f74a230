"""Legal holds on the real engines: whatever was there of a held person is there until the release."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from telemetry_platform.contracts.pii import Domain
from telemetry_platform.errors import ContractViolationError, PermanentError
from telemetry_platform.stores import holds, postgres, subjects
from telemetry_platform.usecases import key_uses, replay_dead_letters
from telemetry_platform.usecases.hold import place as placing
from telemetry_platform.usecases.hold.settle import unsettled
from telemetry_platform.usecases.report_access import read_access
from telemetry_platform_tests.usecases import expiring
from telemetry_platform_tests.usecases.erased_person import (
    ORG,
    actors,
    ring_of,
    with_a_past,
)
from telemetry_platform_tests.usecases.holding import WHY, add_rows, count, engines_of, follow, hold, release
from telemetry_platform_tests.usecases.landing import drain_all, entry, looking, queue, quick

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.settings import Settings

NOW = datetime.now(UTC).replace(microsecond=0)
# Media events are kept for 90 days, and their TTL lets them lie for another month.
EXPIRED, LONG_EXPIRED = NOW - timedelta(days=100), NOW - timedelta(days=1_500)


@pytest.fixture(scope="module")
def aged(module_platform: Settings) -> Settings:
    """Databases with four epochs of keys."""
    with_a_past(module_platform)
    return module_platform


@pytest.fixture
def settled(aged: Settings) -> Iterator[Settings]:
    """Nobody is held before and after."""
    yield aged
    with looking(aged) as (_, conn):
        for one in holds.in_force(conn):
            release(aged, one.hold_id)
    follow(aged)


def _details(settings: Settings, action: str) -> list[dict[str, Any]]:
    assert settings.postgres.read_url is not None
    with postgres.connect(settings.postgres.read_url.get_secret_value()) as conn:
        rows = conn.execute(
            "SELECT body FROM audit.audit_logs JOIN audit.details USING (seq) WHERE action = %s ORDER BY seq", (action,)
        ).fetchall()
    return [row[0] for row in rows]


def _unsettled(settings: Settings) -> list[str]:
    with looking(settings) as (warehouse, conn):
        return unsettled(warehouse, conn)


def test_a_hold_is_found_by_the_pseudonyms_of_every_epoch_and_is_in_the_trail(settled: Settings) -> None:
    placed = hold(settled, "u-1")
    with looking(settled) as (_, conn):
        (mine,) = [one for one in holds.in_force(conn) if one.hold_id == placed.hold.hold_id]
        assert holds.find(conn, placed.hold.hold_id) == placed.hold
    assert mine.actors == tuple(actors(settled, "u-1").values())
    released = release(settled, placed.hold.hold_id)
    assert not released.is_still_held
    assert _details(settled, "hold.placed")[-1] == {
        "hold_id": str(placed.hold.hold_id),
        "epochs": placed.epochs,
        "erasures_held": 0,
    }
    told = _details(settled, "hold.released")[-1]
    assert (told["hold_id"], told["is_still_held"]) == (str(placed.hold.hold_id), False)
    with looking(settled) as (_, conn):
        assert conn.execute("SELECT count(*) FROM privacy.hold_actors").fetchone() == (0,)


def test_while_anybody_is_held_no_table_with_persons_has_a_ttl(settled: Settings) -> None:
    with looking(settled) as (warehouse, _):
        before = engines_of(warehouse)
        first, second = hold(settled, "u-2"), hold(settled, "u-3")
        assert len(_unsettled(settled)) == len(before)
        assert set(follow(settled).settled.ttl_removed) == set(before)
        assert not any("TTL" in full for full in engines_of(warehouse).values())
        assert _unsettled(settled) == []
        release(settled, first.hold.hold_id)
        assert follow(settled).settled.ttl_restored == ()
        release(settled, second.hold.hold_id)
        assert set(follow(settled).settled.ttl_restored) == set(before)
        assert engines_of(warehouse) == before


def test_e44_what_has_expired_of_a_held_person_stays_until_the_release(settled: Settings) -> None:
    mine, another = actors(settled, "u-4")[1], actors(settled, "u-5")[1]
    with looking(settled) as (warehouse, _):
        for actor in (mine, another):
            add_rows(warehouse, "media_events", actor, EXPIRED, 3)
        placed = hold(settled, "u-4")
        assert follow(settled).copied == {"media_events": 3}
        assert follow(settled).copied == {"media_events": 3}, "and no second copy"
        # What retention does, after the copying, to every row from before its cut-off.
        warehouse.client.command(
            "ALTER TABLE media_events DELETE WHERE occurred_at < {at:DateTime64(3)} SETTINGS mutations_sync = 2",
            {"at": NOW - timedelta(days=90)},
        )
        warehouse.client.command("OPTIMIZE TABLE held_media_events FINAL")
        assert count(warehouse, "held_media_events", mine) == 3
        assert count(warehouse, "held_media_events", another) == 0
        release(settled, placed.hold.hold_id)
        assert follow(settled).settled.deleted == 3
        assert count(warehouse, "held_media_events") == 0


def test_e44_a_retention_run_leaves_the_copies_of_held_persons(settled: Settings) -> None:
    mine, another = actors(settled, "u-22")[1], actors(settled, "u-23")[1]
    placed = hold(settled, "u-22")
    with looking(settled) as (warehouse, _):
        # Nothing was expired when the hold was placed.
        follow(settled)
        for actor in (mine, another):
            add_rows(warehouse, "media_events", actor, LONG_EXPIRED, 2)
        (proof,) = expiring.run(expiring.patient(settled), only="media_events").proofs
        assert (proof.rows_held, proof.status) == (2, "done")
        assert count(warehouse, "media_events", mine) == count(warehouse, "media_events", another) == 0
        assert count(warehouse, "held_media_events", mine) == 2
        assert count(warehouse, "held_media_events", another) == 0
        release(settled, placed.hold.hold_id)
        # The next run brings the warehouse to what the holds say, whoever else should have.
        expiring.run(expiring.patient(settled), only="media_events")
        assert count(warehouse, "held_media_events") == 0
    assert _unsettled(settled) == []


def test_a_letter_of_a_held_person_is_not_given_up(settled: Settings) -> None:
    actor = actors(settled, "u-24")[4]
    queue(settled, [entry("media", b"{", NOW - timedelta(days=1), str(uuid4()), actor_hash=actor, key_epoch=4)])
    drain_all(quick(settled))
    placed = hold(settled, "u-24")
    with looking(settled) as (_, conn):
        ((letter_id,),) = conn.execute("SELECT id FROM privacy.dead_letters WHERE actor_hash = %s", (actor,)).fetchall()
        assert replay_dead_letters.drop(conn, [letter_id], by="somebody", why="noise", now=NOW).skipped == 1
        release(settled, placed.hold.hold_id)
        assert replay_dead_letters.drop(conn, [letter_id], by="somebody", why="noise", now=NOW).dropped == 1


def test_another_hold_on_the_same_person_keeps_the_copies(settled: Settings) -> None:
    actor = actors(settled, "u-6")[1]
    with looking(settled) as (warehouse, _):
        first, second = hold(settled, "u-6"), hold(settled, "u-6")
        follow(settled)
        add_rows(warehouse, "error_events", actor, LONG_EXPIRED, 2)
        follow(settled)
        released = release(settled, first.hold.hold_id)
        assert released.is_still_held
        done = follow(settled).settled
        assert (done.handed_on, done.deleted) == (2, 0)
        assert count(warehouse, "held_error_events", actor) == 2
        release(settled, second.hold.hold_id)
        assert follow(settled).settled.deleted == 2


def test_a_command_that_was_killed_after_its_commit_is_made_up_for(settled: Settings) -> None:
    placed = hold(settled, "u-7")
    assert any("has a TTL" in fault for fault in _unsettled(settled))
    follow(settled)
    with looking(settled) as (warehouse, _):
        add_rows(warehouse, "error_events", actors(settled, "u-7")[2], LONG_EXPIRED)
    follow(settled)
    release(settled, placed.hold.hold_id)
    faults = _unsettled(settled)
    assert any("has no TTL" in fault for fault in faults)
    assert any("held_error_events has 1 copies" in fault for fault in faults)
    follow(settled)
    assert _unsettled(settled) == []


def test_two_who_settle_at_once_do_not_meet(settled: Settings) -> None:
    hold(settled, "u-15")
    failures: list[BaseException] = []

    def run() -> None:
        try:
            follow(settled)
        except PermanentError as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert _unsettled(settled) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE privacy.legal_holds SET why = 'another'",
        "UPDATE privacy.legal_holds SET subject_hash = repeat('0', 64)",
        "UPDATE privacy.legal_holds SET released_at = now(), org_id = 'clinic-2'",
        "DELETE FROM privacy.legal_holds",
        "TRUNCATE privacy.legal_holds CASCADE",
    ],
)
def test_a_hold_in_force_is_released_and_nothing_else(settled: Settings, statement: str) -> None:
    placed = hold(settled, "u-16")
    assert settled.postgres.owner_url is not None
    with (
        postgres.connect(settled.postgres.owner_url.get_secret_value()) as owner,
        pytest.raises(PermanentError, match="refused for every role"),
    ):
        owner.execute(statement.encode())
    release(settled, placed.hold.hold_id)
    with pytest.raises(ContractViolationError, match="was released before"):
        release(settled, placed.hold.hold_id)


@pytest.mark.parametrize("role", ["owner_url", "retention_url"])
def test_a_released_hold_stays_until_its_own_retention_has_passed(settled: Settings, role: str) -> None:
    placed = hold(settled, "u-17")
    release(settled, placed.hold.hold_id)
    url = getattr(settled.postgres, role).get_secret_value()
    with postgres.connect(url) as conn, pytest.raises(PermanentError, match="refused for every role"):
        conn.execute("DELETE FROM privacy.legal_holds WHERE hold_id = %s", (placed.hold.hold_id,))


def test_what_is_no_hold_is_refused(settled: Settings) -> None:
    ring = ring_of(settled)
    with pytest.raises(ContractViolationError, match="no hold of that reference"):
        release(settled, uuid4())
    with postgres.connect(settled.postgres) as conn:
        for user, why in (("", WHY), ("half a \ud800", WHY), ("x" * 257, WHY), ("u-17", "  ")):
            with pytest.raises(ContractViolationError, match=r"user id|say why"):
                placing.place(conn, ring, NOW, org_id=ORG, user_id=user, why=why)
        with pytest.raises(ContractViolationError, match="nobody of that id is held"):
            placing.refresh(conn, ring, NOW, org_id=ORG, user_id="u-17")


def test_the_reason_is_kept_without_personal_data(settled: Settings) -> None:
    ring = ring_of(settled)
    with postgres.connect(settled.postgres) as conn:
        placed = placing.place(
            conn, ring, NOW, org_id=ORG, user_id="u-18", why="dispute with ana.popescu@example.com,\n file 17"
        )
    assert "ana.popescu" not in placed.hold.why
    assert "file 17" in placed.hold.why


def test_copies_of_a_hold_that_nobody_knows_are_said_and_stay(settled: Settings) -> None:
    with looking(settled) as (warehouse, _):
        warehouse.client.command("INSERT INTO held_staff_metrics (hold_id) VALUES (generateUUIDv4())")
        try:
            follow(settled)
            assert any("restored from a backup" in fault for fault in _unsettled(settled))
            assert count(warehouse, "held_staff_metrics") == 1
        finally:
            warehouse.client.command("TRUNCATE TABLE held_staff_metrics")


def test_a_hold_says_nothing_on_consent(settled: Settings) -> None:
    placed = hold(settled, "u-19")
    with looking(settled) as (_, conn):
        state = subjects.read(conn, ORG, placed.hold.subject_hash)
        assert state is not None
        assert (state.level, state.erased_at, state.held_at is None) == (None, None, False)
        release(settled, placed.hold.hold_id)
        state = subjects.read(conn, ORG, placed.hold.subject_hash)
        assert state is not None
        assert state.held_at is None


def test_copies_are_in_access_reports_and_keep_their_keys(settled: Settings) -> None:
    hold(settled, "u-20")
    follow(settled)
    with looking(settled) as (warehouse, _):
        add_rows(warehouse, "error_events", actors(settled, "u-20")[1], LONG_EXPIRED, 2)
        follow(settled)
        warehouse.client.command(
            "ALTER TABLE error_events DELETE WHERE actor_hash = {actor:String} SETTINGS mutations_sync = 2",
            {"actor": actors(settled, "u-20")[1]},
        )
    report = read_access(settled, ring_of(settled), org_id=ORG, user_id="u-20", now=NOW)
    held = {one.place.table: one for one in report.held}
    assert held["held_error_events"].count == 2
    assert held["error_events"].count == 0
    assert "until the legal hold" in held["held_error_events"].place.kept
    uses = key_uses.rows_by_epoch(settled, log_comment="tests")
    assert uses[Domain.ACTOR, 1] >= 2
