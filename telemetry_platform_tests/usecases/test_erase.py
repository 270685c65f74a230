"""The right to erasure on the real engines: every table under every key, certified, and proven afterwards."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from telemetry_platform.contracts.rollup_registry import rollups
from telemetry_platform.errors import ContractViolationError, TransientError
from telemetry_platform.stores import erasure_counts, erasures, postgres
from telemetry_platform.usecases.drain.stores import open_stores
from telemetry_platform.usecases.erase.certificate import readable
from telemetry_platform.usecases.erase.proof import rows_of_erased
from telemetry_platform.usecases.erase.run import Erasing
from telemetry_platform.usecases.rollups.touched import due_days, rebuild_due
from telemetry_platform.usecases.rollups.verify import days_of, verify_day
from telemetry_platform_tests.api.serving import at, event, serving
from telemetry_platform_tests.usecases.crashing_erasure import crash
from telemetry_platform_tests.usecases.erased_person import (
    ORG,
    Past,
    actors,
    ask,
    carry_out,
    found,
    live,
    rows_of,
    security_rows,
    with_a_past,
)
from telemetry_platform_tests.usecases.landing import drain_all, looking, media_entry, queue, quick

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings

# Three epochs: two media events each, one view, one error, one page view, two frames, one staff metric, one letter.
EVERYTHING = {
    "media_events": 6,
    "error_events": 3,
    "analytics_events": 3,
    "pose_tracking_frames": 6,
    "staff_metrics": 3,
    "privacy.dead_letters": 3,
}


POINTS = ("begun", "media_events.announced", "media_events.deleted", "pose_tracking_frames.settled", "unlinked")
KILLED = {point: f"u-killed-at-{point}" for point in POINTS}


@pytest.fixture(scope="module")
def past(module_platform: Settings) -> Past:
    """Everybody of this module has lived."""
    found = with_a_past(module_platform)
    live(module_platform, found, *(f"u-{number}" for number in (42, 43, 44, 45, 52, 53, 54)), *KILLED.values())
    return found


_INSERT = (
    "INSERT INTO security.security_events (event_id, occurred_at, recorded_at, org_id, type, severity, key_epoch, "
    "actor_hash) VALUES (%s, %s, clock_timestamp(), %s, 'auth.failed', 'low', 1, %s)"
)


def security(at: datetime) -> dict[str, Any]:
    """Columns of a security event, past the drain that would have left the person out."""
    return {"event_id": uuid4(), "occurred_at": at, "org_id": ORG}


def _trail(settings: Settings, action: str) -> list[dict[str, Any]]:
    assert settings.postgres.read_url is not None
    with postgres.connect(settings.postgres.read_url.get_secret_value()) as conn:
        rows = conn.execute(
            "SELECT body FROM audit.audit_logs JOIN audit.details USING (seq) WHERE action = %s ORDER BY seq", (action,)
        ).fetchall()
    return [row[0] for row in rows]


def _said(settings: Settings) -> str:
    """Everything that ClickHouse wrote down of statements and mutations."""
    with looking(settings) as (warehouse, _):
        warehouse.client.command("SYSTEM FLUSH LOGS")
        logs = warehouse.client.query("SELECT query, toString(Settings) FROM system.query_log")
        mutations = warehouse.client.query("SELECT command FROM system.mutations")
    return str(logs) + str(mutations)


def test_e66_an_erasure_reaches_every_epoch_every_table_and_the_dead_letters(
    module_platform: Settings, past: Past
) -> None:
    assert past
    with open_stores(module_platform) as stores:
        rebuild_due(stores, now=datetime.now(UTC), budget=timedelta(minutes=5))
    before = rows_of(module_platform, "u-42")
    assert before["pose_sessions"] == 3
    assert EVERYTHING.items() <= before.items()
    assert before["media_sessions"] >= 3
    bystander, (named, events) = rows_of(module_platform, "u-43"), security_rows(module_platform, "u-42")
    assert named == 3
    taken = ask(module_platform, "u-42")
    carry_out(module_platform)
    erasure = found(module_platform, taken)
    assert erasure.status == erasures.CERTIFIED
    assert rows_of(module_platform, "u-42") == {}
    assert rows_of(module_platform, "u-43") == bystander
    with open_stores(module_platform) as stores:
        # Before the certificate, and not some time after: nothing of theirs is counted any more.
        for rollup in rollups().values():
            assert all(verify_day(stores, rollup, day).matches for day in days_of(stores, rollup))
        with stores.postgres() as conn:
            assert due_days(conn) == []
    # Unlinked, not deleted.
    assert security_rows(module_platform, "u-42") == (0, events)
    assert erasure.certificate is not None
    told = {row["table"]: row for row in erasure.certificate["tables"]}
    assert {table: told[table]["erased"] for table in EVERYTHING} == EVERYTHING
    assert told["security.security_events"]["unlinked"] == 3
    assert {row["survivors"] for row in told.values()} == {0}
    assert erasure.certificate["epochs"] == {"reached": [1, 2, 3, 4], "out_of_reach": []}
    assert "audit.audit_logs" in {row["table"] for row in erasure.certificate["kept"]}
    certified = _trail(module_platform, "erasure.certified")[-1]
    assert certified["erasure_id"] == str(erasure.erasure_id)
    assert certified["survivors"] == 0


def test_nobody_is_named_in_certificates_statements_and_mutations(module_platform: Settings, past: Past) -> None:
    assert past
    taken = ask(module_platform, "u-44")
    carry_out(module_platform)
    erasure = found(module_platform, taken)
    assert erasure.certificate is not None
    document = json.dumps(dict(erasure.certificate)) + readable(erasure.certificate)
    said = _said(module_platform)
    assert "u-44" not in document + said
    for actor in [*actors(module_platform, "u-44").values(), taken.subject_hash]:
        assert actor not in document
        assert actor not in said


def test_days_whose_rows_went_are_marked_for_their_rollups(module_platform: Settings, past: Past) -> None:
    with looking(module_platform) as (_, conn):
        conn.execute("DELETE FROM ingest.touched_days")
    ask(module_platform, "u-45")
    carry_out(module_platform)
    with looking(module_platform) as (_, conn):
        rows = conn.execute("SELECT day FROM ingest.touched_days WHERE table_name = 'media_events' ORDER BY day")
        assert [day for (day,) in rows.fetchall()] == [moment.date() for moment in past.moments]


def test_a_destroyed_epoch_is_told_as_no_longer_attributable(make_platform: Any) -> None:  # noqa: ANN401 - a factory
    settings: Settings = make_platform()
    with_a_past(settings)
    assert settings.postgres.owner_url is not None
    with postgres.connect(settings.postgres.owner_url.get_secret_value()) as owner:
        owner.execute(
            "UPDATE privacy.key_epochs SET wrapped = NULL, nonce = NULL, destruction_begun_at = now(), "
            "destroyed_at = now() WHERE domain = 'actor' AND epoch = 1"
        )
    taken = ask(settings, "u-42")
    carry_out(settings)
    certificate = found(settings, taken).certificate
    assert certificate is not None
    assert certificate["result"] == "nothing found"
    assert certificate["epochs"]["reached"] == [2, 3, 4]
    assert [epoch["epoch"] for epoch in certificate["epochs"]["out_of_reach"]] == [1]
    assert "No longer attributable: epoch 1" in readable(certificate)


def test_asked_for_twice_it_is_one_erasure_of_now_and_afterwards_another(module_platform: Settings, past: Past) -> None:
    assert past
    first = ask(module_platform, "u-50", datetime.now(UTC) - timedelta(hours=3))
    said = len(_trail(module_platform, "erasure.requested"))
    second = ask(module_platform, "u-50")
    # It moves the tombstone: the trail has that too.
    assert len(_trail(module_platform, "erasure.requested")) == said + 1
    assert first.erasure.erasure_id == second.erasure.erasure_id
    assert found(module_platform, second).erased_at == second.erasure.erased_at > first.erasure.erased_at
    carry_out(module_platform)
    assert ask(module_platform, "u-50").erasure.erasure_id != first.erasure.erasure_id
    carry_out(module_platform)


@pytest.mark.parametrize("user", ["", "x" * 257, "half a \ud800"])
def test_what_is_no_id_is_refused(module_platform: Settings, past: Past, user: str) -> None:
    assert past
    with pytest.raises(ContractViolationError, match="user id"):
        ask(module_platform, user)


def test_one_that_is_named_is_found_behind_many(module_platform: Settings, past: Past) -> None:
    assert past
    taken = [ask(module_platform, f"nobody-{number}") for number in range(3)]
    with looking(module_platform) as (_, conn):
        last = taken[-1].erasure.erasure_id
        assert [one.erasure_id for one in erasures.unended(conn, only=last, limit=1)] == [last]
    carry_out(module_platform)


def _as_owner(settings: Settings, statement: str, values: tuple[Any, ...]) -> None:
    assert settings.postgres.owner_url is not None
    with postgres.connect(settings.postgres.owner_url.get_secret_value()) as owner:
        owner.execute(statement.encode(), values)


def test_what_was_queued_before_is_drained_first(module_platform: Settings, past: Past) -> None:
    assert past
    now = datetime.now(UTC)
    with serving(module_platform, None) as api:
        body = event("heartbeat", timestamp=at(0, now))
        assert api.post(body, sub="u-52").json()["status"] == "accepted"
    taken = ask(module_platform, "u-52")
    with open_stores(module_platform) as stores:
        report = Erasing(stores, lambda: datetime.now(UTC)).run()
    assert report.waiting == {"the queue is drained": 1}
    assert found(module_platform, taken).waits_for == "the queue is drained"
    drain_all(quick(module_platform))
    carry_out(module_platform)
    assert rows_of(module_platform, "u-52") == {}


def test_who_comes_back_keeps_what_they_begin_also_beside_another_erasure(
    module_platform: Settings, past: Past
) -> None:
    """Two erasures in one run, and the first of the two has begun something between them."""
    assert past
    actor = actors(module_platform, "u-53")[4]
    first = datetime.now(UTC) - timedelta(hours=3)
    new = media_entry(str(uuid4()), "heartbeat", first + timedelta(hours=1), position_seconds=1.0)
    queue(module_platform, [type(new)(**{**vars(new), "actor_hash": actor, "key_epoch": 4})])
    drain_all(quick(module_platform))
    ask(module_platform, "u-53", first)
    ask(module_platform, "u-54", first + timedelta(hours=2))
    carry_out(module_platform)
    assert rows_of(module_platform, "u-54") == {}
    kept = rows_of(module_platform, "u-53")
    assert kept["media_events"] == 1
    assert set(kept) <= {"media_events", "media_sessions"}


@pytest.mark.parametrize("point", POINTS)
def test_a_run_that_is_killed_loses_no_count(module_platform: Settings, past: Past, point: str) -> None:
    assert past
    user = KILLED[point]
    taken = ask(module_platform, user)
    crash(module_platform, point)
    carry_out(module_platform)
    assert rows_of(module_platform, user) == {}
    certificate = found(module_platform, taken).certificate
    assert certificate is not None
    told = {row["table"]: row for row in certificate["tables"]}
    assert {table: told[table]["erased"] for table in EVERYTHING} == EVERYTHING
    assert told["security.security_events"]["unlinked"] == 3


def test_two_runs_do_not_meet(module_platform: Settings, past: Past) -> None:
    assert past
    with (
        looking(module_platform) as (_, conn),
        erasure_counts.only_run(conn),
        open_stores(module_platform) as stores,
        pytest.raises(TransientError, match="another run"),
    ):
        Erasing(stores, lambda: datetime.now(UTC)).run()


def test_the_proof_finds_a_row_that_came_back(module_platform: Settings, past: Past) -> None:
    user = "u-55"
    ask(module_platform, user)
    carry_out(module_platform)
    now = datetime.now(UTC)
    with looking(module_platform) as (warehouse, conn):
        clean = rows_of_erased(conn, warehouse, now)
        assert clean.erasures >= 1
        assert sum(clean.rows.values()) == 0
        # As if a backup had brought it back: past the tombstone, which a drain would ask.
        some = past.moments[0]
        warehouse.client.command(
            "INSERT INTO media_events (event_id, org_id, actor_hash, key_epoch, occurred_at, received_at, event) "
            "VALUES ({id:UUID}, {org:String}, {actor:String}, 1, {at:DateTime64(3)}, {at:DateTime64(3)}, 'play')",
            {"id": str(uuid4()), "org": ORG, "actor": actors(module_platform, user)[1], "at": some},
        )
        assert rows_of_erased(conn, warehouse, now).rows["media_events"] == 1


def test_the_proof_finds_a_security_event_that_names_the_person_again(module_platform: Settings, past: Past) -> None:
    ask(module_platform, "u-57")
    carry_out(module_platform)
    now = datetime.now(UTC)
    body = {**security(past.moments[0]), "actor_hash": actors(module_platform, "u-57")[1]}
    with looking(module_platform) as (warehouse, conn):
        before = rows_of_erased(conn, warehouse, now).rows["security.security_events"]
        _as_owner(module_platform, _INSERT, tuple(body.values()))
        assert rows_of_erased(conn, warehouse, now).rows["security.security_events"] == before + 1
