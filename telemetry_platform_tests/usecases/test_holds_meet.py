"""Legal holds beside erasures, deletions and new keys: whoever comes first, nothing of a held person goes."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from telemetry_platform.contracts.pii import Domain
from telemetry_platform.stores import erasures, holds, postgres
from telemetry_platform.stores.holds import ActorName
from telemetry_platform.usecases.drain.stores import open_stores
from telemetry_platform.usecases.erase.run import Erasing
from telemetry_platform.usecases.hold import place as placing
from telemetry_platform.usecases.hold import release as releasing
from telemetry_platform_tests.api.serving import at, event, serving
from telemetry_platform_tests.usecases.erased_person import (
    ORG,
    actors,
    ask,
    carry_out,
    found,
    ring_of,
    rows_of,
    with_a_past,
)
from telemetry_platform_tests.usecases.holding import WHY, add_rows, count, follow, hold, release
from telemetry_platform_tests.usecases.landing import looking
from telemetry_platform_tests.usecases.old_keys import begin_at, rotate_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from telemetry_platform.settings import Settings

NOW = datetime.now(UTC).replace(microsecond=0)
# Media events are kept for 90 days, and their TTL lets them lie for another month.
EXPIRED = NOW - timedelta(days=100)


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


def test_a_hold_after_the_request_keeps_the_erasure_back_and_its_release_lets_it_go_on(settled: Settings) -> None:
    actor = actors(settled, "u-8")[1]
    with looking(settled) as (warehouse, _):
        add_rows(warehouse, "media_events", actor, EXPIRED, 2)
        taken = ask(settled, "u-8")
        placed = hold(settled, "u-8")
        assert placed.erasures_held == 1
        assert found(settled, taken).status == erasures.HELD
        follow(settled)
        carry_out(settled)
        assert count(warehouse, "media_events", actor) == 2
        release(settled, placed.hold.hold_id)
        # The copies are left to the erasure, which counts them.
        assert follow(settled).settled.deleted == 0
        carry_out(settled)
        assert found(settled, taken).status == erasures.CERTIFIED
        assert rows_of(settled, "u-8") == {}
    certificate = found(settled, taken).certificate
    assert certificate is not None
    told = {row["table"]: row["erased"] for row in certificate["tables"]}
    assert (told["media_events"], told["held_media_events"]) == (2, 2)
    assert "held_error_events" not in told


def test_an_erasure_that_began_under_a_hold_knows_keys_that_came_up_meanwhile(
    make_platform: Callable[[], Settings],
) -> None:
    settings = make_platform()
    begin_at(settings, settings.keys, NOW - timedelta(days=40))
    placed = hold(settings, "u-9")
    taken = ask(settings, "u-9", NOW - timedelta(days=35))
    assert taken.erasure.status == erasures.HELD
    with postgres.connect(settings.postgres) as conn:
        rotate_at(conn, settings.keys, NOW - timedelta(days=10))
    ring = ring_of(settings)
    with postgres.connect(settings.postgres) as conn:
        # Of both domains that began an epoch.
        assert placing.refresh(conn, ring, NOW, org_id=ORG, user_id="u-9") >= 1
        assert placing.refresh(conn, ring, NOW, org_id=ORG, user_id="u-9") == 0
    with looking(settings) as (warehouse, _):
        add_rows(warehouse, "media_events", ring.pseudonym(Domain.ACTOR, 2, "u-9"), NOW - timedelta(days=2))
    release(settings, placed.hold.hold_id)
    follow(settings)
    carry_out(settings)
    assert found(settings, taken).status == erasures.CERTIFIED
    assert rows_of(settings, "u-9", (1, 2)) == {}


def test_the_api_tells_holds_the_pseudonyms_under_keys_that_began_since(
    make_platform: Callable[[], Settings],
) -> None:
    settings = make_platform()
    begin_at(settings, settings.keys, NOW - timedelta(days=40))
    placed, staff = hold(settings, "u-10"), hold(settings, "u-11")
    with postgres.connect(settings.postgres) as conn:
        rotate_at(conn, settings.keys, NOW - timedelta(days=10))
    moment = datetime.now(UTC)
    with serving(settings, None) as api:
        assert api.post(event(timestamp=at(0, moment)), sub="u-10").json()["status"] == "accepted"
        work = {
            "event_id": str(uuid4()),
            "timestamp": at(0, moment),
            "org_id": ORG,
            "staff_user_id": "u-11",
            "team_id": "team-3",
            "metric": "response_time",
            "value": 12.5,
            "unit": "minutes",
            "period_start": at(0, moment.replace(hour=0, minute=0)),
        }
        answer = api.post_to("/v1/staff/metrics", work, roles=["service"], sub="core-api")
        assert answer.status_code == 202, answer.text
        ring = ring_of(settings)
        for one, user in ((placed, "u-10"), (staff, "u-11")):
            expected = {ring.pseudonym(Domain.ACTOR, epoch, user) for epoch in (1, 2)}
            _until(lambda one=one, expected=expected: _names(settings, one) >= expected)  # type: ignore[misc] # defaults bind now


def _names(settings: Settings, placed: placing.Placed) -> set[str]:
    with looking(settings) as (_, conn):
        return {actor for one in holds.in_force(conn) if one.hold_id == placed.hold.hold_id for actor in one.actors}


def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_sweep_that_has_begun_is_said_and_does_not_begin_again(settled: Settings) -> None:
    with looking(settled) as (warehouse, conn):
        add_rows(warehouse, "media_events", actors(settled, "u-12")[4], NOW - timedelta(days=1))
        taken = ask(settled, "u-12")
        with conn.transaction():
            assert erasures.begin_sweep(conn, taken.erasure, taken.subject_hash, now=datetime.now(UTC))
        placed = hold(settled, "u-12")
        assert placed.is_being_erased
        with open_stores(settled) as stores:
            assert Erasing(stores, lambda: datetime.now(UTC)).run().is_done, "it is not taken on again"
        assert rows_of(settled, "u-12") == {"media_events": 1}
        release(settled, placed.hold.hold_id)
        carry_out(settled)
        assert rows_of(settled, "u-12") == {}


def test_a_request_waits_for_a_hold_that_is_being_placed(settled: Settings) -> None:
    ring = ring_of(settled)
    asked: list[str] = []
    with looking(settled) as (_, watcher):
        with postgres.connect(settled.postgres) as conn:
            placing.place(conn, ring, datetime.now(UTC), org_id=ORG, user_id="u-13", why=WHY)
            thread = threading.Thread(target=lambda: asked.append(ask(settled, "u-13").erasure.status))
            thread.start()
            _until(lambda: _waiting(watcher) == 1)
            assert asked == []
        thread.join(20)
    assert asked == [erasures.HELD]


def test_a_hold_is_not_placed_while_something_is_being_deleted(settled: Settings) -> None:
    done: list[placing.Placed] = []
    with looking(settled) as (_, watcher), postgres.connect(settled.postgres, autocommit=True) as deleting:
        thread = threading.Thread(target=lambda: done.append(hold(settled, "u-14")))
        with holds.nothing_changes(deleting):
            thread.start()
            _until(lambda: _waiting(watcher) == 1)
            assert holds.in_force(watcher) == []
        thread.join(20)
        assert [one.hold_id for one in holds.in_force(watcher)] == [done[0].hold.hold_id]


def _waiting(conn: postgres.Connection) -> int:
    row = conn.execute(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    ).fetchone()
    return int(row[0]) if row else 0


def test_a_name_that_is_noted_while_the_hold_is_released_does_not_stay_behind(aged: Settings) -> None:
    """The hold's row could never be deleted, since a name hangs on it that nobody takes away any more."""
    placed = hold(aged, "u-met-late")
    noted: list[int] = []
    with postgres.connect(aged.postgres) as releases, postgres.connect(aged.postgres, autocommit=True) as api:
        releasing.release(releases, ring_of(aged), NOW, hold_id=placed.hold.hold_id, why="it was settled")

        def note() -> None:
            name = ActorName(Domain.ACTOR, 99, "ab" * 32)
            noted.append(holds.note_actors(api, ORG, placed.hold.subject_hash, [name]))

        meeting = threading.Thread(target=note)
        meeting.start()
        # It waits for the release, or has ended before it.
        meeting.join(timeout=1.0)
        releases.commit()
        meeting.join()
        assert noted == [0]
        left = api.execute("SELECT FROM privacy.hold_actors WHERE hold_id = %s", (placed.hold.hold_id,)).fetchall()
    assert left == []
    follow(aged)
